import { checkDeclaration } from './declaration.ts'
import { notWellFormed } from './fault.ts'

const NOT_SPACE = /[^ \t\r\n]/
const BYTE_ORDER_MARK = 0xfeff

/** What may stand before the root: a byte order mark, an XML declaration, white space (XML 1.0 §2.8). */
export class Prolog {
  /** Nothing came before but a byte order mark: an XML declaration may follow. */
  #first = true
  /** No character was read. */
  #start = true

  /** Text before the root. */
  text(chunk: string, from: number, end: number): void {
    if (from === end) return
    const marked = this.#first && this.#start && chunk.charCodeAt(from) === BYTE_ORDER_MARK
    const start = marked ? from + 1 : from
    this.#start = false
    if (start === end) return
    this.#first = false
    if (NOT_SPACE.test(chunk.slice(start, end))) throw notWellFormed()
  }

  /** Anything between `<?` and `>`, wherever it stands. */
  declaration(text: string): void {
    checkDeclaration(text, this.#first)
    this.#first = false
  }

  /** The root begins. */
  over(): void {
    this.#first = false
  }
}
