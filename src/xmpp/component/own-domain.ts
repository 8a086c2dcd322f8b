import { type Domain, parseDomain, unicodeOf } from '../../kernel/domain.ts'
import { Element } from '../xml/element.ts'

/** The domain of a component, and what is an address within it. */
export class OwnDomain {
  /** As addresses carry it: with U-labels (RFC 7622 §3.2). */
  readonly text: string
  readonly #written: string
  readonly #prepared: Domain | undefined

  /** @param written as the XMPP server has it in its configuration */
  constructor(written: string) {
    const domain = parseDomain(written)
    this.#written = written
    this.#prepared = domain.ok ? domain.value : undefined
    this.text = domain.ok ? unicodeOf(domain.value) : written
  }

  /** The same stanza, its sender spelled as servers compare it: letter for letter. Undefined: the sender is not of this domain. */
  sent(stanza: Element, from: string): Element | undefined {
    const [start, end] = domainPart(from)
    const text = from.slice(start, end)
    if (text === this.text || text === this.#written) return stanza
    const domain = parseDomain(text)
    if (!domain.ok || domain.value !== this.#prepared) return undefined
    const respelled = `${from.slice(0, start)}${this.text}${from.slice(end)}`
    const copy = new Element(stanza.name, { ...stanza.attrs, from: respelled })
    copy.children = stanza.children
    return copy
  }
}

/** Where the domain of an address begins and ends; the resource is split off first (RFC 7622 §3.2). */
function domainPart(address: string): readonly [number, number] {
  const slash = address.indexOf('/')
  const end = slash < 0 ? address.length : slash
  return [address.lastIndexOf('@', end) + 1, end]
}
