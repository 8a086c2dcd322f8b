import { linkOf, s2sLinksOf, standingOf } from '../../federation/lookup.ts'
import type { S2sLink } from '../../federation/model.ts'
import { DEFAULT_NEGOTIATION, negotiationCheck } from '../../federation/negotiation.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import { NEEDS } from '../../federation/standing.ts'
import type { Domain } from '../../kernel/domain.ts'
import type { PeerRules } from '../../xmpp/s2s/options.ts'

/**
 * Asked for each stream that is set up, whoever opens it, not for each stanza: those have `decide`, which is stricter.
 * Undefined: no link from server to server carries that pair.
 */
export function s2sRules(snapshot: Snapshot, own: Domain, other: Domain): PeerRules | undefined {
  if (s2sLinkOf(snapshot, own, other) === undefined) return undefined
  const { provider, limits } = standingOf(snapshot, other)
  if (provider?.protocol === 'sip') return undefined
  const { connections, keepAlive, ...negotiation } = provider?.negotiation ?? DEFAULT_NEGOTIATION
  return {
    accepted: negotiationCheck(negotiation).accepted,
    keepAlive,
    // No domain has a space in its name.
    partner: provider === undefined ? other : `provider ${provider.name}`,
    connections: provider === undefined ? (limits.connections ?? connections) : connections,
    fixed: provider?.server,
    publicOnly: provider === undefined,
  }
}

/** The link that carries a pair from server to server, if any: what evidence of its streams names. */
export function s2sLinkOf(snapshot: Snapshot, own: Domain, other: Domain): S2sLink | undefined {
  const { federation } = snapshot
  const served = snapshot.servedDomains.get(own)
  if (served === undefined || served.suspended || snapshot.servedDomains.has(other)) return undefined
  if (federation.suspended || !federation.enabled) return undefined
  if (snapshot.blocked.get(other) !== undefined) return undefined
  const { provider, step } = standingOf(snapshot, other)
  if (step.result === 'refuse' || provider?.protocol === 'sip') return undefined
  if (!NEEDS[provider?.type ?? 'partner'].xmpp.every((need) => federation[need])) return undefined
  const link = linkOf(snapshot, own, other, provider)
  const carrying = s2sLinksOf(snapshot, served)
  // Bound to no link: an allowed domain, or one that is discovered.
  if (link === undefined && provider === undefined) return carrying[0]
  return carrying.find((each) => each === link)
}

/** Whether other XMPP servers may reach this domain of ours by themselves. */
export function servesOverS2s(snapshot: Snapshot, own: Domain): boolean {
  const served = snapshot.servedDomains.get(own)
  return served !== undefined && !served.suspended && s2sLinksOf(snapshot, served).length > 0
}
