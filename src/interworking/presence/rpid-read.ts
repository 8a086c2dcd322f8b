import type { Element } from '../../xmpp/xml/element.ts'
import { parseStamp } from '../stamp.ts'
import { isRpidActivity } from './activity.ts'
import { elementsOf, first, localName, mustUnderstand, named, namespaceOf, textOf } from './elements.ts'
import { keptText, keptTexts, type LangText } from './lang-text.ts'
import type { PresenceLimits } from './limits.ts'
import { isRpidMood } from './mood.ts'
import { langTextOf, readNotes } from './notes.ts'
import { CIPID, DATA_MODEL, type Person, RPID, type RpidList, type UserInput } from './pidf.ts'

/** Of several the one that changed last, or else the first: they say what is in doubt (RFC 4479 §3.5). */
export function latestPerson(root: Element, limits: PresenceLimits): Person | undefined {
  let latest: Person | undefined
  for (const element of named(root, 'person', DATA_MODEL)) {
    const person = readPerson(element, limits)
    if (latest === undefined || (person.timestamp ?? 0) > (latest.timestamp ?? 0)) latest = person
  }
  return latest
}

function readPerson(element: Element, limits: PresenceLimits): Person {
  const activities = first(element, 'activities', RPID)
  const mood = first(element, 'mood', RPID)
  const name = first(element, 'display-name', CIPID)
  const timestamp = first(element, 'timestamp', DATA_MODEL)
  return {
    activities: activities && readList(activities, isRpidActivity, limits),
    mood: mood && readList(mood, isRpidMood, limits),
    input: readInput(element),
    name: name && (keptText(textOf(name), limits.textLength) || undefined),
    notes: readNotes(element, DATA_MODEL, limits),
    timestamp: timestamp && parseStamp(textOf(timestamp).trim()),
  }
}

/** Undefined for a list that holds something which must be understood and is not. */
function readList(
  element: Element,
  isValue: (name: string) => boolean,
  limits: PresenceLimits,
): RpidList | undefined {
  const values: string[] = []
  let other: LangText | undefined
  for (const child of elementsOf(element)) {
    const name = localName(child)
    if (namespaceOf(child) === RPID && name === 'note') continue
    if (namespaceOf(child) === RPID && name === 'other') other ??= otherOf(child, limits)
    else if (namespaceOf(child) === RPID && isValue(name)) {
      if (values.length < limits.texts && !values.includes(name)) values.push(name)
    } else if (mustUnderstand(child)) return undefined
  }
  return { values, other, notes: readNotes(element, RPID, limits) }
}

function otherOf(element: Element, limits: PresenceLimits): LangText | undefined {
  return keptTexts([langTextOf(element)], limits)[0]
}

export function readInput(parent: Element): UserInput | undefined {
  const element = first(parent, 'user-input', RPID)
  if (element === undefined) return undefined
  const value = textOf(element).trim()
  if (value !== 'idle' && value !== 'active') return undefined
  const last = element.attrs['last-input'] as string | undefined
  return { idle: value === 'idle', last: last === undefined ? undefined : parseStamp(last.trim()) }
}
