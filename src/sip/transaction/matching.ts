import type { SipRequest, SipResponse } from '../message.ts'
import { param } from '../scan.ts'
import { uriText } from '../uri-write.ts'
import { type Via, viaText } from '../via.ts'

export const MAGIC_COOKIE = 'z9hG4bK'

/** RFC 3261 §18.1.2: what a Via says of where it was sent from; the default port is that of its transport. */
export const sentByOf = (via: Via): string =>
  `${via.host}:${via.port ?? (via.transport === 'TLS' ? 5061 : 5060)}`

/**
 * What makes two requests the same transaction (RFC 3261 §17.2.3). Without the cookie, or with nothing behind it,
 * a branch identifies nothing: the request is matched as RFC 2543 did.
 */
export function serverKey(request: SipRequest, via: Via, method: string = request.method): string {
  const branch = param(via.params, 'branch') ?? ''
  const sentBy = sentByOf(via)
  if (branch.length > MAGIC_COOKIE.length && branch.slice(0, MAGIC_COOKIE.length) === MAGIC_COOKIE)
    return `${method} ${sentBy} ${branch}`
  const { headers } = request
  // The ACK for a refusal has the tag that its INVITE lacked; within one dialog CSeq tells INVITEs apart.
  const tag = method === 'INVITE' ? '' : tagOf(request, 'to')
  return `2543 ${uriText(request.uri)} ${tag} ${tagOf(request, 'from')} ${headers.get('Call-ID')} ${
    headers.cseq()?.number
  } ${method} ${viaText(via)}`
}

/** What two copies of a request share that came by different ways; undefined inside a dialog (RFC 3261 §8.2.2.2). */
export function mergedKey(request: SipRequest): string | undefined {
  if (tagOf(request, 'to') !== '') return undefined
  const { headers } = request
  const cseq = headers.cseq()
  return `${headers.get('Call-ID')} ${cseq?.number} ${cseq?.method} ${tagOf(request, 'from')}`
}

/** `''` where there is none. */
export function tagOf(request: SipRequest, end: 'from' | 'to'): string {
  const address = end === 'from' ? request.headers.from() : request.headers.to()
  return address === undefined ? '' : (param(address.params, 'tag') ?? '')
}

/** RFC 3261 §8.1.3.3: what has more than our Via was misrouted, unless its request was passed on for another client. */
export function hasSeveralVias(response: SipResponse): boolean {
  const vias = response.headers.all('Via')
  return vias.length !== 1 || (vias[0] as string).includes(',')
}
