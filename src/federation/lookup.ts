import type { Domain } from '../kernel/domain.ts'
import type { Link, PeerLimits, Provider, S2sLink, ServedDomain } from './model.ts'
import type { Snapshot } from './snapshot.ts'
import type { Standing } from './standing.ts'

/** The owning provider's, else the allowed domain's, else that of a domain nobody knows. */
export const standingOf = (snapshot: Snapshot, remote: Domain): Standing =>
  snapshot.owners.get(remote) ?? snapshot.allowed.get(remote) ?? snapshot.unknown

export const providerOf = (snapshot: Snapshot, remote: Domain): Provider | undefined =>
  snapshot.owners.get(remote)?.provider

/** Whom limits are counted for: a provider with all its domains, or a domain that has none. */
export interface Peer {
  readonly kind: 'provider' | 'domain'
  readonly name: string
  readonly limits: PeerLimits
}

export function peerOf(snapshot: Snapshot, remote: Domain): Peer {
  const { provider, limits } = standingOf(snapshot, remote)
  return provider === undefined
    ? { kind: 'domain', name: remote, limits }
    : { kind: 'provider', name: provider.name, limits }
}

/** The links by which a domain of ours speaks to other servers itself: those that are not suspended, in the order of its row. */
export const s2sLinksOf = (snapshot: Snapshot, served: ServedDomain): readonly S2sLink[] =>
  served.links.flatMap((name) => {
    const link = snapshot.links.get(name)
    return link?.kind === 's2s' && !link.suspended ? [link] : []
  })

/**
 * The one link that may carry the remote domain for the served one: the provider's, else the link whose `remote`
 * names the domain, else the link for any. Undefined: none (a SIP provider has none).
 */
export function linkOf(
  snapshot: Snapshot,
  served: Domain,
  remote: Domain,
  provider: Provider | undefined,
): Link | undefined {
  if (provider !== undefined) {
    return provider.protocol === 'xmpp' && provider.link !== undefined
      ? snapshot.links.get(provider.link)
      : undefined
  }
  const binding = snapshot.bindings.get(served)
  return binding === undefined ? undefined : (binding.named.get(remote) ?? binding.any)
}
