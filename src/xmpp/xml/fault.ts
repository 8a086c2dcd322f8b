import type { StreamCondition, StreamError } from './stream-error.ts'

/** Thrown by the parts of the reader to the reader, which tells it as an event. */
export class StreamFault extends Error {
  readonly error: StreamError
  constructor(condition: StreamCondition, text: string) {
    super(text)
    this.error = { condition, text }
  }
}

/** RFC 6120 §11.3. */
export const notWellFormed = (): StreamFault => new StreamFault('not-well-formed', 'not well-formed XML')

/** RFC 6120 §11.1: what XMPP leaves out of XML. */
export const restricted = (what: string): StreamFault =>
  new StreamFault('restricted-xml', `${what} are not allowed`)
