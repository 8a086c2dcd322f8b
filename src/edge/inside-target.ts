import type { Home } from '../federation/model.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import { has } from '../sip/scan.ts'
import type { SipUri, Uri } from '../sip/uri.ts'
import { addressOf } from './address-book.ts'
import type { Passing } from './arrival.ts'
import type { Destination } from './reach.ts'

/** What a URI's parameters say of the way rather than of the user (RFC 3261 §19.1.1). */
const WAY: ReadonlySet<string> = new Set(['maddr', 'ttl', 'transport', 'lr', 'method'])

/**
 * The Request-URI that a home server gets. Where it names a user of ours it says who, and nothing else: a home server
 * that followed its port or `maddr` would take whoever is outside to another host inside. Within an admitted dialog it is
 * the device's, and stays as it is.
 */
export function insideUri({ routed, within }: Passing, snapshot: Snapshot): Uri {
  const { uri } = routed
  if (within || !isSip(uri)) return uri
  const address = addressOf(uri)
  if (address === undefined || !snapshot.servedDomains.has(address.domain)) return uri
  const params = uri.params.filter(([name]) => !WAY.has(name))
  return { ...uri, port: undefined, params, headers: undefined }
}

/**
 * The Route that a home server gets: within an admitted dialog the dialog's, otherwise only what leads to the home server
 * itself. A route that somebody outside has made up goes no further.
 */
export function insideRoutes(
  { routed, within }: Passing,
  home: Home,
  places: readonly Destination[],
): readonly string[] {
  if (within) return routed.rest
  return routed.rest.filter((route) => {
    const uri = uriOfRoute(route)
    return uri !== undefined && leadsHome(uri, home, places)
  })
}

/** To the home server by an address or a name of its own, and to where it speaks SIP: not to another service there. */
export function leadsHome(uri: SipUri, { addresses }: Home, places: readonly Destination[]): boolean {
  const { port, params } = uri
  const host = hostOf(uri)
  const isItsHost =
    addresses.includes(host) || places.some(({ target }) => target.host === host || target.server === host)
  const isItsPort =
    port === undefined || port === 5060 || port === 5061 || places.some((place) => place.port === port)
  return isItsHost && isItsPort && !has(params, 'maddr')
}

/** Of a Route as `nameAddrText` wrote it; undefined where it is no SIP URI. */
export function uriOfRoute(route: string): SipUri | undefined {
  const parsed = parseNameAddr(route)
  return parsed.ok && isSip(parsed.value.uri) ? parsed.value.uri : undefined
}

/** An IPv6 address without its brackets. */
export const hostOf = ({ host }: SipUri): string => host.replace(/^\[|\]$/g, '')

const isSip = (uri: Uri): uri is SipUri => uri.scheme === 'sip' || uri.scheme === 'sips'
