import type { HeaderField } from '../headers.ts'
import { type NameAddr, nameAddrText, parseNameAddrs } from '../name-addr.ts'
import { sameUri } from '../uri-compare.ts'

/**
 * The header fields of a response with the Record-Route that its request had when it left here, below what was added on the
 * way behind: that is what a UAS copies (RFC 3261 §12.1.1). Whoever answers otherwise would take us off the way of the
 * dialog, or send those before us to hosts of its choice.
 * @param sent the values as they were sent, ours first; none: we are not on the way of what follows
 */
export function recordedAsSent(
  fields: readonly HeaderField[],
  sent: readonly string[],
  status: number,
): readonly HeaderField[] {
  if (sent.length === 0) return fields
  const given = fields.filter(([name]) => name === NAME).map(([, value]) => value)
  const begins = given.length > 0 || (status >= 200 && status < 300)
  if (!begins) return fields
  const own = routesOf(sent)
  const all = routesOf(given)
  const [first] = own
  const at = first === undefined ? -1 : all.findIndex(({ uri }) => sameUri(uri, first.uri))
  const behind = at < 0 ? [] : all.slice(0, at)
  return [
    ...fields.filter(([name]) => name !== NAME),
    ...[...behind, ...own].map((route): HeaderField => [NAME, nameAddrText(route)]),
  ]
}

const NAME = 'Record-Route'

/** What cannot be read is nothing that anybody could follow. */
const routesOf = (values: readonly string[]): readonly NameAddr[] =>
  values.flatMap((value) => {
    const parsed = parseNameAddrs(value)
    return parsed.ok ? parsed.value : []
  })
