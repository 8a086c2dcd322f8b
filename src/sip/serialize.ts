import { err, ok, type Result } from '../kernel/result.ts'
import { isKnownName } from './header-names.ts'
import type { HeaderField, Headers } from './headers.ts'
import type { SipMessage, SipRequest, SipResponse } from './message.ts'
import { TOKEN } from './scan.ts'
import { uriText } from './uri-write.ts'

/** A programmer's mistake: text that would have changed the message around it was about to be written. */
export class SipWriteError extends Error {
  override readonly name = 'SipWriteError'
}

const BREAKS = /[\r\n\0]/
/** Not the value: it may be private. */
const BROKEN = 'CR, LF or NUL in a start line or header field'
/** Nothing that would end a Request-URI or break out of angle brackets. */
const URI_TEXT = /^[!#-;=?-~]+$/

/**
 * The request as octets. Content-Length is always ours; names and values with CR, LF or NUL are refused.
 * @param topVia the value of a Via that goes above all others, so that nobody copies the headers for it
 * @throws SipWriteError
 */
export function writeRequest(request: SipRequest, topVia?: string): Buffer {
  const uri = uriText(request.uri)
  if (!TOKEN.test(request.method)) throw new SipWriteError(`not a method: ${JSON.stringify(request.method)}`)
  if (!URI_TEXT.test(uri)) throw new SipWriteError(`not a Request-URI: ${JSON.stringify(uri)}`)
  const start = `${request.method} ${uri} SIP/2.0\r\n`
  return topVia === undefined ? write(start, 1, request) : write(`${start}Via: ${topVia}\r\n`, 2, request)
}

/** @throws SipWriteError */
export function writeResponse(response: SipResponse): Buffer {
  const { status } = response
  if (!Number.isInteger(status) || status < 100 || status > 699)
    throw new SipWriteError(`not a status: ${status}`)
  return write(`SIP/2.0 ${status} ${response.reason}\r\n`, 1, response)
}

/** @throws SipWriteError */
export const writeMessage = (message: SipMessage): Buffer =>
  message.kind === 'request' ? writeRequest(message) : writeResponse(message)

/** @param lines how many lines `head` has so far */
function write(
  start: string,
  lines: number,
  message: { readonly headers: Headers; readonly body: Uint8Array },
): Buffer {
  let head = start
  let count = lines
  for (const field of message.headers.fields()) {
    const name = field[0]
    if (name === 'Content-Length') continue
    checkName(name)
    head += `${name}: ${field[1]}\r\n`
    count++
  }
  const { body } = message
  head += `Content-Length: ${body.length}\r\n\r\n`
  checkLines(head, count + 2)

  const length = Buffer.byteLength(head)
  const bytes = Buffer.allocUnsafe(length + body.length)
  bytes.write(head, 0, 'utf8')
  if (body.length > 0) bytes.set(body, length)
  return bytes
}

function checkName(name: string): void {
  if (!isKnownName(name) && !TOKEN.test(name))
    throw new SipWriteError(`not a header name: ${JSON.stringify(name)}`)
}

/** What a response could not be written with, found before one is. @throws SipWriteError */
export function checkWritable(reason: string | undefined, headers: readonly HeaderField[]): void {
  if (reason !== undefined && BREAKS.test(reason)) throw new SipWriteError(BROKEN)
  for (const [name, value] of headers) {
    checkName(name)
    if (BREAKS.test(value)) throw new SipWriteError(BROKEN)
  }
}

/** The one check against injection: as many CR and as many LF as there are lines means that no value had any. */
function checkLines(head: string, lines: number): void {
  if (count(head, '\r') !== lines || count(head, '\n') !== lines || head.includes('\0')) {
    throw new SipWriteError(BROKEN)
  }
}

function count(text: string, char: string): number {
  let found = 0
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) found++
  return found
}

/** The text as it is, if a header field may hold it: no CR, LF or NUL. For text from outside. */
export const headerValue = (text: string): Result<string, 'line-break-or-nul'> =>
  BREAKS.test(text) ? err('line-break-or-nul') : ok(text)

/** Text from outside made fit for a header field: each run of line breaks, NUL and other controls becomes one space. */
export const safeText = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').trim()
