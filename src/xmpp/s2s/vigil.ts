import type { Clock } from '../../kernel/clock.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { StreamError } from '../xml/stream-error.ts'
import type { Traffic } from './traffic.ts'

/** What is said where a certificate that counts has expired (RFC 6120 §13.7.2.3). */
export const OUTDATED: StreamError = { condition: 'reset', text: 'the certificate has expired' }

/** Why a stream is cut that owes an acknowledgement. */
export const DEAD = 'no acknowledgement in time: the stream is dead'

/** What is seen of a live stream, in the clock's time. */
export type Watched = Pick<Traffic, 'lastStanza' | 'lastRead' | 'askedAt' | 'test'>

export interface VigilOptions {
  /** Milliseconds without a stanza. */
  readonly idle: number
  /** Milliseconds of silence; 0: a stream is not tested. Asked each time, since rules change. */
  readonly keepAlive: () => number
  /** Milliseconds for an acknowledgement. */
  readonly answerWithin: number
  /** Is what it was proved by past its time? Asked as often as acknowledgements are looked for. */
  readonly expired: () => boolean
  readonly clock: Clock
  readonly timers: Timers
  outdated(): void
  idled(): void
  /** What was asked is not answered. */
  died(): void
}

/** One timer for a live stream: ends it where it is idle, dead or outdated, tests it where it is silent (RFC 6120 §4.6). */
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
      this.#options.died()
      return
    }
    if (this.#options.expired()) {
      this.#options.outdated()
      return
    }
    if (now - lastStanza >= idle) {
      this.#options.idled()
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
