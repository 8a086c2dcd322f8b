import { activityOf, showOfActivities } from './activity.ts'
import type { LangText } from './lang-text.ts'
import { moodOf } from './mood.ts'
import type { Person, Pidf, Tuple } from './pidf.ts'
import { fromThousandths } from './priority.ts'
import { isShow } from './show.ts'
import { type ContactState, isBetter, type ResourceState, UNAVAILABLE } from './state.ts'
import { resourceOfTuple } from './tuple-id.ts'

/**
 * The state of a SIP contact as a document gives it: a resource for each tuple that says whether it is open. A document without
 * tuples is one of a user who is nowhere (RFC 3922 §6.3.2).
 * @param lang of the NOTIFY (Content-Language), which holds for notes that say nothing else (RFC 3863 §4.1.6)
 * @returns undefined for a document that must not become presence: notes without tuples (RFC 3922 §5.2.11)
 */
export function pidfToState(document: Pidf, lang: string | undefined): ContactState | undefined {
  const { tuples, notes, person } = document
  if (tuples.length === 0 && notes.length > 0) return undefined
  const state = new Map<string, ResourceState>()
  // RFC 4479 §5: notes of the document are those of a person that has none.
  const general = person === undefined || person.notes.length === 0 ? notes : person.notes
  for (const tuple of tuples) {
    const one = stateOf(tuple, person, general, lang)
    if (one === undefined) continue
    const resource = resourceOfTuple(tuple.id)
    const other = state.get(resource)
    // Two with one identifier, against §4.1.2.
    if (other === undefined || isBetter(one, other)) state.set(resource, one)
  }
  if (state.size === 0) state.set('', { ...UNAVAILABLE, lang })
  return state
}

/** Undefined for a tuple that says neither `basic` nor `show`: it is about something else (RFC 3863 §4.1.3). */
function stateOf(
  tuple: Tuple,
  person: Person | undefined,
  general: readonly LangText[],
  lang: string | undefined,
): ResourceState | undefined {
  const { basic, contact, timestamp } = tuple
  if (basic === undefined && tuple.show === undefined) return undefined
  const available = basic !== 'closed'
  const texts = inLanguage(tuple.notes.length > 0 ? tuple.notes : general, lang)
  if (!available) return { ...UNAVAILABLE, texts, lang, since: timestamp }
  const priority = contact?.priority
  const { activities, mood } = person ?? {}
  return {
    available,
    show:
      tuple.show !== undefined && isShow(tuple.show)
        ? tuple.show
        : showOfActivities(activities?.values ?? []),
    texts,
    lang,
    priority: priority === undefined ? undefined : fromThousandths(priority),
    idleSince: idleSince(tuple, person),
    activity: activities && activityOf(activities),
    mood: mood && moodOf(mood),
    name: person?.name,
    avatar: tuple.avatar,
    since: timestamp,
  }
}

/** XEP-0319 needs a time: an idle device that does not say since when is not shown as one. */
function idleSince(tuple: Tuple, person: Person | undefined): number | undefined {
  const input = tuple.input ?? person?.input
  return input?.idle === true ? input.last : undefined
}

/** Texts that name no language are in that of the NOTIFY, unless another is. */
function inLanguage(texts: readonly LangText[], lang: string | undefined): readonly LangText[] {
  if (lang === undefined || texts.every((text) => text.lang !== undefined)) return texts
  const said = texts.some((text) => text.lang?.toLowerCase() === lang.toLowerCase())
  return texts.flatMap((text) => (text.lang !== undefined ? [text] : said ? [] : [{ lang, text: text.text }]))
}
