import type { Clock } from './clock.ts'

/** A token bucket: so much at once, and so much a second after that. */
export class Allowance {
  readonly #burst: number
  readonly #perSecond: number
  readonly #clock: Clock
  #left: number
  #at: number

  constructor(options: { burst: number; perSecond: number; clock: Clock }) {
    this.#burst = options.burst
    this.#perSecond = options.perSecond
    this.#clock = options.clock
    this.#left = options.burst
    this.#at = options.clock.now()
  }

  /** Would `take` be true? */
  get left(): boolean {
    this.#fill()
    return this.#left >= 1
  }

  /** False: nothing is left for now. */
  take(): boolean {
    this.#fill()
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** What was taken has cost nothing after all. */
  giveBack(): void {
    this.#left = Math.min(this.#burst, this.#left + 1)
  }

  #fill(): void {
    const now = this.#clock.now()
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
  }
}
