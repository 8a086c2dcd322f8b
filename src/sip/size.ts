import type { SipRequest } from './message.ts'
import { uriText } from './uri-write.ts'

/** What the transport adds: one Via with a branch and rport, and Content-Length. */
const ADDED = 140

/** Octets that a request will have on the wire, its Via estimated on the safe side. */
export function requestSize(request: SipRequest): number {
  let octets =
    request.method.length + Buffer.byteLength(uriText(request.uri)) + ' SIP/2.0\r\n\r\n '.length + ADDED
  for (const [name, value] of request.headers.fields()) octets += name.length + Buffer.byteLength(value) + 4
  return octets + request.body.length
}
