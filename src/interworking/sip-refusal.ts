import type { HeaderField } from '../sip/headers.ts'
import type { AddressError } from './address.ts'
import type { ContentError } from './content.ts'

/** Why no stanza comes of a request, with the answer that says so. */
export type SipRefusal =
  | {
      readonly kind: 'refuse'
      readonly status: number
      readonly reason: string
      readonly headers: readonly HeaderField[]
    }
  /** Neither text nor Subject: there is nothing to deliver, and the answer is a 200 (RFC 3428 lets the body be absent). */
  | { readonly kind: 'nothing-to-send' }

export const refuse = (status: number, reason: string, ...headers: readonly HeaderField[]): SipRefusal => ({
  kind: 'refuse',
  status,
  reason,
  headers,
})

/** What a MESSAGE to an XMPP user may hold (RFC 3428 §9, RFC 3261 §21.4.13). */
export const ACCEPT: HeaderField = ['Accept', 'text/plain, text/html, multipart/alternative, multipart/mixed']

export const CONTENT_REFUSALS = {
  type: refuse(415, 'Unsupported Media Type', ACCEPT),
  charset: refuse(415, 'Unsupported Charset', ACCEPT),
  encoding: refuse(415, 'Unsupported Content Encoding', ['Accept-Encoding', 'identity']),
  'long-html': refuse(413, 'HTML Too Long, Send Plain Text'),
  malformed: refuse(400, 'Body Is Not What Content-Type Says'),
} as const satisfies Record<ContentError, SipRefusal>

export const contentRefusal = (error: ContentError): SipRefusal => CONTENT_REFUSALS[error]

/** RFC 5630 §5.4: 480, with the warning that tells a caller to try `sip:`. */
const SIPS_NOT_ALLOWED = refuse(480, 'Temporarily Unavailable', ['Warning', '380 gateway "SIPS Not Allowed"'])

/** Anything but a scheme we cannot serve is an address that nobody on the XMPP side can have. */
export function recipientRefusal(error: AddressError): SipRefusal {
  if (error === 'sips') return SIPS_NOT_ALLOWED
  const scheme = error === 'telephone-number' || error === 'unknown-scheme'
  return scheme ? refuse(416, 'Unsupported URI Scheme') : refuse(404, 'Not Found')
}

/** Understood, and repeating it would not help (RFC 3261 §21.4.4). */
export const SENDER_REFUSED = refuse(403, 'Sender Has No XMPP Address')
