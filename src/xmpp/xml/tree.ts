import { Element } from './element.ts'
import { notWellFormed, StreamFault } from './fault.ts'
import type { XmlLimits } from './limits.ts'
import type { QName } from './names.ts'
import { badPrefix, Namespaces } from './namespaces.ts'
import type { TokenSink } from './tokenizer.ts'

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

export interface TreeEvents {
  header(header: StreamHeader): void
  element(element: Element): void
  end(): void
}

const NOT_SPACE = /[^ \t\r\n]/

/** Makes the stream's header and its children, whole, from markup. Each stanza carries what it has from the stream. */
export class Tree implements TokenSink {
  readonly #events: TreeEvents
  readonly #limits: XmlLimits
  readonly #namespaces = new Namespaces()
  /** The attributes of the element that is about to open. */
  readonly #names: QName[] = []
  readonly #values: string[] = []
  #prefixed = false
  /** 0: before the header; 1: between stanzas; more: within one. */
  #depth = 0
  #current: Element | undefined
  #lang: string | undefined

  constructor(events: TreeEvents, limits: XmlLimits) {
    this.#events = events
    this.#limits = limits
  }

  attribute(name: QName, value: string): void {
    if (this.#depth > 0 && this.#names.length >= this.#limits.attributes)
      throw new StreamFault('policy-violation', `more than ${this.#limits.attributes} attributes`)
    this.#names.push(name)
    this.#values.push(value)
    if (name.prefix === 'xmlns') this.#namespaces.declare(name.local, value)
    else if (name.prefix !== '') this.#prefixed = true
    else if (name.text === 'xmlns') this.#namespaces.declare('', value)
  }

  open(name: QName): void {
    this.#check(name)
    this.#namespaces.open()
    if (this.#depth === 0) {
      this.#header(name)
      return
    }
    if (this.#depth > this.#limits.depth)
      throw new StreamFault('policy-violation', `elements lie more than ${this.#limits.depth} deep`)
    this.#depth++
    this.#current = this.#grow(name)
    this.#forget()
  }

  close(): void {
    this.#namespaces.close()
    this.#depth--
    if (this.#depth === 0) {
      this.#events.end()
      return
    }
    const element = this.#current as Element
    if (this.#depth > 1) {
      this.#current = element.parent as Element
      return
    }
    this.#current = undefined
    this.#events.element(element)
  }

  text(text: string): void {
    if (this.#current !== undefined) this.#current.children.push(text)
    else if (NOT_SPACE.test(text)) throw new StreamFault('bad-format', 'text between stanzas')
  }

  /** Namespaces in XML 1.0 §5 and §6.3: prefixes are bound, and no attribute comes twice under whatever name. */
  #check({ prefix }: QName): void {
    if (prefix !== '' && (prefix === 'xmlns' || this.#namespaces.resolve(prefix) === undefined))
      throw badPrefix()
    if (this.#names.length < 2 && !this.#prefixed) return
    const seen = new Set<string>()
    for (const name of this.#names) {
      if (seen.size === seen.add(this.#expanded(name)).size) throw notWellFormed()
    }
  }

  /** The same for two names if and only if they are one: a plain name holds no brace. */
  #expanded(name: QName): string {
    if (name.prefix === '' || name.prefix === 'xmlns') return name.text
    const uri = this.#namespaces.resolve(name.prefix)
    if (uri === undefined) throw badPrefix()
    return `{${uri}}${name.local}`
  }

  #forget(): void {
    this.#names.length = 0
    this.#values.length = 0
    this.#prefixed = false
  }

  #header(name: QName): void {
    if (this.#namespaces.resolve(name.prefix) !== STREAMS)
      throw new StreamFault('invalid-namespace', 'not an XML stream')
    if (name.local !== 'stream') throw new StreamFault('bad-format', 'the first element must be a stream')
    this.#depth = 1
    const values = new Map(this.#names.map((each, i) => [each.text, this.#values[i] as string]))
    const declared = this.#names.flatMap((each, i) =>
      each.prefix === 'xmlns' || each.text === 'xmlns'
        ? [[each.prefix === '' ? '' : each.local, this.#values[i] as string] as const]
        : [],
    )
    this.#forget()
    this.#lang = values.get('xml:lang')
    this.#events.header({
      namespace: values.get('xmlns'),
      id: values.get('id'),
      from: values.get('from'),
      to: values.get('to'),
      version: values.get('version'),
      lang: this.#lang,
      namespaces: Object.fromEntries(declared),
    })
  }

  /** A new element under the current one; as the first of a stanza it carries what it has from the stream. */
  #grow(name: QName): Element {
    const element = new Element(name.text)
    const { attrs } = element
    const names = this.#names
    for (let i = 0; i < names.length; i++) {
      const { text } = names[i] as QName
      if (text !== '__proto__') attrs[text] = this.#values[i]
    }
    const parent = this.#current
    if (parent === undefined) {
      attrs.xmlns ??= this.#namespaces.resolve('') ?? ''
      if (this.#lang !== undefined) attrs['xml:lang'] ??= this.#lang
    } else {
      element.parent = parent
      parent.children.push(element)
    }
    this.#bind(element, name.prefix)
    if (this.#prefixed) for (const { prefix } of names) this.#bind(element, prefix)
    return element
  }

  /** A prefix that only the stream header declares is declared again, so that the stanza stands on its own. */
  #bind(element: Element, prefix: string): void {
    if (prefix === '' || prefix === 'xml' || prefix === 'xmlns') return
    if (element.findNS(prefix) === undefined)
      element.attrs[`xmlns:${prefix}`] = this.#namespaces.resolve(prefix)
  }
}
