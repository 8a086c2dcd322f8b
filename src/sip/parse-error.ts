import type { Headers } from './headers.ts'

/** Why a message was not understood, and what its sender is told. */
export type SipParseError = AnswerError | DropError

/** A request that can be answered: `response(error, error.status, error.reason)`. Never for ACK. */
export interface AnswerError {
  readonly kind: 'answer'
  /** 400, 413, 505 or 513. */
  readonly status: number
  /** What was wrong, as RFC 3261 §21.4.1 wants it in the reason phrase; holds nothing of the message. */
  readonly reason: string
  /** Where the request line could be read. */
  readonly method: string | undefined
  /** Those of Via, From, To, Call-ID and CSeq that could be recovered; `topVia()` is always there. */
  readonly headers: Headers
}

/** A response, an ACK, or something that has no Via to be answered to. */
export interface DropError {
  readonly kind: 'drop'
  readonly reason: string
}

/** What is wrong with a message, before it is known whether it can be answered. */
export interface Fault {
  readonly status: number
  readonly reason: string
  /** Nobody can tell where the next message of the stream begins. */
  readonly framing: boolean
}

export const malformed = (reason: string): Fault => ({ status: 400, reason, framing: false })
export const misframed = (reason: string): Fault => ({ status: 400, reason, framing: true })

/** A head whose end does not come. */
export const HEAD_TOO_LARGE: Fault = { status: 513, reason: 'Message Too Large', framing: true }
export const TOO_MANY_FIELDS: Fault = { status: 513, reason: 'Too many header fields', framing: true }
export const BODY_TOO_LARGE: Fault = { status: 413, reason: 'Request Entity Too Large', framing: true }
