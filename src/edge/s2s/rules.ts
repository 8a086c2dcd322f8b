import { linkOf, s2sLinksOf, standingOf } from '../../federation/lookup.ts'
import type { S2sLink } from '../../federation/model.ts'
import { DEFAULT_NEGOTIATION, negotiationCheck } from '../../federation/negotiation.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import { NEEDS } from '../../federation/standing.ts'
import type { Domain } from '../../kernel/domain.ts'
import type { FixedHost } from '../../xmpp/s2s/locate.ts'
import type { Accepted } from '../../xmpp/s2s/negotiation.ts'

/** What holds for the streams between one domain of ours and another one. */
export interface S2sRules {
  /** Never empty. */
  readonly accepted: Accepted
  /** Milliseconds of silence after which a stream is tested; 0: never. */
  readonly keepAlive: number
  /** Whose streams are counted together: a provider's, or those of a domain without one. */
  readonly partner: string
  /** Streams that the partner, with all its domains, may have at once. */
  readonly connections: number
  /** Where its server is, whatever DNS says. */
  readonly fixed: FixedHost | undefined
  /** Nobody has written its domain down with a provider: DNS may not send us to a private address for it. */
  readonly publicOnly: boolean
}

/**
 * Asked for each stream that is set up, whoever opens it, not for each stanza: those have `decide`, which is stricter.
 * Undefined: no link from server to server carries that pair.
 */
export function s2sRules(snapshot: Snapshot, own: Domain, other: Domain): S2sRules | undefined {
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
