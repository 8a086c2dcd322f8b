import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Domain } from '../../kernel/domain.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import { domainOf, type Jid } from '../../xmpp/jid.ts'
import type { PresencePair } from './store.ts'

export interface AbsenceOptions<Item> {
  /** All pairs. */
  readonly all: () => Iterable<Item>
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

/**
 * Domains that no stream leads to, though their link is there: what is known of their users grows old. A stream is opened only when
 * there is something to say, so a few pairs are renewed when it may be tried again, and all of them once it stands.
 */
export class Absence<Item extends { readonly pair: PresencePair }> {
  readonly #options: AbsenceOptions<Item>
  /** Since when. */
  readonly #since = new BoundedMap<Domain, number>(DOMAINS)
  /** How many pairs of a domain are renewed next. */
  readonly #due = new Map<Domain, number>()

  constructor(options: AbsenceOptions<Item>) {
    this.#options = options
  }

  /** @param retryIn milliseconds for which it is not tried again */
  lost(domain: Domain, retryIn: number): void {
    const { clock, timers } = this.#options
    const now = clock.now()
    if (this.#since.get(domain, now) === undefined) this.#since.set(domain, now, now)
    timers.set(retryIn, () => {
      if (this.#since.get(domain, clock.now()) !== undefined) this.#renew(domain, TRIED)
    })
  }

  /** A stream of ours stands. */
  back(domain: Domain): void {
    if (this.#since.get(domain, this.#options.clock.now()) === undefined) return
    this.#since.delete(domain)
    this.#renew(domain, Number.POSITIVE_INFINITY)
  }

  /** Milliseconds; 0: it is not. */
  of(domain: Domain): number {
    const now = this.#options.clock.now()
    const since = this.#since.get(domain, now)
    return since === undefined ? 0 : Math.max(1, now - since)
  }

  #renew(domain: Domain, count: number): void {
    if (this.#due.size === 0) this.#options.timers.set(GATHER, () => this.#turn())
    this.#due.set(domain, Math.max(count, this.#due.get(domain) ?? 0))
  }

  #turn(): void {
    const due = new Map(this.#due)
    this.#due.clear()
    for (const item of this.#options.all()) {
      const domain = domainOf(item.pair.xmpp as Jid)
      const left = domain === undefined ? 0 : (due.get(domain) ?? 0)
      if (domain === undefined || left === 0) continue
      due.set(domain, left - 1)
      this.#options.renew(item)
    }
  }
}
