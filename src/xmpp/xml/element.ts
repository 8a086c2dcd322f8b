import xmlOf, { Element, type Node } from '@xmpp/xml'

/**
 * The element tree of the XMPP world in Node, and the one place that takes it in. `xml('a', { b: 'c' }, child)` builds.
 * Children are elements or strings; namespaces are `xmlns` attributes.
 */
export { Element, type Node }

export const xml = xmlOf as (
  name: string,
  attrs?: Readonly<Record<string, string | undefined>>,
  ...children: readonly (Node | undefined)[]
) => Element
