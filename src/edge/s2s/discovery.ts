import type { S2sLink } from '../../federation/model.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Domain } from '../../kernel/domain.ts'
import { s2sLinkOf } from './rules.ts'

export interface DiscoveryOptions {
  readonly snapshot: () => Snapshot
  /** Does DNS say that the domain has XMPP for servers? Undefined: it could not be asked. */
  readonly offersXmpp: (domain: Domain) => Promise<boolean | undefined>
  readonly clock: Pick<Clock, 'now'>
}

/** Domains that are remembered, and for how many milliseconds. */
const DOMAINS = 10_000
const FRESH = 300_000

/** Whether a domain that no row knows is spoken to over S2S: that goes before SIP (design: routing). */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #known = new BoundedMap<Domain, boolean>(DOMAINS, FRESH)
  readonly #asked = new Map<Domain, Promise<boolean | undefined>>()

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  /** The link for it, as far as that is known without asking; undefined: SIP, or not known yet. */
  known(own: Domain, other: Domain): S2sLink | undefined {
    const { snapshot, clock } = this.#options
    return this.#known.get(other, clock.now()) === true ? s2sLinkOf(snapshot(), own, other) : undefined
  }

  /** It has spoken to us over a stream on which it was proved. */
  spoke(other: Domain): void {
    this.#known.set(other, true, this.#options.clock.now())
  }

  /** At once where nothing has to be asked. Where DNS cannot be asked there is no link: SIP has its own words for that. */
  find(own: Domain, other: Domain): S2sLink | undefined | Promise<S2sLink | undefined> {
    const { snapshot, clock } = this.#options
    const link = s2sLinkOf(snapshot(), own, other)
    if (link === undefined) return undefined
    const known = this.#known.get(other, clock.now())
    if (known !== undefined) return known ? link : undefined
    return this.#ask(other).then((offers) =>
      offers === true ? s2sLinkOf(snapshot(), own, other) : undefined,
    )
  }

  #ask(other: Domain): Promise<boolean | undefined> {
    const asked = this.#asked.get(other)
    if (asked !== undefined) return asked
    const asking = this.#options
      .offersXmpp(other)
      .then((offers) => {
        if (offers !== undefined) this.#known.set(other, offers, this.#options.clock.now())
        return offers
      })
      .finally(() => this.#asked.delete(other))
    this.#asked.set(other, asking)
    return asking
  }
}
