import { describe, expect, test } from 'vitest'
import type { Target } from '../../../src/sip/locate/target.ts'
import { afterTry, type Outcome, startWalk, type Walk } from '../../../src/sip/locate/walk.ts'

const targets: readonly Target[] = [1, 2, 3].map((n) => ({
  transport: 'udp',
  address: `192.0.2.${n}`,
  port: 5060,
  host: 'example.com',
  server: 'example.com',
}))

const walkOf = (tries: number): Walk => {
  const walk = startWalk(targets, tries)
  if (walk === undefined) throw new Error('no targets')
  return walk
}

/** Every try ends like this; the addresses that were tried, and how it ended. */
function tried(tries: number, outcome: (n: number) => Outcome): { addresses: string[]; last: Outcome } {
  let walk = walkOf(tries)
  const addresses: string[] = []
  for (;;) {
    addresses.push(walk.target.address)
    const step = afterTry(walk, outcome(addresses.length))
    if (step.kind === 'final') return { addresses, last: step.outcome }
    walk = step.walk
  }
}

describe('the next target is tried (RFC 3263 §4.3)', () => {
  test.for([
    ['503', { kind: 'response', status: 503 }],
    ['silence', { kind: 'timeout', provisional: false }],
    ['a failure of the transport', { kind: 'transport-failure', reason: 'reset' }],
  ] as const)('after %s', ([, outcome]) => {
    expect(tried(9, () => outcome).addresses).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })

  test.for([
    ['200', { kind: 'response', status: 200 }],
    ['500', { kind: 'response', status: 500 }],
    ['603', { kind: 'response', status: 603 }],
    ['408', { kind: 'response', status: 408 }],
    ['silence after a provisional response: somebody is there', { kind: 'timeout', provisional: true }],
  ] as const)('not after %s', ([, outcome]) => {
    expect(tried(9, () => outcome)).toEqual({ addresses: ['192.0.2.1'], last: outcome })
  })

  test('until one answers', () => {
    const { addresses, last } = tried(9, (n) =>
      n < 2 ? { kind: 'timeout', provisional: false } : { kind: 'response', status: 200 },
    )
    expect(addresses).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(last).toEqual({ kind: 'response', status: 200 })
  })

  test('but not more of them than allowed, and the last outcome is that of the request', () => {
    const { addresses, last } = tried(2, (n) => ({ kind: 'transport-failure', reason: `${n}` }))
    expect(addresses).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(last).toEqual({ kind: 'transport-failure', reason: '2' })
    expect(tried(0, () => ({ kind: 'response', status: 503 })).addresses).toEqual(['192.0.2.1'])
  })
})

test('without targets there is no walk', () => {
  expect(startWalk([], 3)).toBeUndefined()
})
