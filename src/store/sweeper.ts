import type { Clock } from '../kernel/clock.ts'
import type { Timer, Timers } from '../kernel/timer-wheel.ts'

export interface SweeperOptions {
  /** Deletes some of what nobody needs any more. True: there is more. */
  readonly sweep: (now: number) => boolean | Promise<boolean>
  readonly onFault: (error: unknown) => void
  readonly clock: Clock
  readonly timers: Timers
}

const EVERY = 600_000
const GOING_ON = 1000

/** Tidies up every ten minutes, a little at a time. */
export class Sweeper {
  readonly #options: SweeperOptions
  #timer: Timer
  #closed = false

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#timer = options.timers.set(EVERY, this.#sweep)
  }

  close(): void {
    this.#closed = true
    this.#timer.cancel()
  }

  readonly #sweep = (): void => {
    const { sweep, clock, timers, onFault } = this.#options
    void (async () => {
      let more = false
      try {
        more = await sweep(clock.wall())
      } catch (error) {
        onFault(error)
      }
      if (!this.#closed) this.#timer = timers.set(more ? GOING_ON : EVERY, this.#sweep)
    })()
  }
}
