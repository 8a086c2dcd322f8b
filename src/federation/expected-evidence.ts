import type { Evidence } from './evidence.ts'
import { linkOf, providerOf, s2sLinksOf } from './lookup.ts'
import type { Provider } from './model.ts'
import { type Authentication, DEFAULT_NEGOTIATION, negotiationCheck } from './negotiation.ts'
import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Subject } from './subject.ts'

type StreamEvidence = Extract<Evidence, { kind: 's2s' }>

const PROVED_BY = {
  'sasl-tls': { certificate: 'match', dialback: 'not-tried', tls: true },
  'tls-dialback': { certificate: 'mismatch', dialback: 'valid', tls: true },
  'tcp-dialback': { certificate: 'absent', dialback: 'valid', tls: false },
} as const satisfies Record<Authentication, Omit<StreamEvidence, 'kind' | 'link'>>

/** What the rightful server would prove on an S2S stream: by the best way that its settings have. */
export function expectedProof(provider: Provider | undefined): (typeof PROVED_BY)[Authentication] {
  const negotiation = provider?.protocol === 'xmpp' ? provider.negotiation : DEFAULT_NEGOTIATION
  const [best = 'sasl-tls'] = negotiationCheck(negotiation).accepted
  return PROVED_BY[best]
}

/**
 * What the rightful sender would prove: for `explain`, which has addresses but no peer. A SIP peer is taken to say
 * nothing of its user.
 */
export function expectedEvidence(request: RequestFacts, snapshot: Snapshot, subject: Subject): Evidence {
  const from = snapshot.servedDomains.get(request.from.domain)
  if (from !== undefined) return { kind: 'home', home: subject.home ?? from.home }
  const provider = providerOf(snapshot, request.from.domain)
  if (provider?.protocol === 'sip') {
    return { kind: 'sip-peer', names: provider.accessEdges, asserted: 'absent' }
  }
  const served = snapshot.servedDomains.get(request.to.domain)
  const link =
    linkOf(snapshot, request.to.domain, request.from.domain, provider) ??
    // An allowed domain, or one that is discovered.
    (served !== undefined && provider === undefined ? s2sLinksOf(snapshot, served)[0] : undefined)
  if (link === undefined) return { kind: 'none' }
  return link.kind === 'component'
    ? { kind: 'component', link: link.name }
    : { kind: 's2s', link: link.name, ...expectedProof(provider) }
}
