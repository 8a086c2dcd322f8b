import { isAscii } from 'node:buffer'
import { err, ok, type Result } from '../kernel/result.ts'
import { HEAD_TOO_LARGE, HEAD_UNFINISHED, messageOf, parseHead } from './head.ts'
import { DEFAULT_LIMITS, type SipLimits } from './limits.ts'
import type { SipMessage } from './message.ts'
import { misframed, type SipParseError } from './parse-error.ts'

/** A view on the same octets that has Buffer's methods. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * One datagram (RFC 3261 §18.3): without Content-Length the body is the rest of it; octets behind the body are ignored.
 * The body is a view on `bytes`. Never throws.
 */
export function parseMessage(
  bytes: Uint8Array,
  limits: SipLimits = DEFAULT_LIMITS,
): Result<SipMessage, SipParseError> {
  const buffer = asBuffer(bytes)
  let start = 0
  // §7.5: CR LF before the start line is ignored.
  while (buffer[start] === 0x0d && buffer[start + 1] === 0x0a) start += 2
  if (start === buffer.length) return err({ kind: 'drop', reason: 'empty' })

  const reach = Math.min(buffer.length, start + limits.headBytes + 4)
  let text = buffer.toString('latin1', start, reach)
  const end = text.indexOf('\r\n\r\n')
  if (end < 0 || end > limits.headBytes) {
    const tooLarge = end >= 0 || buffer.length - start > limits.headBytes + 4
    const lastLine = text.lastIndexOf('\r\n')
    if (lastLine < 0) return err({ kind: 'drop', reason: 'not SIP' })
    const head = parseHead(text.slice(0, lastLine + 2), limits, false)
    return err(head.refuse(tooLarge ? HEAD_TOO_LARGE : HEAD_UNFINISHED))
  }
  text = text.slice(0, end + 2)
  const bodyAt = start + end + 4
  const head = parseHead(
    text,
    limits,
    isAscii(start === 0 && bodyAt === buffer.length ? buffer : buffer.subarray(start, bodyAt)),
  )
  if (head.fault !== undefined) return err(head.refuse(head.fault))

  const available = buffer.length - bodyAt
  const length = head.contentLength ?? available
  if (length > available) return err(head.refuse(misframed('Content-Length larger than the message')))
  if (length > limits.bodyBytes)
    return err(head.refuse({ status: 413, reason: 'Request Entity Too Large', framing: true }))
  if (head.line === undefined) return err({ kind: 'drop', reason: 'not SIP' })
  return ok(messageOf(head.line, head.headers, buffer.subarray(bodyAt, bodyAt + length)))
}
