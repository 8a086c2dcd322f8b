import type { Home } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Domain } from '../kernel/domain.ts'
import type { Source } from '../sip/transport/place.ts'

/**
 * The home server that a request comes from: on an inside listener, from one of its addresses, and serving the domain of the
 * sender. Over UDP an address proves nothing unless the listener is bound to a private address (design: sides);
 * the configuration refuses other inside UDP listeners.
 */
export function homeOf(snapshot: Snapshot, source: Source, from: Domain): Home | undefined {
  if (source.side !== 'inside') return undefined
  const served = snapshot.servedDomains.get(from)
  const home = served === undefined ? undefined : snapshot.homes.get(served.home)
  return home?.addresses.includes(source.address) ? home : undefined
}
