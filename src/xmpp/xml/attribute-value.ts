import { notWellFormed } from './fault.ts'
import { Pieces } from './pieces.ts'

const TAB = 9
const LF = 10
const CR = 13
const AMPERSAND = 0x26
const LESS = 0x3c

/** A value between its quotes, white space normalised (XML 1.0 §3.3.3), in chunks split anywhere. */
export class AttributeValue {
  readonly #pieces = new Pieces()
  #quote = 0

  begin(quote: number): void {
    this.#quote = quote
  }

  /** Takes all up to the quote or a reference, and says where that is; the chunk's length: it goes on. */
  read(chunk: string, from: number): number {
    const quote = this.#quote
    let at = from
    let spaces = false
    for (; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at)
      if (code > LESS) continue
      if (code === quote || code === AMPERSAND) break
      if (code === LESS) throw notWellFormed()
      if (code === LF || code === CR || code === TAB) spaces = true
    }
    if (at > from) {
      const value = chunk.slice(from, at)
      this.#pieces.add(spaces ? value.replace(/\r\n|[\r\n\t]/g, ' ') : value)
    }
    return at
  }

  /** What a reference stood for. */
  add(text: string): void {
    this.#pieces.add(text)
  }

  take(): string {
    return this.#pieces.take()
  }

  /** Forgets what is longer than so many characters; what remains is still longer. */
  cut(most: number): void {
    if (this.#pieces.length <= 2 * most) return
    this.#pieces.add(this.#pieces.take().slice(0, most + 1))
  }
}
