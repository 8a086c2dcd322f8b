import type { Element } from './xml/element.ts'

export type StanzaName = 'message' | 'presence' | 'iq'

export const isStanzaName = (name: string): name is StanzaName =>
  name === 'message' || name === 'presence' || name === 'iq'

/**
 * The first child with that name in that namespace. On a stanza the namespace of the stream's own children is the
 * stanza's (`jabber:client`, `jabber:server`, `jabber:component:accept`), by the kind of link: leave it out for those.
 */
export function childOf(parent: Element, name: string, namespace?: string): Element | undefined {
  const wanted = namespace ?? parent.getNS()
  for (const child of parent.children) {
    if (typeof child !== 'string' && child.getName() === name && child.getNS() === wanted) return child
  }
  return undefined
}

/** The language in force on an element: its own `xml:lang` or that of the nearest element above (RFC 6120 §8.1.5). */
export function effectiveLang(element: Element): string | undefined {
  for (let at: Element | null = element; at !== null; at = at.parent) {
    const lang = at.attrs['xml:lang'] as string | undefined
    if (lang !== undefined) return lang === '' ? undefined : lang
  }
  return undefined
}
