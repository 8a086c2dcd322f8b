import { flat } from '../../kernel/flat.ts'
import { isNameStart } from './characters.ts'

/** A name of Namespaces in XML 1.0 §4. */
export interface QName {
  /** As written. */
  readonly text: string
  /** Empty where there is none. */
  readonly prefix: string
  /** Empty where the name is no QName. */
  readonly local: string
}

/** @param text a Name of XML 1.0; where it is no QName (`:a`, `a:`, `a:b:c`, `a:1`) the local part is empty */
export function parseQName(text: string): QName {
  const colon = text.indexOf(':')
  if (colon < 0) return { text, prefix: '', local: text }
  const local = text.slice(colon + 1)
  const right = colon > 0 && !local.includes(':') && isNameStart(local.codePointAt(0) ?? 0)
  return right ? { text, prefix: text.slice(0, colon), local } : { text, prefix: '', local: '' }
}

const SLOTS = 256
const LONGEST = 64
/** The hash of a name, its first code unit being the first. */
export const hashed = (hash: number, unit: number): number => (Math.imul(hash, 31) + unit) | 0

/**
 * Names come again and again: a name seen before is found without cutting it out of the chunk. Whatever a peer sends,
 * there are at most 256 of at most 64 characters, and two that share a slot drive each other out.
 */
export class Names {
  readonly #slots: (QName | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)

  /** @param hash of `chunk` from `from` to `to` */
  find(chunk: string, from: number, to: number, hash: number): QName {
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1)
    const known = this.#slots[slot]
    if (known !== undefined && known.text.length === to - from && chunk.startsWith(known.text, from))
      return known
    const name = parseQName(flat(chunk.slice(from, to)))
    if (to - from <= LONGEST) this.#slots[slot] = name
    return name
  }
}
