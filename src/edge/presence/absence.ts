import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Domain } from '../../kernel/domain.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import { domainOf, type Jid } from '../../xmpp/jid.ts'
import type { PresencePair } from './store.ts'

export interface AbsenceOptions<Item> {
  /** All pairs. */
  readonly all: () => Iterable<Item>
  /** Whether something would be sent if it were renewed now. */
  readonly speaks: (item: Item) => boolean
  /** Tells and asks the XMPP user anew, by and by. */
  readonly renew: (item: Item) => void
  readonly clock: Pick<Clock, 'now'>
  readonly timers: Timers
}

/** Domains that are remembered. */
const DOMAINS = 10_000
/** Milliseconds for which domains are gathered: finding their pairs is one look at all there are. */
const GATHER = 1000
/** Pairs by which it is tried whether a domain can be reached again. */
const TRIED = 10
/** Milliseconds until it is tried again where no pair had anything to say. */
const AGAIN = 10_000

/**
 * Domains that no stream leads to, though their link is there: what is known of their users grows old. A stream is opened only when
 * there is something to say, so a few pairs are renewed when it may be tried again, and all of them once it stands.
 */
export class Absence<Item extends { readonly pair: PresencePair }> {
  readonly #options: AbsenceOptions<Item>
  /** Since when; undefined: what was under way may be lost, and no more than that is known. */
  readonly #away = new BoundedMap<Domain, { readonly since: number | undefined }>(DOMAINS)
  /** How many pairs of a domain are renewed next. */
  readonly #due = new Map<Domain, number>()
  /** Where no pair had anything to say. */
  readonly #mute = new Set<Domain>()

  constructor(options: AbsenceOptions<Item>) {
    this.#options = options
  }

  /** @param retryIn milliseconds for which it is not tried again */
  lost(domain: Domain, retryIn: number): void {
    const now = this.#options.clock.now()
    if (this.#away.get(domain, now)?.since === undefined) this.#away.set(domain, { since: now }, now)
    this.#options.timers.set(retryIn, () => this.#try(domain))
  }

  /** A stream broke. Another one makes good what was lost. */
  cut(domain: Domain): void {
    const now = this.#options.clock.now()
    if (this.#away.get(domain, now) === undefined) this.#away.set(domain, { since: undefined }, now)
    this.#renew(domain, TRIED)
  }

  /** It has said something, so that what is known of its users is not old; whether it can be reached is tried. */
  heard(domain: Domain): void {
    const now = this.#options.clock.now()
    if (this.#away.get(domain, now)?.since === undefined) return
    this.#away.set(domain, { since: undefined }, now)
    this.#renew(domain, TRIED)
  }

  /** A stream to it stands. */
  back(domain: Domain): void {
    if (this.#away.get(domain, this.#options.clock.now()) === undefined) return
    this.#away.delete(domain)
    this.#renew(domain, Number.POSITIVE_INFINITY)
  }

  /** Milliseconds; 0: it is not. */
  of(domain: Domain): number {
    const now = this.#options.clock.now()
    const since = this.#away.get(domain, now)?.since
    return since === undefined ? 0 : Math.max(1, now - since)
  }

  #try(domain: Domain): void {
    if (this.#away.get(domain, this.#options.clock.now()) !== undefined) this.#renew(domain, TRIED)
  }

  #renew(domain: Domain, count: number): void {
    if (this.#due.size === 0) this.#options.timers.set(GATHER, () => this.#turn())
    this.#due.set(domain, Math.max(count, this.#due.get(domain) ?? 0))
  }

  #turn(): void {
    const due = new Map(this.#due)
    const mute = new Set<Domain>()
    this.#due.clear()
    for (const item of this.#options.all()) {
      const domain = domainOf(item.pair.xmpp as Jid)
      const left = domain === undefined ? 0 : (due.get(domain) ?? 0)
      if (domain === undefined || left === 0) continue
      if (left <= TRIED && !this.#options.speaks(item)) {
        if (left === TRIED) mute.add(domain)
        continue
      }
      mute.delete(domain)
      due.set(domain, left - 1)
      this.#options.renew(item)
    }
    for (const domain of mute) {
      if (this.#mute.has(domain)) continue
      this.#mute.add(domain)
      this.#options.timers.set(AGAIN, () => {
        this.#mute.delete(domain)
        this.#try(domain)
      })
    }
  }
}
