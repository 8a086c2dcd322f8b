import type { Headers } from './headers.ts'
import type { Uri } from './uri.ts'

/** A SIP request as a value (RFC 3261 §7.1): received, or built to be sent. */
export interface SipRequest {
  readonly kind: 'request'
  /** Case-sensitive token. */
  readonly method: string
  readonly uri: Uri
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A SIP response as a value (RFC 3261 §7.2). */
export interface SipResponse {
  readonly kind: 'response'
  /** 100 to 699. */
  readonly status: number
  readonly reason: string
  readonly headers: Headers
  readonly body: Uint8Array
}

export type SipMessage = SipRequest | SipResponse
