import { flat } from '../../kernel/flat.ts'
import { enforceResourcepart } from '../../xmpp/jid-parts.ts'

/** RFC 8048 table 1, note 2: an identifier must not begin with a digit. */
const PREFIX = 'ID-'

/** All but what every version of XML takes for name characters. `_` is escaped where it would look like an escape. */
const UNFIT = /[^A-Za-z0-9._-]|_(?=x)/gu
const ESCAPED = /_x([0-9a-f]{1,6})_/g

/**
 * A tuple's identifier for a resource: an NCName, as `xs:ID` wants it (RFC 3863 §4.4), whatever the resource holds, and
 * another for every resource. Unfit characters become `_xHEX_` with their code point.
 */
export const tupleIdOf = (resource: string): string =>
  `${PREFIX}${resource.replace(UNFIT, (char) => `_x${(char.codePointAt(0) as number).toString(16)}_`)}`

/**
 * The resource of a tuple: what `tupleIdOf` wrote, or the whole identifier of another writer (RFC 3922 §5.2.1). Empty, which
 * stands for the bare address, where it can be no resource.
 */
export function resourceOfTuple(id: string): string {
  const text = id.startsWith(PREFIX) ? id.slice(PREFIX.length).replace(ESCAPED, unescaped) : id
  if (text === '') return ''
  const resource = enforceResourcepart(text)
  return resource.ok ? flat(resource.value) : ''
}

function unescaped(sequence: string, hex: string): string {
  const code = Number.parseInt(hex, 16)
  const isChar = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return isChar ? String.fromCodePoint(code) : sequence
}
