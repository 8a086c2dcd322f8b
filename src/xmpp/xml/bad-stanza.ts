import type { StanzaCondition } from '../stanza-error.ts'
import { Element } from './element.ts'
import type { StreamError } from './stream-error.ts'

/** A stanza that was read to its end and not kept, because of what is wrong with it alone; the stream goes on. */
export interface BadStanza {
  /** Its outermost element, empty: the name as written, and of the attributes `from`, `to`, `id`, `type` and `xmlns`. */
  readonly root: Element
  /** What to answer: `policy-violation` for a limit, else `bad-request`. */
  readonly condition: Extract<StanzaCondition, 'policy-violation' | 'bad-request'>
  /** Ours: says what was wrong, never what was received. */
  readonly text: string
}

const KEPT = ['from', 'to', 'id', 'type', 'xmlns'] as const
/** Characters; a JID has at most 3071 octets (RFC 7622 §3.1). What is longer counts as absent. */
export const LONGEST_KEPT = 4096

/** An empty element of what is kept of a bad stanza's attributes. */
export function bareRoot(name: string, attrs: Readonly<Record<string, unknown>>): Element {
  const root = new Element(name)
  for (const key of KEPT) {
    const value = attrs[key]
    if (typeof value === 'string' && value.length <= LONGEST_KEPT) root.attrs[key] = value
  }
  return root
}

export const isKept = (name: string): boolean => (KEPT as readonly string[]).includes(name)

export const badStanza = (root: Element, { condition, text }: StreamError): BadStanza => ({
  root,
  condition: condition === 'policy-violation' ? 'policy-violation' : 'bad-request',
  text,
})
