import { SaxesParser, type SaxesTagNS } from 'saxes'
import { Element } from '../../src/xmpp/xml/element.ts'
import { StreamFault } from '../../src/xmpp/xml/fault.ts'
import { type ReaderEvents, STREAMS } from '../../src/xmpp/xml/reader.ts'
import { Utf8Decoder } from '../../src/xmpp/xml/utf8.ts'

const OPTIONS = { xmlns: true, position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' } as const
const UNDEFINED_ENTITY = /^undefined entity/
const UNBOUND = /^unbound namespace prefix|^xml(ns)? prefix|^tags may not have "xmlns"/

const faultOf = (message: string): StreamFault =>
  UNDEFINED_ENTITY.test(message)
    ? new StreamFault('restricted-xml', message)
    : UNBOUND.test(message)
      ? new StreamFault('bad-namespace-prefix', message)
      : new StreamFault('not-well-formed', message)

/**
 * The oracle: a stream read by saxes, an independent parser; without limits. Two traits of saxes are set right: it tells
 * that an element ends before it compares the names, so that an end waits here for what comes next; and it would take
 * `version='1.1'` for leave to use the characters of XML 1.1.
 */
export class SaxesReader {
  readonly #events: ReaderEvents
  readonly #decoder = new Utf8Decoder()
  readonly #parser: SaxesParser<typeof OPTIONS>
  #depth = 0
  #current: Element | undefined
  #lang: string | undefined
  #done = false
  #ended: (() => void) | undefined

  constructor(events: ReaderEvents) {
    this.#events = events
    const parser = new SaxesParser(OPTIONS)
    this.#parser = parser
    const restricted = (what: string) => (): never => {
      this.#confirm()
      throw new StreamFault('restricted-xml', what)
    }
    parser.on('comment', restricted('comment'))
    parser.on('processinginstruction', restricted('processing instruction'))
    parser.on('doctype', restricted('document type'))
    parser.on('xmldecl', (declaration) => {
      if (declaration.encoding !== undefined && declaration.encoding.toUpperCase() !== 'UTF-8')
        throw new StreamFault('unsupported-encoding', declaration.encoding)
    })
    parser.on('opentag', (tag) => this.#open(tag))
    parser.on('closetag', () => this.#close())
    parser.on('text', (text) => this.#text(text))
    parser.on('cdata', (text) => {
      if (text !== '') this.#text(text)
    })
    parser.on('error', (error) => {
      if (error.message !== 'unexpected close tag.') this.#confirm()
      throw faultOf(error.message)
    })
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
    this.#parser.write(text)
    this.#confirm()
  }

  #confirm(): void {
    const ended = this.#ended
    this.#ended = undefined
    ended?.()
  }

  #open(tag: SaxesTagNS): void {
    this.#confirm()
    if (this.#done) return
    this.#depth++
    if (this.#depth === 1) this.#header(tag)
    else this.#current = this.#grow(tag)
  }

  #header(tag: SaxesTagNS): void {
    if (tag.uri !== STREAMS) throw new StreamFault('invalid-namespace', tag.uri)
    if (tag.local !== 'stream') throw new StreamFault('bad-format', tag.local)
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
  }

  #grow(tag: SaxesTagNS): Element {
    const element = new Element(tag.name)
    const { attrs } = element
    for (const name in tag.attributes) {
      if (name !== '__proto__') attrs[name] = tag.attributes[name]?.value
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
      if (prefix !== undefined && prefix !== '' && prefix !== 'xmlns') this.#bind(element, prefix)
    }
    return element
  }

  #bind(element: Element, prefix: string): void {
    if (prefix !== 'xml' && element.findNS(prefix) === undefined)
      element.attrs[`xmlns:${prefix}`] = this.#parser.resolve(prefix)
  }

  #close(): void {
    this.#confirm()
    if (this.#done) return
    this.#depth--
    const element = this.#current
    if (this.#depth > 1) {
      this.#current = (element as Element).parent as Element
      return
    }
    this.#current = undefined
    this.#ended = () => {
      if (element !== undefined) this.#events.element(element)
      else {
        this.#done = true
        this.#events.end()
      }
    }
  }

  #text(text: string): void {
    this.#confirm()
    if (this.#done) return
    const parent = this.#current
    if (parent === undefined) {
      if (this.#depth === 1 && !/^[ \t\r\n]*$/.test(text)) throw new StreamFault('bad-format', 'text')
      return
    }
    const { children } = parent
    const last = children.length - 1
    if (typeof children[last] === 'string') children[last] += text
    else children.push(text)
  }
}
