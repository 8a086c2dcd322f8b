import { SaxesParser, type SaxesTagNS } from 'saxes'
import { Element } from './element.ts'
import type { XmlLimits } from './limits.ts'
import type { StreamCondition, StreamError } from './stream-error.ts'
import { Utf8Decoder } from './utf8.ts'

export const STREAMS = 'http://etherx.jabber.org/streams'

/** The opening tag of the peer's stream (RFC 6120 §4.7). */
export interface StreamHeader {
  /** The default namespace: `jabber:component:accept`, `jabber:server`, … */
  readonly namespace: string | undefined
  readonly id: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly version: string | undefined
  readonly lang: string | undefined
  /** Prefixes declared on the header, such as `db`. */
  readonly namespaces: Readonly<Record<string, string>>
}

export interface ReaderEvents {
  header(header: StreamHeader): void
  /** A child of the stream, whole: a stanza, `<stream:error/>`, features, a handshake. */
  element(element: Element): void
  /** `</stream:stream>`; what follows is not read. */
  end(): void
  /** The stream cannot go on; nothing follows. */
  error(error: StreamError): void
}

class StreamFault extends Error {
  readonly error: StreamError
  constructor(condition: StreamCondition, text: string) {
    super(text)
    this.error = { condition, text }
  }
}

const UNDEFINED_ENTITY = /^undefined entity/
const UNBOUND = /^unbound namespace prefix|^xml(ns)? prefix|^tags may not have "xmlns"/

/** RFC 6120 §11.1: what XMPP leaves out of XML; §11.3: everything else that is not well-formed. */
const faultOf = (message: string): StreamFault =>
  UNDEFINED_ENTITY.test(message)
    ? new StreamFault('restricted-xml', 'only the predefined entities are allowed')
    : UNBOUND.test(message)
      ? new StreamFault('bad-namespace-prefix', 'a namespace prefix is not bound, or must not be')
      : new StreamFault('not-well-formed', 'not well-formed XML')

/**
 * Reads one direction of an XML stream (RFC 6120 §4, §11) from bytes that may be split anywhere. Strict: comments, processing
 * instructions, document types, entities, duplicate attributes, wrong bytes and characters, unbound prefixes end the stream.
 * `write` never throws for what a peer sent; an exception of an event handler passes through.
 */
export class StreamReader {
  readonly #events: ReaderEvents
  readonly #limits: XmlLimits
  readonly #decoder = new Utf8Decoder()
  readonly #parser: SaxesParser<{ xmlns: true; position: false }>
  /** 0: before the header; 1: between stanzas; more: within one. */
  #depth = 0
  #current: Element | undefined
  #lang: string | undefined
  #done = false
  /** Octets since the last stanza ended, before the chunk in hand. */
  #pending = 0
  #chunk = ''
  #ascii = true
  /** Where the stanza in hand begins within the chunk, and where the chunk begins in the stream; in characters. */
  #chunkMark = 0
  #chunkStart = 0

  constructor(events: ReaderEvents, limits: XmlLimits) {
    this.#events = events
    this.#limits = limits
    const parser = new SaxesParser<{ xmlns: true; position: false }>({ xmlns: true, position: false })
    this.#parser = parser
    const restricted = (what: string) => (): never => {
      throw new StreamFault('restricted-xml', `${what} are not allowed`)
    }
    parser.on('comment', restricted('comments'))
    parser.on('processinginstruction', restricted('processing instructions'))
    parser.on('doctype', restricted('document types'))
    parser.on('xmldecl', (declaration) => {
      if (declaration.encoding !== undefined && declaration.encoding.toUpperCase() !== 'UTF-8')
        throw new StreamFault('unsupported-encoding', 'only UTF-8 is spoken')
    })
    parser.on('opentag', (tag) => this.#open(tag))
    parser.on('closetag', () => this.#close())
    parser.on('text', (text) => this.#text(text))
    parser.on('cdata', (text) => this.#text(text))
    parser.on('error', (error) => {
      throw faultOf(error.message)
    })
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
    this.#chunkMark = 0
    this.#chunkStart = this.#parser.position
    this.#parser.write(text)
    this.#pending += this.#octets(this.#chunkMark, text.length)
    if (this.#pending > this.#limits.stanzaBytes) throw this.#tooLong()
  }

  #octets(from: number, to: number): number {
    return this.#ascii ? to - from : Buffer.byteLength(this.#chunk.slice(from, to))
  }

  #tooLong(): StreamFault {
    return new StreamFault('policy-violation', `a stanza has more than ${this.#limits.stanzaBytes} octets`)
  }

  #open(tag: SaxesTagNS): void {
    if (this.#done) return
    if (this.#depth === 0) {
      this.#header(tag)
      return
    }
    if (this.#depth > this.#limits.depth)
      throw new StreamFault('policy-violation', `elements lie more than ${this.#limits.depth} deep`)
    this.#depth++
    this.#current = this.#grow(tag)
  }

  #header(tag: SaxesTagNS): void {
    if (tag.uri !== STREAMS) throw new StreamFault('invalid-namespace', 'not an XML stream')
    if (tag.local !== 'stream') throw new StreamFault('bad-format', 'the first element must be a stream')
    this.#depth = 1
    const value = (name: string): string | undefined => tag.attributes[name]?.value
    this.#lang = value('xml:lang')
    this.#events.header({
      namespace: tag.ns[''],
      id: value('id'),
      from: value('from'),
      to: value('to'),
      version: value('version'),
      lang: this.#lang,
      namespaces: { ...tag.ns },
    })
    this.#settle()
  }

  /** A new element under the current one; as the first of a stanza it carries what it has from the stream. */
  #grow(tag: SaxesTagNS): Element {
    const element = new Element(tag.name)
    const { attrs } = element
    let count = 0
    for (const name in tag.attributes) {
      if (++count > this.#limits.attributes)
        throw new StreamFault('policy-violation', `more than ${this.#limits.attributes} attributes`)
      if (name === '__proto__') continue
      attrs[name] = tag.attributes[name]?.value
    }
    const parent = this.#current
    if (parent === undefined) {
      attrs.xmlns ??= this.#parser.resolve('') ?? ''
      if (this.#lang !== undefined) attrs['xml:lang'] ??= this.#lang
    } else {
      element.parent = parent
      parent.children.push(element)
    }
    if (tag.prefix !== '') this.#bind(element, tag.prefix)
    for (const name in tag.attributes) {
      const prefix = tag.attributes[name]?.prefix
      if (prefix !== undefined && prefix !== '' && prefix !== 'xmlns' && prefix !== 'xml')
        this.#bind(element, prefix)
    }
    return element
  }

  /** A prefix that only the stream header declares is declared again, so that the stanza stands on its own. */
  #bind(element: Element, prefix: string): void {
    if (prefix !== 'xml' && element.findNS(prefix) === undefined)
      element.attrs[`xmlns:${prefix}`] = this.#parser.resolve(prefix)
  }

  #close(): void {
    if (this.#done) return
    this.#depth--
    if (this.#depth === 0) {
      this.#done = true
      this.#events.end()
      return
    }
    const element = this.#current as Element
    if (this.#depth > 1) {
      this.#current = element.parent as Element
      return
    }
    this.#current = undefined
    this.#settle()
    this.#events.element(element)
  }

  /** The stanza, or the header, ends here: its octets are counted and forgotten. */
  #settle(): void {
    const here = this.#parser.position - this.#chunkStart
    if (this.#pending + this.#octets(this.#chunkMark, here) > this.#limits.stanzaBytes) throw this.#tooLong()
    this.#pending = 0
    this.#chunkMark = here
  }

  #text(text: string): void {
    if (this.#done) return
    const parent = this.#current
    if (parent === undefined) {
      if (this.#depth === 1 && !/^[ \t\r\n]*$/.test(text))
        throw new StreamFault('bad-format', 'text between stanzas')
      return
    }
    const { children } = parent
    const last = children.length - 1
    if (typeof children[last] === 'string') children[last] += text
    else children.push(text)
  }
}
