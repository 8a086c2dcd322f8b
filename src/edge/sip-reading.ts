import { type Address, sameAddress } from '../federation/address.ts'
import type { RequestKind } from '../federation/request.ts'
import { type Route, route } from '../federation/route.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { Role } from '../sip/endpoint/endpoint.ts'
import type { SipRequest } from '../sip/message.ts'
import { type IsOwn, type Routed, routedBy } from '../sip/proxy/routes.ts'
import { param } from '../sip/scan.ts'
import type { SipUri } from '../sip/uri.ts'
import { addressOf } from './address-book.ts'
import type { DialogPass } from './dialog-pass.ts'
import { kindOf } from './methods.ts'

/** The parameter of our Record-Route that holds the mark of `DialogPass`. */
export const PASS = 'pass'

/** What the rules are asked about a SIP request. */
export interface Reading {
  readonly kind: RequestKind
  readonly from: Address
  readonly to: Address
  readonly routed: Routed
  /** It is within a dialog that was admitted when it began, not too long ago. */
  readonly within: boolean
}

/** Why a request cannot be asked about, as a status. */
export type Unreadable = 400 | 403 | 404 | 405

export interface ReadingDeps {
  readonly snapshot: () => Snapshot
  readonly isOwn: IsOwn
  readonly pass: DialogPass
}

/**
 * Who speaks to whom: From to the Request-URI. Within an admitted dialog the Request-URI is a device's (Contact), and To
 * says who it is; but one that names a user of a domain that we know means that user, whatever To says.
 */
export function readRequest(request: SipRequest, deps: ReadingDeps): Reading | Unreadable {
  const kind = kindOf(request.method)
  if (kind === undefined) return 405
  const routed = routedBy(request, deps.isOwn)
  if (routed === undefined) return 400
  const sender = request.headers.from()
  const from = sender === undefined ? undefined : addressOf(sender.uri)
  if (from === undefined) return 403
  const snapshot = deps.snapshot()
  const target = addressOf(routed.uri)
  const mark = markIn(routed.own)
  const admitted = mark === undefined ? undefined : deps.pass.admits(mark, request)
  const party = admitted === undefined ? undefined : addressOfTo(request)
  const to = party !== undefined && !namesUser(snapshot, target) ? party : target
  if (to === undefined) return 404
  const within = admitted === 'current' && party !== undefined && sameAddress(party, to)
  // The rules are about users: without one, nobody inside could have allowed or blocked it.
  if (to.user === '' && !within && kind !== 'query' && snapshot.servedDomains.has(to.domain)) return 404
  return { kind, from, to, routed, within }
}

/** The mark of the first of our routes that carries one: both of a pair carry the same, and each look at one costs. */
export function markIn(own: readonly SipUri[]): string | undefined {
  for (const { params } of own) {
    const mark = param(params, PASS)
    if (mark !== undefined) return mark
  }
  return undefined
}

/** In a domain of ours, or one that a provider owns. A domain alone may be the host of a device. */
const namesUser = (snapshot: Snapshot, address: Address | undefined): boolean =>
  address !== undefined &&
  address.user !== '' &&
  (snapshot.servedDomains.has(address.domain) || snapshot.owners.get(address.domain) !== undefined)

function addressOfTo({ headers }: SipRequest): Address | undefined {
  const to = headers.to()
  return to === undefined ? undefined : addressOf(to.uri)
}

/** The kinds of ways on which a request stays SIP. */
const SIP: ReadonlySet<Route['kind']> = new Set(['home', 'sip', 'discover'])

/**
 * We are the proxy of what goes on over SIP, and the server of what is translated, asks about ourselves, or goes nowhere.
 * An OPTIONS without a user asks whether we live.
 */
export function roleFor(reading: Reading | Unreadable, snapshot: Snapshot): Role {
  if (typeof reading === 'number') return 'server'
  const { from, to, kind } = reading
  if (kind === 'query' && to.user === '') return 'server'
  return SIP.has(route(snapshot, from.domain, to.domain).kind) ? 'proxy' : 'server'
}
