import { describe, expect, test } from 'vitest'
import { Ledger } from '../../bench/load/ledger.ts'

describe('Ledger', () => {
  test('all there, in order', () => {
    const ledger = new Ledger(2)
    for (const sequence of [0, 1, 3, 2, 4, 5]) expect(ledger.arrive(sequence)).toBe(true)
    expect([ledger.delivered, ledger.outOfOrder, ledger.lost(6)]).toEqual([6, 0, 0])
  })
  test('a gap and an end that never came are lost', () => {
    const ledger = new Ledger(2)
    for (const sequence of [0, 4, 1]) ledger.arrive(sequence)
    expect([ledger.delivered, ledger.lost(6)]).toEqual([3, 3])
  })
  test('late within its conversation', () => {
    const ledger = new Ledger(2)
    for (const sequence of [0, 4, 2]) ledger.arrive(sequence)
    expect([ledger.outOfOrder, ledger.lost(5)]).toEqual([1, 2])
  })
  test('a second time', () => {
    const ledger = new Ledger(1)
    expect([0, 1, 0, 1].map((sequence) => ledger.arrive(sequence))).toEqual([true, true, false, false])
    expect(ledger.delivered).toBe(2)
  })
  test('refused is neither delivered nor lost', () => {
    const ledger = new Ledger(1)
    ledger.arrive(0)
    ledger.excuse(1)
    expect([ledger.delivered, ledger.lost(2)]).toEqual([1, 0])
    ledger.arrive(3)
    ledger.excuse(2)
    expect([ledger.delivered, ledger.lost(4), ledger.outOfOrder]).toEqual([2, 0, 0])
  })
})
