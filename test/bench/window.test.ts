import { describe, expect, test } from 'vitest'
import { Window } from '../../bench/load/window.ts'

describe('Window', () => {
  const fill = (window: Window): readonly [sent: number[], passedOver: number[]] => {
    const both: [number[], number[]] = [[], []]
    window.fill(
      (sequence) => both[0].push(sequence),
      (sequence) => both[1].push(sequence),
    )
    return both
  }
  test('no more than its size', () => {
    const window = new Window(2, 8)
    expect(fill(window)).toEqual([[0, 1], []])
    window.finish(1, 2)
    expect(fill(window)).toEqual([[2], []])
  })
  test('one at a time per conversation; one that waits is passed over, also after many turns', () => {
    const window = new Window(2, 2)
    expect(fill(window)).toEqual([[0, 1], []])
    const wrong: number[] = []
    for (let turn = 1; turn < 40_000; turn++) {
      window.finish(turn * 2 - 1, 2)
      const [[sent], [passedOver]] = fill(window)
      if (sent !== turn * 2 + 1 || passedOver !== turn * 2) wrong.push(turn)
    }
    expect(wrong).toEqual([])
    expect(window.finish(0, 2)).toBe(true)
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
