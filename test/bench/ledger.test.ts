import { describe, expect, test } from 'vitest'
import { Ledger, Window } from '../../bench/load/ledger.ts'

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
  })
})

describe('Window', () => {
  test('no more than its size, and one per conversation', () => {
    const narrow = new Window(2, 8)
    narrow.start(1)
    narrow.start(1)
    expect(narrow.mayOpen).toBe(false)

    const wide = new Window(8, 2)
    wide.start(1)
    const second = wide.start(1)
    expect(wide.mayOpen).toBe(false)
    wide.finish(second, 2)
    expect(wide.mayOpen).toBe(false)
    wide.finish(0, 2)
    expect(wide.mayOpen).toBe(true)
  })
  test('finishing counts once', () => {
    const window = new Window(4, 4)
    const sequence = window.start(10)
    expect([window.finish(sequence, 12), window.finish(sequence, 13), window.finish(99, 13)]).toEqual([
      true,
      false,
      false,
    ])
    expect(window.open).toBe(0)
    expect(window.latencies()).toEqual({ p50: 2, p99: 2, max: 2 })
  })
  test('timer E: 500 ms, then 1, 2, 4, 4 s', () => {
    const window = new Window(4, 4)
    window.start(1)
    const sent: number[] = []
    for (let now = 1; now < 16_000; now += 100) window.overdue(now, () => sent.push(now - 1))
    expect(sent).toEqual([500, 1500, 3500, 7500, 11500, 15500])
  })
})
