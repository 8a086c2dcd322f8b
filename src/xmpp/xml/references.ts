import { isChar } from './characters.ts'
import { notWellFormed, StreamFault } from './fault.ts'

const ENTITIES = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])
const HEXADECIMAL = /^#x[0-9a-fA-F]+$/
const DECIMAL = /^#[0-9]+$/

function codeOf(reference: string): number {
  if (HEXADECIMAL.test(reference)) return Number.parseInt(reference.slice(2), 16)
  return DECIMAL.test(reference) ? Number.parseInt(reference.slice(1), 10) : Number.NaN
}

/**
 * What stands for `&reference;` (XML 1.0 §4.1, §4.6).
 *
 * @param reference begins as a name does, or with `#`; name characters follow
 * @throws StreamFault restricted-xml for an entity of another name (RFC 6120 §11.1), not-well-formed for anything else
 */
export function referenced(reference: string): string {
  const entity = ENTITIES.get(reference)
  if (entity !== undefined) return entity
  if (!reference.startsWith('#') && !reference.includes(':'))
    throw new StreamFault('restricted-xml', 'only the predefined entities are allowed')
  const code = codeOf(reference)
  if (!isChar(code)) throw notWellFormed()
  return String.fromCodePoint(code)
}
