import { flat } from '../../kernel/flat.ts'
import { effectiveLang } from '../../xmpp/stanza.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { parseStamp } from '../stamp.ts'
import { type Activity, isGeneralActivity, isSpecificActivity } from './activity.ts'
import { readAvatar } from './avatar.ts'
import { elementsOf, first, localName, namespaceOf, textOf } from './elements.ts'
import { keptTag, keptText, keptTexts, type LangText } from './lang-text.ts'
import type { PresenceLimits } from './limits.ts'
import { isMood, type Mood } from './mood.ts'
import { langTextOf } from './notes.ts'
import { ACTIVITY, DELAY, IDLE, MOOD, NICK } from './payloads.ts'
import { parsePriority } from './priority.ts'
import { showText } from './show.ts'
import type { PresenceChange, ResourceState } from './state.ts'

/**
 * What a presence stanza says of the resource that sent it. Undefined for every type but none and `unavailable`: only these
 * are notifications (RFC 8048 §6.2). What is wrong in a child leaves that child out.
 * @param now milliseconds since 1970
 */
export function readPresence(
  stanza: Element,
  now: number,
  limits: PresenceLimits,
): PresenceChange | undefined {
  const type = stanza.attrs.type as string | undefined
  if (type !== undefined && type !== 'unavailable') return undefined
  const from = String(stanza.attrs.from ?? '')
  const slash = from.indexOf('/')
  const available = type === undefined
  const resource = slash < 0 ? '' : flat(from.slice(slash + 1))
  const own = available ? ownChild(stanza, 'priority') : undefined
  const show = available ? ownChild(stanza, 'show') : undefined
  const { idleSince, activity, mood, name, avatar } = available
    ? readExtensions(stanza, now, limits)
    : NOTHING_MORE
  // Every field by its name: very many are kept, and a spread keeps those behind it in a second object.
  return {
    resource,
    state: {
      available,
      show: show && showText(textOf(show)),
      texts: keptTexts(ownChildren(stanza, 'status').map(langTextOf), limits),
      lang: keptTag(effectiveLang(stanza)),
      priority: own && parsePriority(textOf(own)),
      idleSince,
      activity,
      mood,
      name,
      avatar,
      since: sinceOf(stanza, now),
    },
  }
}

type Extensions = Pick<ResourceState, 'idleSince' | 'activity' | 'mood' | 'name' | 'avatar'>

const NOTHING_MORE: Extensions = {
  idleSince: undefined,
  activity: undefined,
  mood: undefined,
  name: undefined,
  avatar: undefined,
}

function readExtensions(stanza: Element, now: number, limits: PresenceLimits): Extensions {
  const idle = first(stanza, 'idle', IDLE)
  const activity = first(stanza, 'activity', ACTIVITY)
  const mood = first(stanza, 'mood', MOOD)
  return {
    idleSince: idle && pastStamp(idle.attrs.since, now),
    activity: activity && readActivity(activity, limits),
    mood: mood && readMood(mood, limits),
    name: readNick(stanza, limits),
    avatar: readAvatar(stanza),
  }
}

/** The nickname in a presence stanza of any type (XEP-0172): it belongs into requests, and some clients put it elsewhere. */
export function readNick(stanza: Element, limits: PresenceLimits): string | undefined {
  const nick = first(stanza, 'nick', NICK)
  return nick && (keptText(textOf(nick), limits.textLength) || undefined)
}

function readActivity(element: Element, limits: PresenceLimits): Activity | undefined {
  for (const child of elementsOf(element)) {
    const general = localName(child)
    if (namespaceOf(child) !== ACTIVITY || !isGeneralActivity(general)) continue
    let specific: string | undefined
    for (const one of elementsOf(child)) {
      if (namespaceOf(one) === ACTIVITY && isSpecificActivity(localName(one))) specific ??= localName(one)
    }
    return { general, specific, text: payloadText(element, ACTIVITY, limits) }
  }
  return undefined
}

function readMood(element: Element, limits: PresenceLimits): Mood {
  let name: string | undefined
  for (const child of elementsOf(element)) {
    if (namespaceOf(child) === MOOD && isMood(localName(child))) name ??= localName(child)
  }
  return { name, text: payloadText(element, MOOD, limits) }
}

function payloadText(element: Element, namespace: string, limits: PresenceLimits): LangText | undefined {
  const text = first(element, 'text', namespace)
  return text && keptTexts([langTextOf(text)], limits)[0]
}

/** When the state began: a server that answers a probe may say it (XEP-0203). */
function sinceOf(stanza: Element, now: number): number {
  const delay = first(stanza, 'delay', DELAY)
  return (delay && pastStamp(delay.attrs.stamp, now)) ?? now
}

function pastStamp(value: unknown, now: number): number | undefined {
  const time = typeof value === 'string' ? parseStamp(value) : undefined
  return time !== undefined && time <= now ? time : undefined
}

/** Children in the namespace of the stream, whichever it is by the kind of link. */
const ownChildren = (stanza: Element, name: string): Element[] => {
  const namespace = namespaceOf(stanza)
  const found: Element[] = []
  for (const child of elementsOf(stanza)) {
    if (child.name === name && namespaceOf(child) === namespace) found.push(child)
  }
  return found
}

const ownChild = (stanza: Element, name: string): Element | undefined => ownChildren(stanza, name)[0]
