import type { Peer } from '../federation/lookup.ts'
import type { Beyond } from '../federation/request.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'

export interface PeerCountersOptions {
  readonly clock: Clock
  /** Milliseconds within which a served user counts as one contact, however often it is addressed (an hour). */
  readonly period?: number
  /** Peers of each kind that are remembered at once (10,000); the oldest is forgotten for a new one. */
  readonly peers?: number
}

/** What a peer has done since it was first seen; for people. */
export interface PeerCounts {
  /** Requests that came in, of every kind. */
  readonly requests: number
  readonly refused: { readonly messages: number; readonly contacts: number; readonly connections: number }
  /** Distinct served users that it addressed within the period; undefined: not counted, since there is no limit. */
  readonly contacts: number | undefined
  readonly connections: number
}

const HOUR = 3_600_000
const PEERS = 10_000

/**
 * What each peer sends us, counted against its limits. Requests of every kind count as messages: a flood of
 * subscriptions is no better. Discovered domains have a table of their own, so that many of them cannot push a
 * provider out of it.
 */
export class PeerCounters {
  readonly #clock: Clock
  readonly #period: number
  readonly #peers: Readonly<Record<Peer['kind'], BoundedMap<string, State>>>

  constructor({ clock, period = HOUR, peers = PEERS }: PeerCountersOptions) {
    this.#clock = clock
    this.#period = period
    this.#peers = { provider: new BoundedMap(peers), domain: new BoundedMap(peers) }
  }

  /**
   * Counts one request of the peer and says which limit it goes beyond; one that does takes nothing from the others.
   * @param contact the served user it is for, in one spelling
   */
  beyond(peer: Peer, contact: string): Beyond | undefined {
    const now = this.#clock.now()
    const state = this.#stateOf(peer, now)
    const { messagesPerSecond: rate, contacts } = peer.limits
    state.requests++
    if (rate !== undefined && !state.mayTake(rate, now)) {
      state.refusedMessages++
      return 'messages'
    }
    if (contacts !== undefined && !state.addresses(contact, contacts, now, this.#period)) {
      state.refusedContacts++
      return 'contacts'
    }
    if (rate !== undefined) state.take()
    return undefined
  }

  /** Which limit one more request would go beyond. Nothing is counted for the question. */
  wouldBeBeyond({ kind, name, limits }: Peer, contact: string): Beyond | undefined {
    const now = this.#clock.now()
    const state = this.#peers[kind].get(name, now) ?? new State()
    const { messagesPerSecond: rate, contacts } = limits
    if (rate !== undefined && !state.mayTake(rate, now)) return 'messages'
    return contacts !== undefined && !state.mayAddress(contact, contacts, now) ? 'contacts' : undefined
  }

  /** A connection of the peer: false, if it may not have another; otherwise `disconnected` is due. */
  connected(peer: Peer): boolean {
    const state = this.#stateOf(peer, this.#clock.now())
    const { connections } = peer.limits
    if (connections !== undefined && state.connections >= connections) {
      state.refusedConnections++
      return false
    }
    state.connections++
    return true
  }

  disconnected(peer: Peer): void {
    const state = this.#peers[peer.kind].get(peer.name, this.#clock.now())
    if (state !== undefined && state.connections > 0) state.connections--
  }

  /** Undefined: it was not seen yet. */
  countsOf(peer: Pick<Peer, 'kind' | 'name'>): PeerCounts | undefined {
    const now = this.#clock.now()
    return this.#peers[peer.kind].get(peer.name, now)?.counts(now)
  }

  /** How many peers are remembered, and how many were forgotten for others. */
  stats(): Readonly<Record<Peer['kind'], { readonly size: number; readonly evicted: number }>> {
    const { provider, domain } = this.#peers
    return {
      provider: { size: provider.size, evicted: provider.evicted },
      domain: { size: domain.size, evicted: domain.evicted },
    }
  }

  #stateOf(peer: Peer, now: number): State {
    const known = this.#peers[peer.kind].get(peer.name, now)
    if (known !== undefined) return known
    const state = new State()
    this.#peers[peer.kind].set(peer.name, state, now)
    return state
  }
}

class State {
  requests = 0
  refusedMessages = 0
  refusedContacts = 0
  refusedConnections = 0
  connections = 0
  /** Token bucket: what may still be sent at once; undefined: full. */
  #tokens: number | undefined
  #at = 0
  /** Served users with the time at which they count no more; the oldest first. */
  #contacts: Map<string, number> | undefined

  /** The bucket holds one second's worth, and fills evenly. */
  mayTake(rate: number, now: number): boolean {
    const before = this.#tokens ?? rate
    this.#tokens = Math.min(rate, before + ((now - this.#at) / 1000) * rate)
    this.#at = now
    return this.#tokens >= 1
  }

  take(): void {
    this.#tokens = (this.#tokens ?? 1) - 1
  }

  mayAddress(contact: string, limit: number, now: number): boolean {
    if (this.#knows(contact, now)) return true
    if (this.#size >= limit) this.#forget(now)
    return this.#size < limit
  }

  addresses(contact: string, limit: number, now: number, period: number): boolean {
    if (this.#knows(contact, now)) return true
    if (!this.mayAddress(contact, limit, now)) return false
    this.#contacts ??= new Map()
    this.#contacts.delete(contact)
    this.#contacts.set(contact, now + period)
    return true
  }

  get #size(): number {
    return this.#contacts?.size ?? 0
  }

  #knows(contact: string, now: number): boolean {
    const until = this.#contacts?.get(contact)
    return until !== undefined && until > now
  }

  /** All live equally long, so the first that lives on ends the search. */
  #forget(now: number): void {
    for (const [contact, until] of this.#contacts ?? []) {
      if (until > now) return
      this.#contacts?.delete(contact)
    }
  }

  counts(now: number): PeerCounts {
    this.#forget(now)
    return {
      requests: this.requests,
      refused: {
        messages: this.refusedMessages,
        contacts: this.refusedContacts,
        connections: this.refusedConnections,
      },
      contacts: this.#contacts?.size,
      connections: this.connections,
    }
  }
}
