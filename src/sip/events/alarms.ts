import type { Clock } from '../../kernel/clock.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'

/** Something with one alarm at a time, whose time is a function of its state. */
export interface Alarmed {
  timer: Timer | undefined
  /** When the timer fires: a whole millisecond. */
  due: number | undefined
}

/**
 * For very many things whose time is put off again and again: a timer that is too early is left as it is, and looks again
 * when it fires.
 */
export class Alarms<T extends Alarmed> {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #atOf: (item: T) => number
  readonly #ring: (item: T) => void

  /** @param options.atOf when it is to ring, by the clock; Infinity: never */
  constructor(options: {
    clock: Clock
    timers: Timers
    atOf: (item: T) => number
    ring: (item: T) => void
  }) {
    this.#clock = options.clock
    this.#timers = options.timers
    this.#atOf = options.atOf
    this.#ring = options.ring
  }

  /** After each change of its state. */
  set(item: T): void {
    const at = this.#atOf(item)
    if (item.due !== undefined && at >= item.due) return
    this.drop(item)
    if (at === Number.POSITIVE_INFINITY) return
    item.due = Math.ceil(at)
    item.timer = this.#timers.set(at - this.#clock.now(), this.#fire, item)
  }

  readonly #fire = (item: T): void => {
    item.timer = undefined
    item.due = undefined
    try {
      if (this.#atOf(item) <= this.#clock.now()) this.#ring(item)
    } finally {
      this.set(item)
    }
  }

  drop(item: T): void {
    item.timer?.cancel()
    item.timer = undefined
    item.due = undefined
  }
}
