import { type LangText, sameText } from './lang-text.ts'
import type { RpidList } from './pidf.ts'

/** XEP-0107, in its names. */
export interface Mood {
  /** Undefined: an empty `mood`, nothing is said of it. */
  readonly name: string | undefined
  readonly text: LangText | undefined
}

const SHARED = new Set(
  (
    'afraid amazed angry annoyed anxious ashamed bored brave calm cold confused contented cranky curious depressed ' +
    'disappointed disgusted distracted embarrassed excited flirtatious frustrated grumpy guilty happy hot humbled ' +
    'humiliated hungry hurt impressed in_awe in_love indignant interested invincible jealous lonely mean moody nervous ' +
    'neutral offended playful proud relieved remorseful restless sad sarcastic serious shocked shy sick sleepy stressed ' +
    'surprised thirsty worried'
  ).split(' '),
)

/** Moods that RFC 4480 §3.5 does not have. */
const XMPP_ONLY = new Set(
  (
    'amorous aroused cautious confident contemplative crazy creative dejected dismayed envious hopeful intoxicated lucky ' +
    'outraged relaxed spontaneous strong thankful tired undefined weak'
  ).split(' '),
)

export const isMood = (name: string): boolean => SHARED.has(name) || XMPP_ONLY.has(name)
export const isRpidMood = (name: string): boolean => SHARED.has(name) || name === 'unknown'

/** The names are the same (RPID took them from XEP-0107); what RPID lacks becomes `other`, an empty mood `unknown`. */
export function rpidOfMood({ name, text }: Mood): RpidList {
  const notes = text === undefined ? [] : [text]
  if (name === undefined) return { values: ['unknown'], other: undefined, notes }
  if (SHARED.has(name)) return { values: [name], other: undefined, notes }
  return { values: [], other: { lang: 'en', text: name }, notes }
}

/** The first mood that XMPP has a name for: it takes one only. A mood in free text is `undefined` with that text. */
export function moodOf({ values, other, notes }: RpidList): Mood {
  const text = notes[0]
  const shared = values.find((value) => SHARED.has(value))
  if (shared !== undefined) return { name: shared, text }
  if (other === undefined) return { name: undefined, text }
  if (XMPP_ONLY.has(other.text)) return { name: other.text, text }
  return { name: 'undefined', text: text ?? other }
}

export const sameMood = (a: Mood | undefined, b: Mood | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.name === b.name && sameText(a.text, b.text))
