import { isAscii } from 'node:buffer'
import { err, ok, type Result } from '../kernel/result.ts'
import { type Head, messageOf, parseHead, refusal } from './head.ts'
import { DEFAULT_LIMITS, type SipLimits } from './limits.ts'
import type { SipMessage } from './message.ts'
import { BODY_TOO_LARGE, HEAD_TOO_LARGE, misframed, type SipParseError } from './parse-error.ts'

/** A view on the same octets that has Buffer's methods. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * One datagram (RFC 3261 §18.3): without Content-Length the body is the rest of it; octets behind the body are ignored.
 * RFC 2543 also let lines end with LF: a head that has LF alone is read so. The empty line may be missing where
 * Content-Length says that nothing follows. The body is a view on `bytes`. Never throws.
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

  const text = buffer.toString('latin1', start, Math.min(buffer.length, start + limits.headBytes + 4))
  const bare = !text.includes('\r')
  const end = text.indexOf(bare ? '\n\n' : '\r\n\r\n')
  if (end < 0 || end > limits.headBytes)
    return endless(text, bare, end < 0 && buffer.length - start === text.length, limits)

  const bodyAt = start + end + (bare ? 2 : 4)
  const ascii = isAscii(buffer) || isAscii(buffer.subarray(0, bodyAt))
  const head = parseHead(bare ? crlf(text.slice(0, end + 1)) : text.slice(0, end + 2), limits, ascii)
  if (head.fault !== undefined) return err(refusal(head, head.fault))

  const available = buffer.length - bodyAt
  const length = head.contentLength ?? available
  if (length > available) return err(refusal(head, misframed('Content-Length larger than the message')))
  if (length > limits.bodyBytes) return err(refusal(head, BODY_TOO_LARGE))
  return finish(head, buffer.subarray(bodyAt, bodyAt + length))
}

const crlf = (text: string): string => text.replaceAll('\n', '\r\n')

/** @param complete the datagram is over, and not just the part of it that a head may fill */
function endless(
  text: string,
  bare: boolean,
  complete: boolean,
  limits: SipLimits,
): Result<SipMessage, SipParseError> {
  const lines = bare ? crlf(text) : text
  const lastLine = lines.lastIndexOf('\r\n')
  if (lastLine < 0) return err({ kind: 'drop', reason: 'not SIP' })
  const head = parseHead(lines.slice(0, lastLine + 2), limits, false)
  if (!complete || text.length > limits.headBytes) return err(refusal(head, HEAD_TOO_LARGE))
  if (lastLine + 2 !== lines.length || head.contentLength !== 0)
    return err(refusal(head, misframed('No empty line after the header fields')))
  return head.fault === undefined ? finish(head, EMPTY) : err(refusal(head, head.fault))
}

const EMPTY = new Uint8Array(0)

const finish = (head: Head, body: Uint8Array): Result<SipMessage, SipParseError> =>
  head.line.kind === 'bad'
    ? err({ kind: 'drop', reason: 'not SIP' })
    : ok(messageOf(head.line, head.headers, body))
