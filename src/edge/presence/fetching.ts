import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { Offer } from '../../sip/events/watcher.ts'
import type { Exposure } from './exposure.ts'
import { keyOf } from './people.ts'
import type { PresencePair } from './store.ts'

export interface FetchingOptions {
  readonly timers: Timers
  /** Pairs at a time, and fetches of one. */
  readonly limit: number
  readonly devices: number
  /** The fetches of this pair were answered. */
  readonly done: (pair: PresencePair) => void
}

/** Milliseconds for which a fetch waits for its probe, and for more once something has come. */
const WAIT = 1000
const SETTLE = 100

interface Fetch {
  readonly exposure: Exposure
  readonly offers: Offer<Exposure>[]
  timer: Timer
  heard: boolean
}

/**
 * SIP users who ask for a state once that is not known, until the XMPP server has answered our probe (RFC 8048 §7.2): the one
 * NOTIFY that they get cannot be said again (RFC 6665 §4.4.3). Where no state may be told the answer takes the whole time, so that
 * it does not tell whether there is such a user.
 */
export class Fetching {
  readonly #options: FetchingOptions
  readonly #fetches = new Map<string, Fetch>()

  constructor(options: FetchingOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#fetches.size
  }

  /** Whose state is being fetched. */
  find(pair: Pick<PresencePair, 'xmpp' | 'sip'>): Exposure | undefined {
    return this.#fetches.get(keyOf(pair))?.exposure
  }

  /** False where there is no room. */
  begin(exposure: Exposure, offer: Offer<Exposure>): boolean {
    const { timers, limit, devices } = this.#options
    const key = keyOf(exposure.pair)
    const fetch = this.#fetches.get(key)
    if (fetch === undefined) {
      if (this.#fetches.size >= limit) return false
      const timer = timers.set(WAIT, () => this.#finish(key))
      this.#fetches.set(key, { exposure, offers: [offer], timer, heard: false })
      return true
    }
    if (fetch.offers.length >= devices) return false
    fetch.offers.push(offer)
    return true
  }

  /** Something of the state has come, and the rest will follow at once. */
  heard(pair: PresencePair): void {
    const key = keyOf(pair)
    const fetch = this.#fetches.get(key)
    if (fetch === undefined || fetch.heard) return
    fetch.heard = true
    fetch.timer.cancel()
    fetch.timer = this.#options.timers.set(SETTLE, () => this.#finish(key))
  }

  close(): void {
    for (const { timer } of this.#fetches.values()) timer.cancel()
    this.#fetches.clear()
  }

  #finish(key: string): void {
    const fetch = this.#fetches.get(key)
    if (fetch === undefined) return
    this.#fetches.delete(key)
    const { exposure, offers } = fetch
    for (const offer of offers)
      offer.accept(exposure.authorization === 'granted' ? 'active' : 'pending', exposure)
    this.#options.done(exposure.pair)
  }
}
