import type { Timer, Timers } from '../kernel/timer-wheel.ts'

export interface BackPressureOptions {
  /** Open requests at which reading from the XMPP side stops (8192), and at which it goes on (4096). */
  readonly high?: number
  readonly low?: number
  /** Milliseconds that reading may rest (1000): nothing is confirmed meanwhile, nor is a dead link noticed. */
  readonly rest?: number
  readonly pressure: (high: boolean) => void
  readonly timers: Timers
}

/**
 * What happens when requests come in over XMPP faster than they end. First nothing more is read, and TCP slows the
 * server down. Reading cannot rest for long, since what goes out over the same link is confirmed by what is read from it: after
 * `rest` it goes on, and what comes is refused until enough has ended.
 */
export class BackPressure {
  readonly #high: number
  readonly #low: number
  readonly #rest: number
  readonly #pressure: (high: boolean) => void
  readonly #timers: Timers
  #open = 0
  #state: 'easy' | 'resting' | 'full' = 'easy'
  #limit: Timer | undefined

  constructor(options: BackPressureOptions) {
    this.#high = options.high ?? 8_192
    this.#low = options.low ?? 4_096
    this.#rest = options.rest ?? 1_000
    this.#pressure = options.pressure
    this.#timers = options.timers
  }

  /** A request came in over XMPP. False: it has to be refused; `left` is due all the same. */
  entered(): boolean {
    this.#open++
    if (this.#state === 'full') return false
    if (this.#state === 'easy' && this.#open >= this.#high) {
      this.#state = 'resting'
      this.#limit = this.#timers.set(this.#rest, () => {
        this.#state = 'full'
        this.#pressure(false)
      })
      this.#pressure(true)
    }
    return true
  }

  /** One has ended. */
  left(): void {
    this.#open--
    if (this.#state === 'easy' || this.#open > this.#low) return
    const resting = this.#state === 'resting'
    this.#state = 'easy'
    this.#limit?.cancel()
    if (resting) this.#pressure(false)
  }
}
