import { type HeaderField, Headers } from './headers.ts'
import { type Fault, malformed, misframed } from './parse-error.ts'
import { parseOneVia, sentByOnly, splitFirst } from './via.ts'

/** Header fields that hold one value and may come once (RFC 3261 §7.3.1, §20 and the RFCs of the others). */
const SINGLE = new Map(
  [
    'From',
    'To',
    'Call-ID',
    'CSeq',
    'Max-Forwards',
    'Content-Length',
    'Content-Type',
    'Content-Disposition',
    'Date',
    'Event',
    'Expires',
    'MIME-Version',
    'Min-Expires',
    'Min-SE',
    'Organization',
    'Priority',
    'RAck',
    'Refer-To',
    'Referred-By',
    'Reply-To',
    'Retry-After',
    'RSeq',
    'Server',
    'Session-Expires',
    'SIP-ETag',
    'SIP-If-Match',
    'Subject',
    'Subscription-State',
    'Timestamp',
    'User-Agent',
  ].map((name, index) => [name, 1 << index] as const),
)

/** A header field that came twice and may not. */
export function repeated(fields: readonly HeaderField[]): Fault | undefined {
  let seen = 0
  for (const field of fields) {
    const bit = SINGLE.get(field[0])
    if (bit === undefined) continue
    if ((seen & bit) !== 0) {
      const reason = `Repeated ${field[0]} header field`
      return field[0] === 'Content-Length' ? misframed(reason) : malformed(reason)
    }
    seen |= bit
  }
  return undefined
}

/** Wider than RFC 3261's `callid`: everything printable in ASCII, as real identifiers have it. */
const CALL_ID = /^[!-~]+$/

/**
 * What every message must have, and in a form that can be read: Via, From, To, Call-ID, CSeq (RFC 3261 §8.1.1).
 * Max-Forwards may be missing (RFC 2543, §16.3). Header fields beyond these are read by those who need them.
 * @param method of a request, to be compared with CSeq; undefined for a response
 */
export function checkRequired(headers: Headers, method: string | undefined): Fault | undefined {
  if (headers.topVia() === undefined) return wrong(headers, 'Via')
  // A response belongs to its request by Via and CSeq (§17.1.3): the rest is read by those who need it.
  const response = method === undefined
  if ((response ? headers.get('From') : headers.from()) === undefined) return wrong(headers, 'From')
  if ((response ? headers.get('To') : headers.to()) === undefined) return wrong(headers, 'To')
  const callId = headers.get('Call-ID')
  if (callId === undefined || !CALL_ID.test(callId)) return wrong(headers, 'Call-ID')
  const cseq = headers.cseq()
  if (cseq === undefined) return wrong(headers, 'CSeq')
  if (method !== undefined && cseq.method !== method) return malformed('CSeq method does not match')
  if (headers.maxForwards() === undefined && headers.get('Max-Forwards') !== undefined)
    return wrong(headers, 'Max-Forwards')
  return undefined
}

const wrong = (headers: Headers, name: string): Fault =>
  malformed(`${headers.get(name) === undefined ? 'Missing' : 'Malformed'} ${name} header field`)

const ECHOED: ReadonlySet<string> = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq'])

/** What a response repeats of a malformed request: every Via, and the first of each other field. */
export function recovered(fields: readonly HeaderField[]): Headers {
  const seen = new Set<string>()
  const echoed: HeaderField[] = []
  for (const field of fields) {
    const [name, value] = field
    if (!ECHOED.has(name) || (name !== 'Via' && seen.has(name))) continue
    if (name === 'Via' && !seen.has('Via') && !parseOneVia(splitFirst(value)[0]).ok) {
      const rest = sentByOnly(value)
      if (rest === undefined) continue
      echoed.push(['Via', rest])
    } else echoed.push(field)
    seen.add(name)
  }
  return new Headers(echoed)
}
