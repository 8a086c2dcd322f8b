import { type HeaderField, Headers } from '../headers.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import type { Source } from '../transport/place.ts'
import { receivedVia } from '../transport/via.ts'
import type { Uri } from '../uri.ts'
import { withFirst } from '../via.ts'

/** What changes in a request on its way through, besides what RFC 3261 §16.6 has changed in each. */
export interface Passage {
  readonly uri: Uri
  /** The Route values that remain. */
  readonly routes: readonly string[]
  /** For what makes a dialog, the topmost first; the far side's stands above the near side's (RFC 5658). */
  readonly recordRoutes: readonly string[]
  /** Header fields, in canonical spelling, that go no further. */
  readonly without: ReadonlySet<string>
  /** Header fields of ours. */
  readonly extra: readonly HeaderField[]
}

/** RFC 5393 §5.3.3: for a request that has none, and the most that one may have. */
const MOST = 60
const MAX_BREADTH: HeaderField = ['Max-Breadth', String(MOST)]
/** RFC 3261 §16.6: for a request that has none. */
const MAX_FORWARDS: HeaderField = ['Max-Forwards', '70']

/**
 * The request as a proxy passes it on (RFC 3261 §16.6, without the Via, which its transport writes): one hop fewer, our
 * Record-Route above the others, where it came from in its topmost Via (§18.2.1).
 */
export function forwarded(request: SipRequest, source: Source, passage: Passage): SipRequest {
  const { headers } = request
  const fields: HeaderField[] = []
  const via = headers.topVia()
  let first = true
  let hops = false
  let breadth = false
  for (const uri of passage.recordRoutes) fields.push(['Record-Route', uri])
  for (const route of passage.routes) fields.push(['Route', route])
  for (const field of headers.fields()) {
    const name = field[0]
    switch (name) {
      case 'Via':
        fields.push(
          first && via !== undefined
            ? ['Via', withFirst(field[1], receivedVia(via, source.address, source.port))]
            : field,
        )
        first = false
        break
      case 'Max-Forwards':
        hops = true
        fields.push(['Max-Forwards', String((headers.maxForwards() ?? 1) - 1)])
        break
      case 'Route':
        break
      case 'Max-Breadth':
        if (!breadth) fields.push(isWithin(field[1]) ? field : MAX_BREADTH)
        breadth = true
        break
      default:
        if (!passage.without.has(name)) fields.push(field)
    }
  }
  if (!hops) fields.push(MAX_FORWARDS)
  if (!breadth) fields.push(MAX_BREADTH)
  fields.push(...passage.extra)
  return { ...request, uri: passage.uri, headers: new Headers(fields) }
}

const isWithin = (breadth: string): boolean => /^[0-9]{1,2}$/.test(breadth) && Number(breadth) <= MOST

/** What a response has from its own request, whose copy is kept here: nobody below us can change it. */
const FROM_REQUEST: ReadonlySet<string> = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length'])

/** The header fields of a response that is passed on, besides those that its request gives (§16.7). */
export function passedFields(
  response: SipResponse,
  without: ReadonlySet<string>,
  extra: readonly HeaderField[],
): readonly HeaderField[] {
  const fields = response.headers.fields().filter(([name]) => !FROM_REQUEST.has(name) && !without.has(name))
  fields.push(...extra)
  return fields
}
