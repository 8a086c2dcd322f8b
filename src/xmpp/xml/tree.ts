import { bareRoot, isKept } from './bad-stanza.ts'
import { Element } from './element.ts'
import { notWellFormed, StreamFault } from './fault.ts'
import type { XmlLimits } from './limits.ts'
import type { QName } from './names.ts'
import { badPrefix, Namespaces } from './namespaces.ts'
import type { TokenSink } from './token-sink.ts'

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
  /** A child of the stream, whole; with a fault only what `bareRoot` keeps of it. */
  stanza(root: Element, fault: StreamFault | undefined): void
  end(): void
}

/** Octets that an element takes at least, as `<a></a>`. */
const SHORTEST = 7

const NOT_SPACE = /[^ \t\r\n]/

/**
 * Makes the stream's header and its children, whole, from markup. Each stanza carries what it has from the stream.
 * A fault of one stanza alone is thrown, or, if `lenient`, told with its end: what follows the fault is not kept, and looked at
 * only for what ends the stream. Which fault is told does not depend on how the stream was split.
 */
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
  readonly #lenient: boolean
  /** What is wrong with the stanza in hand, and its outermost element, or the attributes kept of it until that opens. */
  #fault: StreamFault | undefined
  #bare: Element | undefined
  #kept = new Map<string, string>()

  constructor(events: TreeEvents, limits: XmlLimits, lenient: boolean) {
    this.#events = events
    this.#limits = limits
    this.#lenient = lenient
  }

  /** The stanza in hand is bad. */
  get refused(): boolean {
    return this.#fault !== undefined
  }

  /** A fault of the stanza in hand, or of the one to come. @throws the fault, if it ends the stream */
  refuse(fault: StreamFault): void {
    if (!this.#lenient || this.#depth === 0) throw fault
    if (this.#fault !== undefined) return
    this.#fault = fault
    let root = this.#current
    while (root?.parent) root = root.parent as Element
    if (root !== undefined) this.#bare = bareRoot(root.name, root.attrs)
    else
      this.#names.forEach(({ text }, i) => {
        this.#keep(text, this.#values[i] as string)
      })
    this.#current = undefined
    this.#values.length = 0
    this.#namespaces.closeTo(1)
  }

  /** An attribute of the outermost element of a bad stanza. */
  #keep(name: string, value: string): void {
    if (this.#depth === 1 && isKept(name) && !this.#kept.has(name)) this.#kept.set(name, value)
  }

  attribute(name: QName, value: string): void {
    const { attributes } = this.#limits
    if (this.#depth > 0 && this.#names.length >= attributes) {
      if (this.#fault === undefined)
        this.refuse(new StreamFault('policy-violation', `more than ${attributes} attributes`))
      this.#keep(name.text, value)
      return
    }
    this.#names.push(name)
    if (this.#fault === undefined) {
      this.#values.push(value)
      if (name.local === '') this.refuse(notWellFormed())
      else if (name.prefix === 'xmlns') this.#declare(name.local, value)
      else if (name.prefix !== '') this.#prefixed = true
      else if (name.text === 'xmlns') this.#declare('', value)
    } else this.#keep(name.text, value)
  }

  #declare(prefix: string, uri: string): void {
    const fault = this.#namespaces.declare(prefix, uri)
    if (fault !== undefined) this.refuse(fault)
  }

  open(name: QName): void {
    if (this.#fault === undefined) this.#check(name)
    if (this.#fault !== undefined) {
      this.#pass(name)
      return
    }
    this.#namespaces.open()
    if (this.#depth === 0) {
      this.#header(name)
      return
    }
    this.#depth++
    this.#current = this.#grow(name)
    this.#forget()
  }

  /** An element of a bad stanza opens: well-formed it must be (XML 1.0 §3.1). */
  #pass(name: QName): void {
    if (this.#names.length > 1 && new Set(this.#names.map(({ text }) => text)).size < this.#names.length)
      throw notWellFormed()
    if (this.#bare === undefined) {
      this.#bare = bareRoot(name.text, {
        xmlns: this.#namespaces.resolve('') ?? '',
        ...Object.fromEntries(this.#kept),
      })
      this.#kept.clear()
    }
    // The names of open elements are kept. No stanza that has the octets it may have lies deeper.
    if (this.#depth > this.#limits.stanzaBytes / SHORTEST)
      throw new StreamFault('policy-violation', 'elements lie far too deep')
    this.#depth++
    this.#forget()
  }

  close(): void {
    if (this.#fault === undefined) this.#namespaces.close()
    this.#depth--
    if (this.#depth === 0) {
      this.#events.end()
      return
    }
    if (this.#depth > 1) {
      if (this.#fault === undefined) this.#current = (this.#current as Element).parent as Element
      return
    }
    const fault = this.#fault
    const root = (this.#bare ?? this.#current) as Element
    this.#fault = this.#bare = this.#current = undefined
    this.#events.stanza(root, fault)
  }

  text(text: string): void {
    if (this.#current !== undefined) this.#current.children.push(text)
    else if (this.#depth < 2 && NOT_SPACE.test(text))
      throw new StreamFault('bad-format', 'text between stanzas')
  }

  /** How deep it lies; Namespaces in XML 1.0 §5 and §6.3: prefixes are bound, and no attribute comes twice under whatever name. */
  #check({ prefix, local }: QName): void {
    const fault = local === '' ? notWellFormed() : this.#isUnbound(prefix) ? badPrefix() : this.#twice()
    if (fault !== undefined) this.refuse(fault)
    else if (this.#depth > this.#limits.depth)
      this.refuse(new StreamFault('policy-violation', `elements lie more than ${this.#limits.depth} deep`))
  }

  #isUnbound(prefix: string): boolean {
    return prefix !== '' && (prefix === 'xmlns' || this.#namespaces.resolve(prefix) === undefined)
  }

  #twice(): StreamFault | undefined {
    if (this.#names.length < 2 && !this.#prefixed) return undefined
    const seen = new Set<string>()
    for (const name of this.#names) {
      const expanded = this.#expanded(name)
      if (expanded === undefined) return badPrefix()
      if (seen.size === seen.add(expanded).size) return notWellFormed()
    }
    return undefined
  }

  /** The same for two names if and only if they are one: a plain name holds no brace. Undefined: its prefix is not bound. */
  #expanded(name: QName): string | undefined {
    if (name.prefix === '' || name.prefix === 'xmlns') return name.text
    const uri = this.#namespaces.resolve(name.prefix)
    return uri === undefined ? undefined : `{${uri}}${name.local}`
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
