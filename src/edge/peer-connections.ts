import { type Peer, peerOf } from '../federation/lookup.ts'
import type { SipProvider } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { parseDomain } from '../kernel/domain.ts'
import type { Source } from '../sip/endpoint/endpoint.ts'
import type { PeerCounters } from './limits.ts'

export interface PeerConnectionsOptions {
  readonly snapshot: () => Snapshot
  readonly counters: PeerCounters
}

/**
 * Counts the connections of SIP peers against their limits (design §4). A connection is whose its certificate proves: the
 * provider that lists the name as an access edge, else the domain of that name. Connections without a proved name, and those
 * that we opened, count for nobody.
 */
export class PeerConnections {
  readonly #options: PeerConnectionsOptions
  /** As it was counted: what the rows say may change while it lasts. */
  readonly #counted = new WeakMap<Source, Peer>()

  constructor(options: PeerConnectionsOptions) {
    this.#options = options
  }

  /** False: its peer may not have another. */
  connected(source: Source): boolean {
    const peer = this.#peerOf(source)
    if (peer === undefined) return true
    if (!this.#options.counters.connected(peer)) return false
    this.#counted.set(source, peer)
    return true
  }

  disconnected(source: Source): void {
    const peer = this.#counted.get(source)
    if (peer === undefined) return
    this.#counted.delete(source)
    this.#options.counters.disconnected(peer)
  }

  #peerOf({ identity }: Source): Peer | undefined {
    const snapshot = this.#options.snapshot()
    const [first] = identity ?? []
    if (identity === undefined || first === undefined) return undefined
    for (const provider of snapshot.providers.values())
      if (provider.protocol === 'sip' && isEdge(provider, identity))
        return { kind: 'provider', name: provider.name, limits: provider.limits }
    const domain = parseDomain(first)
    return domain.ok ? peerOf(snapshot, domain.value) : undefined
  }
}

const isEdge = ({ accessEdges }: SipProvider, identity: readonly string[]): boolean =>
  accessEdges.some((edge) => identity.includes(edge))
