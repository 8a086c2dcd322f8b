import { scanFields } from './fields.ts'
import { Headers } from './headers.ts'
import type { SipLimits } from './limits.ts'
import type { SipMessage } from './message.ts'
import { BODY_TOO_LARGE, type Fault, misframed, type SipParseError } from './parse-error.ts'
import { checkRequired, recovered, repeated } from './required.ts'
import { type BadLine, parseStartLine, type RequestLine, type StatusLine } from './start-line.ts'

/** A head that was read: either a message that only lacks its body, or the error it will be. */
export interface Head {
  readonly line: RequestLine | StatusLine | BadLine
  readonly headers: Headers
  /** Octets of body; undefined where the header field is missing. */
  readonly contentLength: number | undefined
  readonly fault: Fault | undefined
}

/**
 * @param text the head as latin1, up to and with the CR LF of its last line
 * @param ascii no octet of it is above 0x7f
 */
export function parseHead(text: string, limits: SipLimits, ascii: boolean): Head {
  const lineEnd = text.indexOf('\r\n')
  const line = parseStartLine(text.slice(0, lineEnd))
  const { fields, fault: broken } = scanFields(text, lineEnd + 2, limits.headerCount, ascii)
  const headers = new Headers(fields)
  const method = line.kind === 'request' ? line.method : undefined

  const lengthText = headers.get('Content-Length')
  let contentLength: number | undefined
  let misfit: Fault | undefined
  if (lengthText !== undefined) {
    contentLength = /^[0-9]{1,15}$/.test(lengthText) ? Number(lengthText) : undefined
    if (contentLength === undefined) misfit = misframed('Malformed Content-Length header field')
    else if (contentLength > limits.bodyBytes) misfit = BODY_TOO_LARGE
  }

  const fault =
    broken ??
    framingOf(repeated(fields), misfit) ??
    (line.kind === 'bad' ? line.fault : checkRequired(headers, method))
  return { line, headers, contentLength, fault }
}

/** What the sender is told of a fault, of the head or found later. */
export function refusal({ line, headers }: Head, fault: Fault): SipParseError {
  const { reason, status } = fault
  if (line.kind === 'response' || (line.kind === 'bad' && line.response)) return { kind: 'drop', reason }
  const answerable = recovered(headers.fields())
  if (line.method === 'ACK' || answerable.topVia() === undefined) return { kind: 'drop', reason }
  return { kind: 'answer', status, reason, method: line.method, headers: answerable }
}

/** The fault that loses the frame is the one that counts. */
const framingOf = (a: Fault | undefined, b: Fault | undefined): Fault | undefined =>
  a?.framing ? a : (b ?? a)

/** The message of a head without fault. */
export function messageOf(line: RequestLine | StatusLine, headers: Headers, body: Uint8Array): SipMessage {
  return line.kind === 'request'
    ? { kind: 'request', method: line.method, uri: line.uri, headers, body }
    : { kind: 'response', status: line.status, reason: line.reason, headers, body }
}
