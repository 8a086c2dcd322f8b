import type { SipRequest } from '../message.ts'
import { type NameAddr, nameAddrText, parseNameAddrs } from '../name-addr.ts'
import { has } from '../scan.ts'
import type { SipUri, Uri } from '../uri.ts'

/** Is this URI one of ours, as our Record-Route says it? */
export type IsOwn = (uri: SipUri) => boolean

/** What the Route header fields of a request come to at this proxy. */
export interface Routed {
  /** The Request-URI, put right where a strict router had changed it. */
  readonly uri: Uri
  /** Our own routes that stood at the top, taken off: what we wrote into them comes back here. */
  readonly own: readonly SipUri[]
  /** Those that remain, as they are written. */
  readonly rest: readonly string[]
}

const NONE: readonly never[] = []

/** RFC 3261 §16.4. Undefined: a Route that cannot be read, or names no SIP URI where there must be one. */
export function routedBy(request: SipRequest, isOwn: IsOwn): Routed | undefined {
  const lines = request.headers.all('Route')
  if (lines.length === 0) return { uri: request.uri, own: NONE, rest: NONE }
  const routes: NameAddr[] = []
  for (const line of lines) {
    const parsed = parseNameAddrs(line)
    if (!parsed.ok) return undefined
    routes.push(...parsed.value)
  }
  let uri = request.uri
  const own: SipUri[] = []
  // A strict router before us has put our Record-Route into the Request-URI, and what stood there behind the routes.
  if (isSip(uri) && has(uri.params, 'lr') && isOwn(uri)) {
    const last = routes.pop()
    if (last !== undefined) {
      // Nothing has asked yet whether we know its scheme (§16.3).
      if (!isSip(last.uri)) return undefined
      own.push(uri)
      uri = last.uri
    }
  }
  while (routes[0] !== undefined && isSip(routes[0].uri) && isOwn(routes[0].uri)) {
    own.push(routes[0].uri)
    routes.shift()
  }
  return { uri, own, rest: routes.map(nameAddrText) }
}

const isSip = (uri: Uri): uri is SipUri => uri.scheme === 'sip' || uri.scheme === 'sips'
