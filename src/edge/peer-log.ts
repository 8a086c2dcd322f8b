import type { Clock } from '../kernel/clock.ts'
import type { Log } from './log.ts'

export interface PeerLogOptions {
  readonly log: Log
  readonly clock: Clock
  /** Lines a second (10); the others are counted in the next line that is written. */
  readonly perSecond?: number
}

/** Warnings about what peers do. A peer that sends rubbish cannot fill the disk. */
export class PeerLog {
  readonly #options: PeerLogOptions
  #window = Number.NEGATIVE_INFINITY
  #lines = 0
  #suppressed = 0

  constructor(options: PeerLogOptions) {
    this.#options = options
  }

  warn(fields: object, message: string): void {
    const { log, clock, perSecond = 10 } = this.#options
    const now = clock.now()
    if (now - this.#window >= 1000) {
      this.#window = now
      this.#lines = 0
    }
    if (this.#lines >= perSecond) {
      this.#suppressed++
      return
    }
    this.#lines++
    log.warn(this.#suppressed > 0 ? { ...fields, suppressed: this.#suppressed } : fields, message)
    this.#suppressed = 0
  }
}
