import type { Revision } from '../admin/store.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Timer, Timers } from '../kernel/timer-wheel.ts'
import { Outage } from './outage.ts'

export interface WatchOptions {
  readonly ask: () => Revision | Promise<Revision>
  readonly clock: Clock
  readonly timers: Timers
  /** Milliseconds between two looks: another process's change is noticed within it. */
  readonly every: number
  /** A look that failed; the next one comes all the same. */
  readonly onFault: (error: unknown) => void
}

/** Looks at the revision again and again, while somebody wants to know. */
export class Watch {
  readonly #options: WatchOptions
  readonly #outage: Outage
  readonly #listeners = new Set<(revision: Revision) => void>()
  #last: number | undefined
  #timer: Timer | undefined
  #closed = false

  /** @param at the revision that is known already */
  constructor(options: WatchOptions, at: Revision) {
    this.#options = options
    this.#outage = new Outage(options.clock, options.onFault)
    this.#last = at.all
  }

  add(listener: (revision: Revision) => void): () => void {
    this.#listeners.add(listener)
    this.#again()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#stop()
    }
  }

  /** The revision as this process has just made or seen it. */
  tell(revision: Revision): void {
    if (revision.all === this.#last) return
    this.#last = revision.all
    for (const listener of [...this.#listeners]) listener(revision)
  }

  close(): void {
    this.#closed = true
    this.#stop()
    this.#listeners.clear()
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #again(): void {
    if (this.#closed || this.#timer !== undefined || this.#listeners.size === 0) return
    this.#timer = this.#options.timers.set(this.#options.every, () => void this.#look())
  }

  async #look(): Promise<void> {
    const mine = this.#timer
    try {
      const revision = await this.#options.ask()
      this.#outage.worked()
      if (!this.#closed) this.tell(revision)
    } catch (error) {
      if (!this.#closed) this.#outage.failed(error)
    }
    if (this.#timer !== mine) return
    this.#timer = undefined
    this.#again()
  }
}
