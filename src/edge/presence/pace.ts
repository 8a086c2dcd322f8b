import type { Timer, Timers } from '../../kernel/timer-wheel.ts'

/** Milliseconds between two bursts. */
const TICK = 100

export interface PaceOptions<T> {
  readonly perSecond: number
  readonly timers: Timers
  readonly run: (item: T) => void
  /** Told what a run threw; the others have their turn all the same. */
  readonly fault: (error: unknown) => void
}

/** What is to be done for very many, a few at a time; whoever waits already waits once. */
export class Pace<T> {
  readonly #options: PaceOptions<T>
  readonly #waiting = new Set<T>()
  #timer: Timer | undefined

  constructor(options: PaceOptions<T>) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  add(item: T): void {
    this.#waiting.add(item)
    this.#timer ??= this.#options.timers.set(TICK, this.#burst)
  }

  close(): void {
    this.#timer?.cancel()
    this.#waiting.clear()
  }

  readonly #burst = (): void => {
    const { perSecond, timers, run, fault } = this.#options
    this.#timer = undefined
    let left = Math.max(1, Math.round((perSecond * TICK) / 1000))
    // Whoever is added meanwhile waits for the next burst.
    const now: T[] = []
    for (const item of this.#waiting) {
      if (left-- === 0) break
      now.push(item)
    }
    for (const item of now) this.#waiting.delete(item)
    if (this.#waiting.size > 0) this.#timer = timers.set(TICK, this.#burst)
    for (const item of now) {
      try {
        run(item)
      } catch (error) {
        fault(error)
      }
    }
  }
}
