import { lineFeeds } from './characters.ts'
import { notWellFormed } from './fault.ts'
import { Pieces } from './pieces.ts'

const GREATER = 0x3e
const BRACKET = 0x5d

/** Text and CDATA sections between two tags (XML 1.0 §2.4, §2.7, §2.11), found in bulk in chunks split anywhere. */
export class CharacterData {
  readonly #text = new Pieces()
  #chunk = ''
  /** Brackets at the end of what came before, up to two: the start of a `]]>`. */
  #brackets = 0
  /** Where the next of these is in the chunk, or its length; right while not passed. */
  #nextLess = -1
  #nextAmpersand = -1
  #nextReturn = -1
  #nextSection = -1

  begin(chunk: string): void {
    this.#chunk = chunk
    this.#nextLess = this.#nextAmpersand = this.#nextReturn = this.#nextSection = -1
  }

  /** Where text that goes on at `from` stops: at `<`, at `&`, or with the chunk. */
  end(from: number): number {
    const chunk = this.#chunk
    if (this.#nextLess < from) this.#nextLess = next(chunk, '<', from)
    if (this.#nextAmpersand < from) this.#nextAmpersand = next(chunk, '&', from)
    return Math.min(this.#nextLess, this.#nextAmpersand)
  }

  /** Takes text up to its `end`. */
  read(from: number, end: number): void {
    const chunk = this.#chunk
    if (this.#nextSection < from) this.#nextSection = next(chunk, ']]>', from)
    if (this.#nextSection < end) throw notWellFormed()
    if (this.#brackets > 0 || end === chunk.length) this.#countBrackets(from, end)
    if (end < chunk.length) this.#brackets = 0
    if (end === from) return
    if (this.#nextReturn < from) this.#nextReturn = next(chunk, '\r', from)
    const text = chunk.slice(from, end)
    this.#text.add(this.#nextReturn < end ? lineFeeds(text) : text)
  }

  /** A `]]>` may be split between chunks. */
  #countBrackets(from: number, end: number): void {
    const chunk = this.#chunk
    let ahead = from
    while (ahead < end && chunk.charCodeAt(ahead) === BRACKET) ahead++
    if (ahead < end && chunk.charCodeAt(ahead) === GREATER && this.#brackets + ahead - from >= 2)
      throw notWellFormed()
    this.#brackets = ahead === end ? Math.min(2, this.#brackets + end - from) : trailing(chunk, from, end)
  }

  /** Reads on in a CDATA section. Where it has ended; undefined: not within this chunk. */
  section(start: number): number | undefined {
    const chunk = this.#chunk
    let from = start
    while (this.#brackets > 0 && from < chunk.length) {
      const code = chunk.charCodeAt(from)
      if (code === GREATER && this.#brackets === 2) {
        this.#brackets = 0
        return from + 1
      }
      if (code === BRACKET) {
        from++
        if (this.#brackets === 2) this.#text.add(']')
        else this.#brackets = 2
      } else {
        this.#text.add(']'.repeat(this.#brackets))
        this.#brackets = 0
      }
    }
    if (from === chunk.length) return undefined
    const found = chunk.indexOf(']]>', from)
    if (found < 0) this.#brackets = trailing(chunk, from, chunk.length)
    const end = found < 0 ? chunk.length - this.#brackets : found
    if (end > from) this.#text.add(lineFeeds(chunk.slice(from, end)))
    return found < 0 ? undefined : found + 3
  }

  /** What a reference stood for. */
  add(text: string): void {
    this.#text.add(text)
  }

  /** All since the last tag, which is forgotten. */
  take(): string {
    return this.#text.take()
  }
}

/** Where it is from there on, or the length of the text. */
function next(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from)
  return found < 0 ? text.length : found
}

/** Brackets at the end, up to two. */
function trailing(text: string, from: number, end: number): number {
  if (end === from || text.charCodeAt(end - 1) !== BRACKET) return 0
  return end - 1 > from && text.charCodeAt(end - 2) === BRACKET ? 2 : 1
}
