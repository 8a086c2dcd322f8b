import { Element } from '../../xmpp/xml/element.ts'
import { formatStamp } from '../stamp.ts'
import { AVATAR } from './avatar.ts'
import { activityElement, IDLE, langElement, moodElement, NICK, textElement } from './payloads.ts'
import { isShow } from './show.ts'
import type { ContactState, ResourceState } from './state.ts'
import { sameState, UNAVAILABLE } from './state.ts'

export interface Parties {
  /** The bare address of the contact. */
  readonly from: string
  readonly to: string
}

/**
 * What the watcher must be told to see `after` where it saw `before`: a stanza for each resource that changed, then
 * `unavailable` for each that vanished (RFC 3922 §6.3.1; a document is the whole state, RFC 3856 §6.8). First those that come:
 * a device that only changed its identifier does not look gone.
 */
export function presenceStanzas(before: ContactState, after: ContactState, parties: Parties): Element[] {
  const stanzas: Element[] = []
  const gone: Element[] = []
  for (const [resource, state] of after) {
    const old = before.get(resource)
    if (old !== undefined && sameState(old, state)) continue
    ;(state.available ? stanzas : gone).push(presenceStanza(resource, state, parties))
  }
  for (const [resource, old] of before) {
    if (old.available && !after.has(resource)) gone.push(presenceStanza(resource, UNAVAILABLE, parties))
  }
  return [...stanzas, ...gone]
}

/** RFC 8048 table 2. A value of `show` that XMPP does not have is left out, and so is the name: XEP-0172 §4.1 forbids it here. */
export function presenceStanza(resource: string, state: ResourceState, { from, to }: Parties): Element {
  const stanza = new Element('presence', { from: resource === '' ? from : `${from}/${resource}`, to })
  const { available, show, texts, lang, priority, idleSince, activity, mood, avatar } = state
  if (!available) stanza.attrs.type = 'unavailable'
  if (lang !== undefined) stanza.attrs['xml:lang'] = lang
  if (available && show !== undefined && isShow(show)) stanza.cnode(textElement('show', show))
  for (const text of texts) stanza.cnode(langElement('status', text, lang))
  if (!available) return stanza
  if (priority !== undefined) stanza.cnode(textElement('priority', String(priority)))
  if (idleSince !== undefined)
    stanza.cnode(new Element('idle', { xmlns: IDLE, since: formatStamp(idleSince) }))
  if (activity !== undefined) stanza.cnode(activityElement(activity, lang))
  if (mood !== undefined) stanza.cnode(moodElement(mood, lang))
  if (avatar !== undefined) {
    const photo = new Element('photo')
    if (avatar !== '') photo.children.push(avatar)
    stanza.cnode(new Element('x', { xmlns: AVATAR })).cnode(photo)
  }
  return stanza
}

/** The types that a gateway sends on behalf of a SIP user, from bare address to bare address but for `unavailable`. */
export type SentType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'probe' | 'unavailable'

/** @param nick how the sender likes to be called: in a `subscribe` only (XEP-0172 §4.1) */
export function typedPresence(type: SentType, { from, to }: Parties, nick?: string): Element {
  const stanza = new Element('presence', { from, to, type })
  if (type === 'subscribe' && nick !== undefined && nick !== '') stanza.cnode(textElement('nick', nick, NICK))
  return stanza
}
