import { err, ok, type Result } from '../../kernel/result.ts'
import { isWellDirected } from './bidi.ts'
import { isFreeform, isIdentifier } from './class.ts'
import { isWellPlaced } from './context.ts'

/** RFC 8264 §7 and §8, RFC 8265 §3.3.3 and §4.2.2. */
export type PrecisError =
  | 'empty'
  /** A code point that the string class does not have. */
  | 'disallowed'
  /** A code point outside the context that it needs (RFC 5892 Appendix A). */
  | 'context'
  /** Against the Bidi Rule (RFC 5893 §2). */
  | 'direction'
  /** Four applications of the rules gave four different strings. */
  | 'unstable'

const ASCII = /^[\0-\x7f]*$/
const FORMS_OF_WIDTH = /[\u3000\uff00-\uffef]/g
const NON_ASCII_SPACE = /(?! )\p{Zs}/gu

/**
 * Width mapping. NFKC of a single code point goes further than Decomposition_Type Wide or Narrow asks only where
 * the class refuses both forms (half-width jamo, FULLWIDTH MACRON).
 */
const mapWidth = (text: string): string => text.replace(FORMS_OF_WIDTH, (form) => form.normalize('NFKC'))

/** `toLowerCase` without the special case of a final sigma, which PRECIS does not know (RFC 8265 §3.6). */
const mapCase = (text: string): string => text.replaceAll('Σ', 'σ').toLowerCase()

const usernameOnce = (text: string): string => mapCase(mapWidth(text)).normalize('NFC')
const opaqueOnce = (text: string): string => text.replace(NON_ASCII_SPACE, ' ').normalize('NFC')

/** RFC 8264 §7: the rules are applied until the result is stable, at most four times. */
function settle(text: string, once: (text: string) => string): string | undefined {
  let before = text
  for (let round = 0; round < 5; round++) {
    const after = once(before)
    if (after === before) return after
    before = after
  }
  return undefined
}

/** The mappings of UsernameCaseMapped alone: nothing is checked. `undefined` if they never settle. */
export const mapUsername = (text: string): string | undefined =>
  ASCII.test(text) ? text.toLowerCase() : settle(text, usernameOnce)

/**
 * UsernameCaseMapped, RFC 8265 §3.3. The string class is checked after the mappings, as RFC 8264 §7 orders and RFC 7622
 * §4 encourages ("where possible, map characters and accept the mapped string").
 */
export function usernameCaseMapped(text: string): Result<string, PrecisError> {
  const mapped = mapUsername(text)
  if (mapped === undefined) return err('unstable')
  if (mapped === '') return err('empty')
  if (!isIdentifier(mapped)) return err('disallowed')
  if (!isWellPlaced(mapped)) return err('context')
  return isWellDirected(mapped) ? ok(mapped) : err('direction')
}

/** OpaqueString, RFC 8265 §4.2. Case, width and direction stay as they are. */
export function opaqueString(text: string): Result<string, PrecisError> {
  const mapped = settle(text, opaqueOnce)
  if (mapped === undefined) return err('unstable')
  if (mapped === '') return err('empty')
  if (!isFreeform(mapped)) return err('disallowed')
  return isWellPlaced(mapped) ? ok(mapped) : err('context')
}
