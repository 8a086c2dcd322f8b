import type { SipProvider } from '../federation/model.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Domain } from '../kernel/domain.ts'
import { ok } from '../kernel/result.ts'
import type { Located } from '../sip/locate/places.ts'
import { type Destination, destination, type Reach } from './reach.ts'

/** Where an access edge, or a domain, can be reached over TLS, by DNS (`locateHost`). */
export type LocatePeer = (name: Domain, what: 'edge' | 'domain') => Promise<Located>

export interface DestinationsOptions {
  readonly locate: LocatePeer
  readonly reach: Reach
  readonly clock: Pick<Clock, 'now'>
}

/** Milliseconds for which a list is used again: a busy peer is not located for each message. */
const FRESH = 1_000
const PEERS = 10_000

/** What was located, or why not. */
export type Found = Readonly<{ places: readonly Destination[]; problem: string | undefined }>

/**
 * Where SIP providers are: at their access edges, which go before DNS, in the order of the row; a domain without a
 * provider where DNS says. Always over TLS: the peer must prove the name that was asked for (RFC 5922 §4).
 */
export class Destinations {
  readonly #options: DestinationsOptions
  readonly #known = new BoundedMap<string, readonly Located[]>(PEERS, FRESH)
  /** Those that are being looked for, however long it takes: who comes later must not overtake. */
  readonly #pending = new Map<string, Promise<readonly Located[]>>()

  constructor(options: DestinationsOptions) {
    this.#options = options
  }

  /** @param as the served domain on whose behalf requests go */
  ofProvider(provider: SipProvider, as: Domain): Found | Promise<Found> {
    return this.#of('edge', provider.accessEdges, as)
  }

  ofDomain(domain: Domain, as: Domain): Found | Promise<Found> {
    return this.#of('domain', [domain], as)
  }

  #of(what: 'edge' | 'domain', hosts: readonly Domain[], as: Domain): Found | Promise<Found> {
    const located = this.#located(what, hosts)
    return located instanceof Promise
      ? located.then((lists) => this.#found(hosts, lists, as))
      : this.#found(hosts, located, as)
  }

  #located(
    what: 'edge' | 'domain',
    hosts: readonly Domain[],
  ): readonly Located[] | Promise<readonly Located[]> {
    const { clock, locate } = this.#options
    const key = `${what} ${hosts.join(' ')}`
    const known = this.#pending.get(key) ?? this.#known.get(key, clock.now())
    if (known !== undefined) return known
    const coming = Promise.all(hosts.map((host) => locate(host, what))).then(
      (lists) => {
        this.#pending.delete(key)
        this.#known.set(key, lists, clock.now())
        return lists
      },
      (error: unknown) => {
        this.#pending.delete(key)
        throw error
      },
    )
    this.#pending.set(key, coming)
    return coming
  }

  #found(hosts: readonly Domain[], lists: readonly Located[], as: Domain): Found {
    const targets = lists.flatMap((located) => (located.ok ? located.value : []))
    const places = this.#options.reach
      .order(targets)
      .map((target) => destination(target, 'outside', [target.host], as))
    const failed = lists.find((located) => !located.ok) ?? ok(hosts)
    return { places, problem: failed.ok ? undefined : failed.error.reason }
  }
}
