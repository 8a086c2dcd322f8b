import type { Clock } from '../../kernel/clock.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'

/** What is seen of a live stream, in the clock's time. */
export interface Watched {
  /** The last stanza in either direction. */
  readonly lastStanza: number
  readonly lastRead: number
  /** Since when the other side owes an acknowledgement (XEP-0198); undefined: it owes none. */
  readonly askedAt: number | undefined
  /** Something is to be written, so that a connection that is gone is found out. */
  test(): void
  idled(): void
  /** What was asked is not answered. */
  died(): void
}

export interface VigilOptions {
  /** Milliseconds without a stanza. */
  readonly idle: number
  /** Milliseconds of silence; 0: a stream is not tested. Asked each time, since rules change. */
  readonly keepAlive: () => number
  /** Milliseconds for an acknowledgement. */
  readonly answerWithin: number
  readonly clock: Clock
  readonly timers: Timers
}

/** One timer for a live stream: ends it where it is idle or dead, tests it where it is silent (RFC 6120 §4.6). */
export class Vigil {
  readonly #watched: Watched
  readonly #options: VigilOptions
  #timer: Timer | undefined
  #testedAt = Number.NEGATIVE_INFINITY

  constructor(watched: Watched, options: VigilOptions) {
    this.#watched = watched
    this.#options = options
    this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const { idle, keepAlive, answerWithin, clock, timers } = this.#options
    const now = clock.now()
    const { lastStanza, lastRead, askedAt } = this.#watched
    if (askedAt !== undefined && now - askedAt >= answerWithin) {
      this.#watched.died()
      return
    }
    if (now - lastStanza >= idle) {
      this.#watched.idled()
      return
    }
    const silence = keepAlive()
    if (silence > 0 && now - Math.max(lastRead, this.#testedAt) >= silence) {
      this.#testedAt = now
      this.#watched.test()
    }
    const due = Math.min(
      lastStanza + idle,
      silence > 0 ? Math.max(lastRead, this.#testedAt) + silence : Number.POSITIVE_INFINITY,
      // A question may be put at any time.
      (askedAt ?? now) + answerWithin,
    )
    this.#timer = timers.set(due - now, () => this.#look())
  }
}
