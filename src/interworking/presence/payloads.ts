import { Element } from '../../xmpp/xml/element.ts'
import type { Activity } from './activity.ts'
import type { LangText } from './lang-text.ts'
import type { Mood } from './mood.ts'

/** XEP-0319 */
export const IDLE = 'urn:xmpp:idle:1'
/** XEP-0108 */
export const ACTIVITY = 'http://jabber.org/protocol/activity'
/** XEP-0107 */
export const MOOD = 'http://jabber.org/protocol/mood'
/** XEP-0172 */
export const NICK = 'http://jabber.org/protocol/nick'
/** XEP-0203 */
export const DELAY = 'urn:xmpp:delay'

export function textElement(name: string, text: string, xmlns?: string): Element {
  const element = new Element(name, xmlns === undefined ? undefined : { xmlns })
  element.children.push(text)
  return element
}

export function langElement(name: string, { lang, text }: LangText, inherited: string | undefined): Element {
  const element = textElement(name, text)
  if (lang !== undefined && lang !== inherited) element.attrs['xml:lang'] = lang
  return element
}

export function activityElement({ general, specific, text }: Activity, lang: string | undefined): Element {
  const element = new Element('activity', { xmlns: ACTIVITY })
  const inner = element.cnode(new Element(general))
  if (specific !== undefined) inner.cnode(new Element(specific))
  if (text !== undefined) element.cnode(langElement('text', text, lang))
  return element
}

export function moodElement({ name, text }: Mood, lang: string | undefined): Element {
  const element = new Element('mood', { xmlns: MOOD })
  if (name !== undefined) element.cnode(new Element(name))
  if (text !== undefined) element.cnode(langElement('text', text, lang))
  return element
}
