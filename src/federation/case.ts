import type { Domain } from '../kernel/domain.ts'
import type { Evidence } from './evidence.ts'
import { linkOf, standingOf } from './lookup.ts'
import type { Link, Mark, Protocol, ServedDomain } from './model.ts'
import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Standing } from './standing.ts'
import type { Subject } from './subject.ts'

/** Everything that the steps ask about, looked up once. */
export interface Case {
  readonly request: RequestFacts
  readonly evidence: Evidence
  readonly snapshot: Snapshot
  readonly subject: Subject
  readonly direction: 'inbound' | 'outbound'
  /** The one served side; undefined: none, or both. */
  readonly served: ServedDomain | undefined
  /** The domain of the other side. */
  readonly remote: Domain
  readonly standing: Standing
  readonly protocol: Protocol
  /** The link that may carry it. */
  readonly link: Link | undefined
  readonly asserted: Mark | 'absent'
}

export function caseOf(
  request: RequestFacts,
  evidence: Evidence,
  snapshot: Snapshot,
  subject: Subject,
): Case {
  const from = snapshot.servedDomains.get(request.from.domain)
  const to = snapshot.servedDomains.get(request.to.domain)
  const direction = from !== undefined ? 'outbound' : 'inbound'
  const served = from !== undefined && to !== undefined ? undefined : (from ?? to)
  const remote = from !== undefined ? request.to.domain : request.from.domain
  const standing = standingOf(snapshot, remote)
  const link = served && linkOf(snapshot, served.name, remote, standing.provider)
  return {
    request,
    evidence,
    snapshot,
    subject,
    direction,
    served,
    remote,
    standing,
    protocol: standing.provider?.protocol ?? protocolOf(evidence, link, snapshot),
    link,
    asserted: assertedMark(evidence, snapshot, standing),
  }
}

/** Of a domain without a provider: what it speaks, or what is tried first (S2S before SIP). */
function protocolOf(evidence: Evidence, link: Link | undefined, snapshot: Snapshot): Protocol {
  switch (evidence.kind) {
    case 'component':
    case 's2s':
      return 'xmpp'
    case 'sip-peer':
      return 'sip'
    case 'home':
    case 'none':
      return link !== undefined || snapshot.federation.xmpp ? 'xmpp' : 'sip'
    default:
      return evidence satisfies never
  }
}

/** The user mark: what the peer says of its user, as far as it may say something. */
export function assertedMark(evidence: Evidence, snapshot: Snapshot, standing: Standing): Mark | 'absent' {
  switch (evidence.kind) {
    case 'component': {
      const link = snapshot.links.get(evidence.link)
      return link?.kind === 'component' ? link.vouches : 'absent'
    }
    case 's2s': {
      if (evidence.certificate === 'match') return 'verified'
      if (evidence.dialback !== 'valid') return 'absent'
      const provider = standing.provider
      return evidence.tls && provider?.protocol === 'xmpp'
        ? provider.negotiation.dialbackOverTls
        : 'unverified'
    }
    case 'sip-peer': {
      const provider = standing.provider
      return provider?.protocol === 'sip' && provider.assertingHeader !== undefined
        ? evidence.asserted
        : 'absent'
    }
    case 'home':
      return 'verified'
    case 'none':
      return 'absent'
    default:
      return evidence satisfies never
  }
}
