import type { Clock } from '../../src/kernel/clock.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'

/** A clock that moves only when told, and a wheel on it with a tick of 1 ms. */
export interface FakeTime {
  readonly clock: Clock
  readonly timers: TimerWheel
  /** Moves on tick by tick, so that every timer sees its own time. */
  pass(ms: number): void
}

export function fakeTime(start = 0): FakeTime {
  let now = start
  const clock: Clock = { now: () => now, wall: () => 1_700_000_000_000 + now }
  const timers = new TimerWheel({ clock, tick: 1, drive: false })
  return {
    clock,
    timers,
    pass(ms) {
      for (let i = 0; i < ms; i++) {
        now++
        timers.advance()
      }
    },
  }
}
