import { flat } from '../../kernel/flat.ts'
import type { HeaderField } from '../headers.ts'

const NONE: readonly HeaderField[] = []

/** Lists that are remembered; a full memory starts anew. */
const LISTS = 1_000

/**
 * One list for all responses that carry the same header fields, which nearly all do: a response over UDP is kept for
 * half a minute (Timer J), and hundreds of thousands of them are. What is not seen again is not kept longer.
 */
export class SharedFields {
  readonly #known = new Map<string, readonly HeaderField[]>()

  of(fields: readonly HeaderField[]): readonly HeaderField[] {
    if (fields.length === 0) return NONE
    let key = ''
    for (const [name, value] of fields) key += `${name}:${value}\n`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    // Values are cut out of the whole message, which must not be kept with them.
    const own = fields.map(([name, value]): HeaderField => [name, flat(value)])
    if (this.#known.size >= LISTS) this.#known.clear()
    this.#known.set(flat(key), own)
    return own
  }
}
