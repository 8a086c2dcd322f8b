import type { Clock } from '../../kernel/clock.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { Traffic } from './traffic.ts'

export interface UpkeepOptions {
  readonly traffic: Traffic
  /** Milliseconds without a stanza in either direction after which it ends. */
  readonly idle: number
  /** Milliseconds of silence after which the stream is tested; 0: never. Asked each time, since rules change. */
  readonly keepAlive: () => number
  /** Milliseconds within which a question has to be answered (XEP-0198). */
  readonly answerWithin: number
  readonly clock: Clock
  readonly timers: Timers
  idled(): void
  /** A question was not answered. */
  died(): void
}

/** Ends a stream that is idle or dead, and keeps the others alive: one timer for each. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #timer: Timer | undefined

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#set()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    const { traffic, idle, answerWithin, keepAlive, clock } = this.#options
    this.#timer = undefined
    const now = clock.now()
    const { askedAt } = traffic
    if (askedAt !== undefined && now - askedAt >= answerWithin) {
      this.#options.died()
      return
    }
    if (now - traffic.lastStanza >= idle) {
      this.#options.idled()
      return
    }
    const silence = keepAlive()
    if (silence > 0 && askedAt === undefined && now - traffic.lastSign >= silence) traffic.test()
    this.#set()
  }

  #set(): void {
    const { traffic, idle, answerWithin, keepAlive, clock, timers } = this.#options
    const now = clock.now()
    const silence = keepAlive()
    const { askedAt } = traffic
    const due = Math.min(
      traffic.lastStanza + idle,
      silence > 0 ? (askedAt === undefined ? traffic.lastSign : now) + silence : Number.POSITIVE_INFINITY,
      // A question may be put at any time.
      traffic.managed ? (askedAt ?? now) + answerWithin : Number.POSITIVE_INFINITY,
    )
    this.#timer = timers.set(due - now, () => this.#look())
  }
}
