import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDeltaSeconds } from '../../src/sip/delta-seconds.ts'
import { parseSubscriptionState, subscriptionStateText } from '../../src/sip/subscription-state.ts'

describe('Subscription-State (RFC 6665 §8.4)', () => {
  test.for([
    ['active;expires=599', { kind: 'active', expires: 599 }],
    ['ACTIVE ; Expires = 599 ; x=y', { kind: 'active', expires: 599 }],
    ['active', { kind: 'active', expires: undefined }],
    ['pending;expires=0', { kind: 'pending', expires: 0 }],
    ['terminated', { kind: 'terminated', reason: undefined, retryAfter: undefined }],
    ['terminated;reason=REJECTED', { kind: 'terminated', reason: 'rejected', retryAfter: undefined }],
    [
      'terminated;reason=probation;retry-after=60;expires=5',
      { kind: 'terminated', reason: 'probation', retryAfter: 60 },
    ],
    ['terminated;reason=of-our-own', { kind: 'terminated', reason: 'of-our-own', retryAfter: undefined }],
    ['waiting;expires=4294967295', { kind: 'other', name: 'waiting', expires: 4_294_967_295 }],
  ] as const)('%s', ([value, state]) =>
    expect(parseSubscriptionState(value)).toEqual({ ok: true, value: state }),
  )

  test.for([
    ['', 'bad-state'],
    [';expires=1', 'bad-state'],
    ['active, pending', 'bad-state'],
    ['"active"', 'bad-state'],
    ['active expires=1', 'bad-state'],
    ['active;', 'bad-params'],
    ['active;expires=1;expires=2', 'bad-params'],
    ['active;expires=-1', 'bad-seconds'],
    ['active;expires', 'bad-seconds'],
    ['active;expires="1"', 'bad-seconds'],
    ['active;expires=1.5', 'bad-seconds'],
    ['active;expires=4294967296', 'bad-seconds'],
    ['terminated;retry-after=soon', 'bad-seconds'],
    ['terminated;reason', 'bad-reason'],
    ['terminated;reason="a b"', 'bad-reason'],
  ] as const)('%j: %s', ([value, error]) =>
    expect(parseSubscriptionState(value)).toEqual({ ok: false, error }),
  )

  test.for([
    'active;expires=1',
    'pending;expires=3600',
    'terminated;reason=giveup;retry-after=3600',
    'terminated;reason=timeout',
    'terminated',
    'waiting;expires=2',
  ])('%s is written as it was read', (value) => {
    const state = parseSubscriptionState(value)
    expect(state.ok && subscriptionStateText(state.value)).toBe(value)
  })

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const state = parseSubscriptionState(value)
        if (state.ok) expect(parseSubscriptionState(subscriptionStateText(state.value))).toEqual(state)
      }),
    )
  })
})

test.for([
  ['0', 0],
  ['4294967295', 4_294_967_295],
  ['4294967296', undefined],
  ['00000000001', undefined],
  ['', undefined],
  ['1s', undefined],
] as const)('%j seconds', ([text, seconds]) => expect(parseDeltaSeconds(text)).toBe(seconds))
