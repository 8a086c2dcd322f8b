import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SrvRecord } from '../../../src/net/dns/answer.ts'
import { inOrder } from '../../../src/net/dns/srv-order.ts'
import { randomOf } from './dns-of.ts'

const record = (target: string, priority: number, weight: number): SrvRecord => ({
  target,
  priority,
  weight,
  port: 5060,
})
const names = (records: readonly SrvRecord[]): string => records.map(({ target }) => target).join(' ')

describe('the order of servers (RFC 2782)', () => {
  test('lower priorities first, whatever their weight', () => {
    const records = [record('c', 20, 65_535), record('a', 0, 1), record('b', 10, 0)]
    expect(names(inOrder(records, randomOf(0.99)))).toBe('a b c')
  })

  /** Running sums of 1, 3, 6: a number between 0 and 6 selects, both inclusive. */
  test.for([
    [0 / 7, 'a'],
    [1 / 7, 'a'],
    [2 / 7, 'b'],
    [3 / 7, 'b'],
    [4 / 7, 'c'],
    [5 / 7, 'c'],
    [6 / 7, 'c'],
    [0.999_999, 'c'],
  ] as const)('weights 1, 2 and 3 at %f: %s comes first', ([fraction, first]) => {
    const records = [record('a', 0, 1), record('b', 0, 2), record('c', 0, 3)]
    expect(inOrder(records, randomOf(fraction + 1e-9))[0]?.target).toBe(first)
  })

  test('a record of weight 0 among others comes first only where the number is 0', () => {
    const records = [record('heavy', 0, 9), record('light', 0, 0)]
    expect(names(inOrder(records, randomOf(0)))).toBe('light heavy')
    expect(names(inOrder(records, randomOf(0.1)))).toBe('heavy light')
  })

  test('weight 0 alone keeps the order in which the records came', () => {
    const records = ['a', 'b', 'c'].map((target) => record(target, 0, 0))
    expect(names(inOrder(records, randomOf(0.9, 0.5, 0.1)))).toBe('a b c')
  })

  test('what remains is chosen by the weights that remain', () => {
    const records = [record('a', 0, 10), record('b', 0, 20), record('c', 0, 70)]
    // 50 of 0…100 is c; then 15 of 0…30 is b.
    expect(names(inOrder(records, randomOf(0.5, 0.5, 0.5)))).toBe('c b a')
  })

  test('over all numbers each weight gets its share', () => {
    const records = [record('a', 0, 100), record('b', 0, 300), record('c', 0, 600)]
    const first = { a: 0, b: 0, c: 0 }
    for (let i = 0; i < 1001; i++) {
      const [chosen] = inOrder(records, randomOf((i + 0.5) / 1001, 0))
      first[chosen?.target as keyof typeof first]++
    }
    expect(first).toEqual({ a: 101, b: 300, c: 600 })
  })

  test('nothing is lost or doubled, and priorities never fall, whatever the records', () => {
    const records = fc.array(
      fc.record({ priority: fc.nat(3), weight: fc.nat(65_535), port: fc.nat(3), target: fc.constant('a') }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(records, fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true })), (all, fractions) => {
        const ordered = inOrder(all, randomOf(...fractions))
        const usable = all.filter(({ port }) => port > 0)
        expect(new Set(ordered)).toEqual(new Set(usable))
        expect(ordered.length).toBe(usable.length)
        const priorities = ordered.map(({ priority }) => priority)
        expect(priorities).toEqual([...priorities].sort((a, b) => a - b))
      }),
    )
  })
})
