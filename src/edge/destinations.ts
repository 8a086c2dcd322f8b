import type { SipProvider } from '../federation/model.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Domain } from '../kernel/domain.ts'
import { ok } from '../kernel/result.ts'
import type { Located } from '../sip/locate/places.ts'
import { type Destination, destination, type Reach } from './reach.ts'

/** Where a host or domain of another organisation can be reached over TLS, by DNS (`locateHost`). */
export type LocatePeer = (host: Domain) => Promise<Located>

export interface DestinationsOptions {
  readonly locate: LocatePeer
  readonly reach: Reach
  readonly clock: Pick<Clock, 'now'>
}

/** Milliseconds for which a list is used again: a busy peer is not located for each message. */
const FRESH = 1_000
const PEERS = 10_000

/** What was located, or why not; a promise while it is being looked for, so that requests stay in order. */
export type Found = Readonly<{ places: readonly Destination[]; problem: string | undefined }>

/**
 * Where SIP providers are: at their access edges, which go before DNS, in the order of the row; a domain without a
 * provider where DNS says. Always over TLS: the peer must prove the name that was asked for (RFC 5922 §4).
 */
export class Destinations {
  readonly #options: DestinationsOptions
  readonly #known = new BoundedMap<string, readonly Located[] | Promise<readonly Located[]>>(PEERS, FRESH)

  constructor(options: DestinationsOptions) {
    this.#options = options
  }

  /** @param as the served domain on whose behalf requests go */
  ofProvider(provider: SipProvider, as: Domain): Found | Promise<Found> {
    return this.#of(provider.accessEdges, as)
  }

  ofDomain(domain: Domain, as: Domain): Found | Promise<Found> {
    return this.#of([domain], as)
  }

  #of(hosts: readonly Domain[], as: Domain): Found | Promise<Found> {
    const located = this.#located(hosts)
    return located instanceof Promise
      ? located.then((lists) => this.#found(hosts, lists, as))
      : this.#found(hosts, located, as)
  }

  #located(hosts: readonly Domain[]): readonly Located[] | Promise<readonly Located[]> {
    const key = hosts.join(' ')
    const now = this.#options.clock.now()
    const known = this.#known.get(key, now)
    if (known !== undefined) return known
    const coming = Promise.all(hosts.map((host) => this.#options.locate(host)))
    const kept = coming.then(
      (lists) => {
        this.#known.set(key, lists, this.#options.clock.now())
        return lists
      },
      (error: unknown) => {
        this.#known.delete(key)
        throw error
      },
    )
    this.#known.set(key, kept, now)
    return kept
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
