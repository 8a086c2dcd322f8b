import { describe, expect, test } from 'vitest'
import { Penalties, type Tried } from '../../../src/sip/locate/penalty.ts'
import type { Target } from '../../../src/sip/locate/target.ts'

const target = (address: string, change: Partial<Target> = {}): Target => ({
  transport: 'tls',
  address,
  port: 5061,
  host: 'example.com',
  server: 'edge.example.com',
  ...change,
})
const A = target('192.0.2.1')
const B = target('192.0.2.2')
const C = target('192.0.2.3')
const SILENCE: Tried = { kind: 'timeout' }
const BROKEN: Tried = { kind: 'transport-failure' }
const answer = (status: number, retryAfter?: number): Tried => ({ kind: 'response', status, retryAfter })

const penalties = (options = {}) => new Penalties({ first: 1_000, ceiling: 8_000, ...options })
const order = (memory: Penalties, now: number, targets: readonly Target[] = [A, B, C]): string =>
  memory
    .order(targets, now)
    .map(({ address }) => address.slice(-1))
    .join('')

describe('targets that failed lately', () => {
  test.for([
    ['a time-out', SILENCE],
    ['a failure of the transport', BROKEN],
    ['503 with Retry-After', answer(503, 500)],
  ] as const)('go to the end of the list after %s, and stay in it', ([, outcome]) => {
    const memory = penalties()
    memory.note(A, outcome, 0)
    expect(order(memory, 0)).toBe('231')
    expect(order(memory, 999)).toBe('231')
    expect(order(memory, 1_000)).toBe('123')
  })

  test.for([
    ['503 without Retry-After (RFC 3261 §21.5.4)', answer(503)],
    ['another refusal', answer(500)],
  ] as const)('%s is no penalty', ([, outcome]) => {
    const memory = penalties()
    memory.note(A, outcome, 0)
    expect(order(memory, 0)).toBe('123')
  })

  test('all of them failed: the list is whole, the first to be free again first', () => {
    const memory = penalties()
    memory.note(A, answer(503, 3_000), 0)
    memory.note(B, BROKEN, 10)
    memory.note(C, BROKEN, 5)
    expect(order(memory, 20)).toBe('321')
  })

  test('the penalty doubles with each further failure, up to the ceiling', () => {
    const memory = penalties()
    let now = 0
    for (const wait of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      memory.note(A, SILENCE, now)
      expect(order(memory, now + wait - 1), `${wait}`).toBe('231')
      now += wait
      expect(order(memory, now), `${wait}`).toBe('123')
    }
  })

  test('requests that were under way together are one failure', () => {
    const memory = penalties()
    for (let i = 0; i < 100; i++) memory.note(A, BROKEN, i)
    expect(order(memory, 1_000)).toBe('123')
    memory.note(A, BROKEN, 1_000)
    expect(order(memory, 2_999)).toBe('231')
    expect(order(memory, 3_000)).toBe('123')
  })

  test('Retry-After is obeyed, as far as the ceiling', () => {
    const memory = penalties()
    memory.note(A, answer(503, 5_000), 0)
    expect(order(memory, 4_999)).toBe('231')
    expect(order(memory, 5_000)).toBe('123')
    memory.note(B, BROKEN, 0)
    memory.note(B, answer(503, 10 ** 9), 0)
    expect(order(memory, 7_999)).toBe('132')
    expect(order(memory, 8_000)).toBe('123')
  })

  test('any other response forgives all at once', () => {
    const memory = penalties()
    memory.note(A, SILENCE, 0)
    memory.note(A, SILENCE, 1_000)
    memory.note(A, answer(404), 1_001)
    expect(order(memory, 1_001)).toBe('123')
    memory.note(A, SILENCE, 1_002)
    expect(order(memory, 2_002)).toBe('123')
  })

  test('what failed long ago counts as never', () => {
    const memory = penalties()
    memory.note(A, SILENCE, 0)
    memory.note(A, SILENCE, 20_000)
    expect(order(memory, 21_000)).toBe('123')
  })

  test('a target is a place: transport, address and port', () => {
    const memory = penalties()
    memory.note(A, SILENCE, 0)
    const others = [
      target('192.0.2.1', { host: 'other.example', server: 'x' }),
      target('192.0.2.1', { port: 5071 }),
      target('192.0.2.1', { transport: 'tcp' }),
    ]
    expect(memory.order(others, 0).map(({ port, transport }) => `${transport}:${port}`)).toEqual([
      'tls:5071',
      'tcp:5061',
      'tls:5061',
    ])
  })

  test('so many are remembered and no more', () => {
    const memory = penalties({ targets: 2 })
    for (const each of [A, B, C]) memory.note(each, BROKEN, 0)
    expect(memory.size).toBe(2)
    expect(order(memory, 0)).toBe('123')
    expect(memory.order([B, A], 0)).toEqual([A, B])
  })
})
