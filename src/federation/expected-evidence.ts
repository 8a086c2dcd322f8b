import type { Evidence } from './evidence.ts'
import { linkOf, providerOf } from './lookup.ts'
import type { RequestFacts } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Subject } from './subject.ts'

/**
 * What the rightful sender would prove: for `explain`, which has addresses but no peer. A SIP peer is taken to say
 * nothing of its user, an S2S peer to show its certificate.
 */
export function expectedEvidence(request: RequestFacts, snapshot: Snapshot, subject: Subject): Evidence {
  const from = snapshot.servedDomains.get(request.from.domain)
  if (from !== undefined) return { kind: 'home', home: subject.home ?? from.home }
  const provider = providerOf(snapshot, request.from.domain)
  if (provider?.protocol === 'sip') {
    return { kind: 'sip-peer', names: provider.accessEdges, asserted: 'absent' }
  }
  const link = linkOf(snapshot, request.to.domain, request.from.domain, provider)
  if (link === undefined) return { kind: 'none' }
  return link.kind === 'component'
    ? { kind: 'component', link: link.name }
    : { kind: 's2s', link: link.name, certificate: 'match', dialback: 'not-tried', tls: true }
}
