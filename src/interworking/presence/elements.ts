import type { Element } from '../../xmpp/xml/element.ts'
import { PIDF } from './pidf.ts'

/** The namespace of an element or of a prefix in force there. Unlike `getNS`, it knows that `xmlns=""` ends a namespace. */
export function namespaceOf(element: Element): string {
  const colon = element.name.indexOf(':')
  return namespaceAt(element, colon < 0 ? 'xmlns' : `xmlns:${element.name.slice(0, colon)}`)
}

function namespaceAt(element: Element, declaration: string): string {
  for (let at: Element | null = element; at !== null; at = at.parent) {
    const uri = at.attrs[declaration] as string | undefined
    if (uri !== undefined) return uri
  }
  return ''
}

export const localName = ({ name }: Element): string => name.slice(name.indexOf(':') + 1)

export function isNamed(element: Element, name: string, namespace: string): boolean {
  const written = element.name
  const prefix = written.length - name.length - 1
  const same = prefix < 0 ? written === name : written.endsWith(name) && written.indexOf(':') === prefix
  return same && namespaceOf(element) === namespace
}

export function* elementsOf(parent: Element): Generator<Element> {
  for (const child of parent.children) if (typeof child === 'object') yield child
}

export function named(parent: Element, name: string, namespace: string): readonly Element[] {
  const found: Element[] = []
  for (const child of parent.children)
    if (typeof child === 'object' && isNamed(child, name, namespace)) found.push(child)
  return found
}

export function first(parent: Element, name: string, namespace: string): Element | undefined {
  for (const child of parent.children)
    if (typeof child === 'object' && isNamed(child, name, namespace)) return child
  return undefined
}

/** The text of an element without elements in it; of others what stands between them. */
export function textOf(element: Element): string {
  let text = ''
  for (const child of element.children) if (typeof child === 'string') text += child
  return text
}

/**
 * RFC 3863 §4.2.3: one that knows no such element must take the element around it for unknown too. Written with the prefix of
 * PIDF, or, wrongly, without one.
 */
export function mustUnderstand(element: Element): boolean {
  for (const name of Object.keys(element.attrs)) {
    const colon = name.indexOf(':')
    if (name.slice(colon + 1) !== 'mustUnderstand') continue
    if (colon >= 0 && namespaceAt(element, `xmlns:${name.slice(0, colon)}`) !== PIDF) continue
    const value = String(element.attrs[name]).trim()
    if (value === 'true' || value === '1') return true
  }
  return false
}
