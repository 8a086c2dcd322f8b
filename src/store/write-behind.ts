import type { Timer, Timers } from '../kernel/timer-wheel.ts'

export interface WriteBehindOptions {
  /** Writes a part of what waits; called again when it has ended. False: the store did not take it. */
  readonly write: () => Promise<boolean>
  readonly waits: () => boolean
  readonly timers: Timers
  /** Milliseconds between what comes first and its being written (100). */
  readonly delay?: number | undefined
}

/** Pause after a write that failed. */
const RETRY = 1000

/** When to write what waits: part by part off the way of the messages, which have their turn in between. */
export class WriteBehind {
  readonly #options: WriteBehindOptions
  readonly #delay: number
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #closed = false

  constructor(options: WriteBehindOptions) {
    this.#options = options
    this.#delay = options.delay ?? 100
  }

  /** Something waits. */
  soon(): void {
    if (!this.#closed) this.#timer ??= this.#options.timers.set(this.#delay, this.#flush)
  }

  /** Writes what waits, as far as the store lets it. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#writing
    while (this.#options.waits()) if (!(await this.#options.write())) return
  }

  readonly #flush = (): void => {
    const { write, waits, timers } = this.#options
    this.#writing = write().then((wrote) => {
      this.#writing = undefined
      this.#timer = this.#closed || !waits() ? undefined : timers.set(wrote ? 0 : RETRY, this.#flush)
    })
  }
}
