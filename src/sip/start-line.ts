import { utf8 } from './fields.ts'
import { type Fault, malformed } from './parse-error.ts'
import { TOKEN } from './scan.ts'
import type { Uri } from './uri.ts'
import { parseUri } from './uri-parse.ts'

export interface RequestLine {
  readonly kind: 'request'
  readonly method: string
  readonly uri: Uri
}

export interface StatusLine {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

/** What could not be read; still says which kind of message it was. */
export interface BadLine {
  readonly kind: 'bad'
  readonly response: boolean
  readonly method: string | undefined
  readonly fault: Fault
}

const STATUS = /^SIP\/2\.0 [1-6][0-9]{2} [^\r\n\0]*$/i
const VERSION = /^SIP\/[0-9]+\.[0-9]+$/i

/** The first line (RFC 3261 §7.1, §7.2), as latin1 and without its CR LF. Exactly one SP between its parts. */
export function parseStartLine(line: string): RequestLine | StatusLine | BadLine {
  if (/^SIP\//i.test(line)) {
    if (!STATUS.test(line))
      return { kind: 'bad', response: true, method: undefined, fault: malformed('Malformed status line') }
    return { kind: 'response', status: Number(line.slice(8, 11)), reason: utf8(line.slice(12)) }
  }
  const first = line.indexOf(' ')
  const last = line.lastIndexOf(' ')
  const method = line.slice(0, Math.max(first, 0))
  if (!TOKEN.test(method)) return bad(undefined, malformed('Malformed request line'))
  const version = line.slice(last + 1)
  if (version !== 'SIP/2.0' && version.toUpperCase() !== 'SIP/2.0') {
    if (!VERSION.test(version)) return bad(method, malformed('Malformed request line'))
    return bad(method, { status: 505, reason: 'Version Not Supported', framing: false })
  }
  const uri = parseUri(line.slice(first + 1, Math.max(last, first)))
  if (!uri.ok) return bad(method, malformed('Malformed Request-URI'))
  // RFC 3261 §19.1.1: header components are not allowed there.
  if ('headers' in uri.value && uri.value.headers !== undefined)
    return bad(method, malformed('Header component in Request-URI'))
  return { kind: 'request', method, uri: uri.value }
}

const bad = (method: string | undefined, fault: Fault): BadLine => ({
  kind: 'bad',
  response: false,
  method,
  fault,
})
