import type { Clock } from '../kernel/clock.ts'

const REMINDER = 60_000

/** Tells of a failure that repeats once at its start and then once a minute, until something has worked again. */
export class Outage {
  readonly #tell: (error: unknown) => void
  readonly #clock: Clock
  #toldAt: number | undefined

  constructor(clock: Clock, tell: (error: unknown) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  failed(error: unknown): void {
    const now = this.#clock.now()
    if (this.#toldAt !== undefined && now - this.#toldAt < REMINDER) return
    this.#toldAt = now
    this.#tell(error)
  }

  worked(): void {
    this.#toldAt = undefined
  }
}
