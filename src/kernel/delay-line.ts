import type { Clock } from './clock.ts'
import type { Timer, Timers } from './timer-wheel.ts'

/** Something that can wait in a `DelayLine`, in one at a time. */
export class Delayed {
  due = 0
  before: Delayed = this
  behind: Delayed = this
}

/**
 * For very many things that all wait equally long and nearly all leave before: joining and leaving set no timer and
 * allocate nothing. There is one timer, for whatever has waited longest; nothing is early.
 */
export class DelayLine<T extends Delayed> {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #delay: number
  readonly #over: (item: T) => void
  readonly #ends = new Delayed()
  #timer: Timer | undefined

  /**
   * @param options.delay milliseconds
   * @param options.over takes what has waited so long, out of the line already
   */
  constructor(options: { clock: Clock; timers: Timers; delay: number; over: (item: T) => void }) {
    this.#clock = options.clock
    this.#timers = options.timers
    this.#delay = options.delay
    this.#over = options.over
  }

  join(item: T): void {
    const last = this.#ends.before
    item.due = Math.ceil(this.#clock.now() + this.#delay)
    item.before = last
    item.behind = this.#ends
    last.behind = item
    this.#ends.before = item
    this.#timer ??= this.#timers.set(this.#delay, this.#look)
  }

  /** No matter whether it is still there. */
  leave(item: T): void {
    item.before.behind = item.behind
    item.behind.before = item.before
    item.before = item
    item.behind = item
  }

  /** Everything leaves; nothing is called. */
  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    while (this.#ends.behind !== this.#ends) this.leave(this.#ends.behind as T)
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    try {
      for (
        let first = this.#ends.behind;
        first !== this.#ends && first.due <= now;
        first = this.#ends.behind
      ) {
        this.leave(first as T)
        this.#over(first as T)
      }
    } finally {
      const next = this.#ends.behind
      if (next !== this.#ends) this.#timer ??= this.#timers.set(next.due - now, this.#look)
    }
  }
}
