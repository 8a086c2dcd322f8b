import type { Home } from '../federation/model.ts'
import { has, param } from '../sip/scan.ts'
import type { SipUri, Uri } from '../sip/uri.ts'
import type { Passing } from './arrival.ts'
import { hostOf, leadsHome, uriOfRoute } from './inside-target.ts'
import type { Destination } from './reach.ts'

/**
 * Where a request for a user of this home goes: to the home's next hop. Within an admitted dialog it follows its route
 * (RFC 3261 §12.2.1.1) as far as that leads to the home server itself, at one of its addresses and, over TCP, a port where
 * it speaks SIP: nobody outside chooses another host inside, or another service, by what it writes into a Route or Contact.
 */
export function insideHops(
  { routed, within }: Passing,
  home: Home,
  places: readonly Destination[],
): readonly Destination[] {
  const [first] = places
  if (!within || first === undefined || first.transport === 'tls') return places
  const next = nextOf(routed.rest[0], routed.uri)
  if (next === undefined) return places
  const address = hostOf(next)
  const port = next.port ?? 5060
  const transport = (param(next.params, 'transport') ?? 'udp').toLowerCase()
  if (!home.addresses.includes(address) || has(next.params, 'maddr')) return places
  // A stream is dangerous at a port of another service, which may read commands in it.
  if (transport !== 'udp' && !(transport === 'tcp' && leadsHome(next, home, places))) return places
  const target = { transport, address, port, host: address, server: address } as const
  return [{ transport, address, port, side: 'inside', target }]
}

function nextOf(route: string | undefined, uri: Uri): SipUri | undefined {
  const next = route === undefined ? uri : uriOfRoute(route)
  return next?.scheme === 'sip' ? next : undefined
}
