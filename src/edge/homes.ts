import type { Address } from '../federation/address.ts'
import type { Home } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Source } from '../sip/transport/place.ts'

/** The home server of a served user: its own, else that of its domain. Undefined for everybody else. */
export function homeOfUser(snapshot: Snapshot, { user, domain }: Address): Home | undefined {
  const served = snapshot.servedDomains.get(domain)
  if (served === undefined) return undefined
  return snapshot.homes.get(snapshot.users.get(domain)?.get(user)?.home ?? served.home)
}

/**
 * The home server that a request comes from: on an inside listener, from one of its addresses, and the home of the sender.
 * Over UDP an address proves nothing unless the listener is bound to a private address (design: sides);
 * the configuration refuses other inside UDP listeners.
 */
export function homeOf(snapshot: Snapshot, source: Source, from: Address): Home | undefined {
  if (source.side !== 'inside') return undefined
  const home = homeOfUser(snapshot, from)
  return home !== undefined && isFrom(home, source) ? home : undefined
}

/** By its certificate where its row names one, else by its address. */
const isFrom = (home: Home, { address, identity }: Source): boolean =>
  home.certificate === undefined
    ? home.addresses.includes(address)
    : identity?.includes(home.certificate) === true
