import { MARK, SEQUENCE, Template, textOf } from './template.ts'

export interface MessageParts {
  readonly transport: string
  /** In Via. */
  readonly port: number
  readonly sender: string
  readonly recipient: string
  /** Of the whole request on the wire. */
  readonly bytes: number
  /** Before the number: another one keeps it out of the books. */
  readonly mark?: string
}

/** A MESSAGE whose branch and body carry the sequence number: a response shows by it that it is ours, and to which. */
export function messageTemplate({
  transport,
  port,
  sender,
  recipient,
  bytes,
  mark = MARK,
}: MessageParts): Template {
  const head = (length: number): string =>
    `MESSAGE sip:${recipient} SIP/2.0\r\n` +
    `Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${port};branch=z9hG4bK${mark}${SEQUENCE};rport\r\n` +
    'Max-Forwards: 70\r\n' +
    `From: <sip:${sender}>;tag=f${SEQUENCE}\r\n` +
    `To: <sip:${recipient}>\r\n` +
    `Call-ID: ${SEQUENCE}@127.0.0.1\r\n` +
    'CSeq: 1 MESSAGE\r\n' +
    'Content-Type: text/plain\r\n' +
    `Content-Length: ${String(length).padStart(3, '0')}\r\n\r\n`
  const length = Math.max(30, bytes - head(0).length)
  return new Template(head(length) + textOf(length).replaceAll(MARK, mark))
}
