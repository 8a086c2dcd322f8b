import { type Address, textOfAddress } from '../federation/address.ts'
import type { Evidence } from '../federation/evidence.ts'
import { providerOf } from '../federation/lookup.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Domain } from '../kernel/domain.ts'
import type { IncomingRequest } from '../sip/endpoint/endpoint.ts'
import { assertedBy } from './asserted.ts'
import type { Counters } from './counters.ts'
import { homeOf } from './homes.ts'
import type { PeerLog } from './peer-log.ts'

const NONE: Evidence = { kind: 'none' }

/**
 * What a SIP request's source proves: on an inside listener that it is a home server, on an outside one what its
 * certificate names. Who is not believed is refused by the rules, and counted here by what was wrong.
 */
export function evidenceOf(
  { request, source }: Pick<IncomingRequest, 'request' | 'source'>,
  from: Address,
  snapshot: Snapshot,
  watch: { readonly counters: Counters; readonly peers: PeerLog },
): Evidence {
  const served = snapshot.servedDomains.has(from.domain)
  const { counters, peers } = watch
  const about = (): object => {
    const { address, port, listener } = source
    return { from: textOfAddress(from), address, port, listener }
  }
  if (source.side === 'inside') {
    const home = homeOf(snapshot, source, from)
    if (home !== undefined) return { kind: 'home', home: home.name }
    counters.add(served ? 'sip.not-its-home' : 'sip.forged-from')
    peers.warn(about(), 'an inside sender is not believed')
    return NONE
  }
  if (served) {
    counters.add('sip.inside-from-outside')
    peers.warn(about(), 'a sender from outside claims to be one of us')
    return NONE
  }
  const { identity } = source
  if (identity === undefined) return NONE
  const provider = providerOf(snapshot, from.domain)
  const asserted =
    provider?.protocol === 'sip' && identity.some((name) => provider.accessEdges.includes(name as Domain))
      ? assertedBy(provider, request.headers, from)
      : 'absent'
  return { kind: 'sip-peer', names: identity as readonly Domain[], asserted }
}
