import { isNameChar } from './characters.ts'
import { hashed, Names, parseQName, type QName } from './names.ts'
import { Pieces } from './pieces.ts'

/** A name, reference or declaration that may be split between chunks; in one chunk nothing is copied. */
export class Word {
  readonly #names = new Names()
  readonly #part = new Pieces()
  #partial = false
  #hash = 0

  /** Part of it lay in chunks before. */
  get begun(): boolean {
    return this.#partial
  }

  /** Where the name that begins or goes on here ends. The chunk's length: it may go on. */
  end(chunk: string, from: number): number {
    const length = chunk.length
    let hash = this.#hash
    let at = from
    while (at < length) {
      let code = chunk.charCodeAt(at)
      if (code >= 0xd800 && code < 0xdc00) code = chunk.codePointAt(at) as number
      if (!isNameChar(code)) break
      hash = hashed(hash, code)
      at += code > 0xffff ? 2 : 1
    }
    this.#hash = hash
    return at
  }

  /** The name, whose last part lies from `from` to its `end`. */
  name(chunk: string, from: number, end: number): QName {
    const hash = this.#hash
    this.#hash = 0
    return this.#partial ? parseQName(this.whole(chunk, from, end)) : this.#names.find(chunk, from, end, hash)
  }

  /** This is not all. */
  keep(chunk: string, from: number, end: number): void {
    this.#part.add(chunk.slice(from, end))
    this.#partial = true
  }

  /** The text, with what was kept before. */
  whole(chunk: string, from: number, end: number): string {
    this.#hash = 0
    const last = chunk.slice(from, end)
    if (!this.#partial) return last
    this.#part.add(last)
    this.#partial = false
    return this.#part.take()
  }
}
