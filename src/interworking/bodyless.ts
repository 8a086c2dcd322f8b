import type { Element } from '../xmpp/xml/element.ts'

/** Why a message without text carries nothing that a MESSAGE could hold. */
export type Bodyless = 'chat-state' | 'receipt' | 'marker' | 'empty'

const KINDS: { readonly [namespace: string]: Bodyless } = {
  'http://jabber.org/protocol/chatstates': 'chat-state',
  'jabber:x:event': 'chat-state',
  'urn:xmpp:receipts': 'receipt',
  'urn:xmpp:chat-markers:0': 'marker',
}

/** A receipt or marker outranks the chat state that may accompany it. Unknown children say nothing. */
export function bodylessKind(stanza: Element): Bodyless {
  let kind: Bodyless = 'empty'
  for (const child of stanza.children) {
    if (typeof child !== 'object') continue
    const found = KINDS[child.getNS() ?? '']
    if (found === 'receipt' || found === 'marker') return found
    if (found !== undefined) kind = found
  }
  return kind
}

const EME = 'urn:xmpp:eme:0'
const OMEMO = 'eu.siacs.conversations.axolotl'

/** Text is there, but only the XMPP side can read it (XEP-0380, XEP-0384). */
export const isEncrypted = (stanza: Element): boolean =>
  stanza.getChild('encryption', EME) !== undefined || stanza.getChild('encrypted', OMEMO) !== undefined
