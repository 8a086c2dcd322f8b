import { describe, expect, test } from 'vitest'
import type { HeaderField } from '../../../src/sip/headers.ts'
import { recordedAsSent } from '../../../src/sip/proxy/recorded.ts'
import { valuesOf } from './bed.ts'

const FAR = '<sip:far.sip.example;lr>'
const NEAR = '<sip:127.0.0.1:5060;lr>'
const HOME = '<sip:home.sip.example;lr>'
const THEIRS = '<sip:proxy.partner.example;lr>'
const EVIL = '<sip:10.0.0.99;lr>'
const SENT = [FAR, NEAR, HOME]

const fields = (...values: readonly string[]): HeaderField[] => [
  ['Contact', '<sip:x@partner.example>'],
  ...values.map((value): HeaderField => ['Record-Route', value]),
  ['Server', 's'],
]
const passed = (values: readonly string[], status = 200, sent: readonly string[] = SENT) =>
  valuesOf(recordedAsSent(fields(...values), sent, status), 'Record-Route')

describe('RFC 3261 §12.1.1: a response repeats the Record-Route of its request', () => {
  test.for<[string, readonly string[]]>([
    ['as it was sent', SENT],
    ['in one line', [SENT.join(', ')]],
    ['without the home server behind us', [FAR, NEAR]],
    ['without us', [HOME]],
    ['with somebody between us', [FAR, EVIL, NEAR, HOME]],
    ['with somebody between us and the home server', [FAR, NEAR, EVIL, HOME]],
    ['with somebody before the home server', [...SENT, EVIL]],
    ['not at all', []],
  ])('%s: it says what was sent', ([, values]) => {
    expect(passed(values)).toEqual(SENT)
  })

  test('what was added behind us stays above it', () => {
    expect(passed([THEIRS, ...SENT])).toEqual([THEIRS, ...SENT])
    expect(passed([`${THEIRS}, ${FAR}`, EVIL])).toEqual([THEIRS, ...SENT])
  })

  test('ours is known in another spelling', () => {
    expect(passed([THEIRS, '<sip:FAR.sip.example;LR;x=1>'])).toEqual([THEIRS, ...SENT])
  })

  test('what cannot be read goes no further', () => {
    expect(passed(['<sip:', ...SENT])).toEqual(SENT)
    expect(passed([`${THEIRS}, <sip:`])).toEqual(SENT)
  })

  test('a response that begins no dialog needs none', () => {
    for (const status of [180, 302, 404]) expect(passed([], status)).toEqual([])
    expect(passed([EVIL], 180)).toEqual(SENT)
  })

  test('where we are not on the way, it is no matter of ours', () => {
    expect(passed([EVIL], 200, [])).toEqual([EVIL])
  })

  test('the other header fields are left as they are', () => {
    const others = recordedAsSent(fields(EVIL), SENT, 200).filter(([name]) => name !== 'Record-Route')
    expect(others).toEqual([
      ['Contact', '<sip:x@partner.example>'],
      ['Server', 's'],
    ])
  })
})
