import { type BadStanza, badStanza, bareRoot, LONGEST_KEPT } from './bad-stanza.ts'
import type { Element } from './element.ts'
import { StreamFault } from './fault.ts'
import type { XmlLimits } from './limits.ts'
import type { StreamError } from './stream-error.ts'
import { Tokenizer } from './tokenizer.ts'
import { type StreamHeader, Tree } from './tree.ts'
import { Utf8Decoder } from './utf8.ts'

export type { BadStanza } from './bad-stanza.ts'
export { STREAMS, type StreamHeader } from './tree.ts'

export interface ReaderEvents {
  header(header: StreamHeader): void
  /** A child of the stream, whole: a stanza, `<stream:error/>`, features, a handshake. */
  element(element: Element): void
  /**
   * A stanza that is wrong in itself: longer, deeper or with more attributes than the limits allow, or against the rules for
   * namespaces. Where this is given the stream goes on behind it; where not, such a stanza ends the stream.
   */
  badStanza?(stanza: BadStanza): void
  /** `</stream:stream>`; what follows is not read. */
  end(): void
  /** The stream cannot go on; nothing follows. */
  error(error: StreamError): void
}

/** So many times the limit a stanza may be long and only be refused; beyond, it ends the stream. */
const CEILING = 16

/**
 * Reads one direction of an XML stream (RFC 6120 §4, §11) from bytes that may be split anywhere. Strict: comments, processing
 * instructions, document types, entities, duplicate attributes, wrong bytes and characters, unbound prefixes end the stream.
 * Where bad stanzas are told, one is read to its end without being kept but for the names of its open elements.
 * `write` never throws for what a peer sent; an exception of an event handler passes through.
 * A text or value of an element may keep the whole chunk alive: what outlives the stanza is copied (`kernel/flat`).
 */
export class StreamReader {
  readonly #events: ReaderEvents
  readonly #limits: XmlLimits
  readonly #decoder = new Utf8Decoder()
  readonly #tree: Tree
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
    this.#tree = new Tree(
      {
        header: (header) => {
          this.#events.header(header)
          const fault = this.#settle()
          if (fault !== undefined) throw fault
        },
        stanza: (root, fault) => {
          if (!this.#done) this.#stanza(root, this.#settle() ?? fault)
        },
        end: () => {
          if (this.#done) return
          this.#done = true
          this.#events.end()
        },
      },
      limits,
      events.badStanza !== undefined,
    )
    this.#tokenizer = new Tokenizer(this.#tree)
  }

  /** True once the stream has ended, well or not. */
  get done(): boolean {
    return this.#done
  }

  /**
   * Nothing more is read, be it in the chunk in hand: called by the handler of the last element that counts.
   * @returns whether anything but white space came behind that element in the same chunk
   */
  stop(): boolean {
    const rest = !this.#done && /[^ \t\r\n]/.test(this.#chunk.slice(this.#tokenizer.at))
    this.#done = true
    return rest
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
    const { idle } = this.#decoder
    let text: string
    try {
      text = this.#decoder.decode(chunk)
    } catch {
      throw new StreamFault('not-well-formed', 'not UTF-8')
    }
    this.#chunk = text
    this.#ascii = idle && text.length === chunk.length
    this.#mark = 0
    this.#tokenizer.write(text)
    if (this.#done) return
    this.#pending += this.#octets(this.#mark, text.length)
    if (this.#pending > this.#limits.stanzaBytes) {
      if (!this.#tree.refused || this.#isBeyond(this.#pending))
        this.#tree.refuse(this.#tooLong(this.#pending))
      this.#tokenizer.drop(LONGEST_KEPT)
    }
  }

  #stanza(root: Element, fault: StreamFault | undefined): void {
    if (fault === undefined) this.#events.element(root)
    else if (this.#events.badStanza === undefined) throw fault
    else this.#events.badStanza(badStanza(bareRoot(root.name, root.attrs), fault.error))
  }

  #octets(from: number, to: number): number {
    return this.#ascii ? to - from : Buffer.byteLength(this.#chunk.slice(from, to))
  }

  /** Too long even to be skipped. */
  #isBeyond(octets: number): boolean {
    return octets > this.#limits.stanzaBytes * CEILING
  }

  /** @throws where it is so long that the stream has to end */
  #tooLong(octets: number): StreamFault {
    const { stanzaBytes } = this.#limits
    const fault = new StreamFault('policy-violation', `a stanza has more than ${stanzaBytes} octets`)
    if (this.#isBeyond(octets)) throw fault
    return fault
  }

  /** The stanza, or the header, ends here: its octets are counted and forgotten. */
  #settle(): StreamFault | undefined {
    const here = this.#tokenizer.at
    const most = this.#pending + (here - this.#mark) * 3
    const { stanzaBytes } = this.#limits
    let fault: StreamFault | undefined
    // Exact only where it matters: a UTF-16 unit is at most three octets.
    if (most > stanzaBytes) {
      const octets = this.#pending + this.#octets(this.#mark, here)
      if (octets > stanzaBytes) fault = this.#tooLong(octets)
    }
    this.#pending = 0
    this.#mark = here
    return fault
  }
}
