import type { Element } from './element.ts'
import { StreamFault } from './fault.ts'
import type { XmlLimits } from './limits.ts'
import type { StreamError } from './stream-error.ts'
import { Tokenizer } from './tokenizer.ts'
import { type StreamHeader, Tree } from './tree.ts'
import { Utf8Decoder } from './utf8.ts'

export { STREAMS, type StreamHeader } from './tree.ts'

export interface ReaderEvents {
  header(header: StreamHeader): void
  /** A child of the stream, whole: a stanza, `<stream:error/>`, features, a handshake. */
  element(element: Element): void
  /** `</stream:stream>`; what follows is not read. */
  end(): void
  /** The stream cannot go on; nothing follows. */
  error(error: StreamError): void
}

/**
 * Reads one direction of an XML stream (RFC 6120 §4, §11) from bytes that may be split anywhere. Strict: comments, processing
 * instructions, document types, entities, duplicate attributes, wrong bytes and characters, unbound prefixes end the stream.
 * `write` never throws for what a peer sent; an exception of an event handler passes through.
 * A text or value of an element may keep the whole chunk alive: what outlives the stanza is copied (`kernel/flat`).
 */
export class StreamReader {
  readonly #events: ReaderEvents
  readonly #limits: XmlLimits
  readonly #decoder = new Utf8Decoder()
  readonly #tokenizer: Tokenizer
  #done = false
  /** Octets since the last stanza ended, before the chunk in hand. */
  #pending = 0
  #chunk = ''
  #ascii = true
  /** Where the stanza in hand begins within the chunk, in characters. */
  #mark = 0

  constructor(events: ReaderEvents, limits: XmlLimits) {
    this.#events = events
    this.#limits = limits
    const tree = new Tree(
      {
        header: (header) => {
          this.#events.header(header)
          this.#settle()
        },
        element: (element) => {
          this.#settle()
          this.#events.element(element)
        },
        end: () => {
          this.#done = true
          this.#events.end()
        },
      },
      limits,
    )
    this.#tokenizer = new Tokenizer(tree)
  }

  /** True once the stream has ended, well or not. */
  get done(): boolean {
    return this.#done
  }

  write(chunk: Buffer): void {
    if (this.#done) return
    try {
      this.#feed(chunk)
    } catch (error) {
      if (!(error instanceof StreamFault)) throw error
      if (this.#done) return
      this.#done = true
      this.#events.error(error.error)
    }
  }

  #feed(chunk: Buffer): void {
    let text: string
    try {
      text = this.#decoder.decode(chunk)
    } catch {
      throw new StreamFault('not-well-formed', 'not UTF-8')
    }
    this.#chunk = text
    this.#ascii = text.length === chunk.length
    this.#mark = 0
    this.#tokenizer.write(text)
    if (this.#done) return
    this.#pending += this.#octets(this.#mark, text.length)
    if (this.#pending > this.#limits.stanzaBytes) throw this.#tooLong()
  }

  #octets(from: number, to: number): number {
    return this.#ascii ? to - from : Buffer.byteLength(this.#chunk.slice(from, to))
  }

  #tooLong(): StreamFault {
    return new StreamFault('policy-violation', `a stanza has more than ${this.#limits.stanzaBytes} octets`)
  }

  /** The stanza, or the header, ends here: its octets are counted and forgotten. */
  #settle(): void {
    const here = this.#tokenizer.at
    const most = this.#pending + (here - this.#mark) * 3
    const { stanzaBytes } = this.#limits
    // Exact only where it matters: a UTF-16 unit is at most three octets.
    if (most > stanzaBytes && this.#pending + this.#octets(this.#mark, here) > stanzaBytes)
      throw this.#tooLong()
    this.#pending = 0
    this.#mark = here
  }
}
