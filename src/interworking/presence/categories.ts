import { err, ok, type Result } from '../../kernel/result.ts'
import { readDocument } from '../../xmpp/xml/document.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { first, isNamed, named, textOf } from './elements.ts'
import { keptText } from './lang-text.ts'
import type { PresenceLimits } from './limits.ts'
import type { PidfError } from './pidf-read.ts'
import { type ContactState, UNAVAILABLE } from './state.ts'

/** How Lync and its kin tell presence to those who accept it: categories, availability as a number. */
export const CATEGORIES_TYPE = 'application/msrtc-event-categories+xml'

const SIP = 'http://schemas.microsoft.com/2006/09/sip'
const CATEGORIES = `${SIP}/categories`
const STATE = `${SIP}/state`
const NOTE = `${SIP}/note`
const CARD = `${SIP}/contactcard`

/** Each category that the document holds; undefined: it says nothing of it. */
export interface Categories {
  readonly availability: number | undefined
  /** Empty: there is none any more. */
  readonly note: string | undefined
  readonly name: string | undefined
}

export function readCategories(bytes: Uint8Array, limits: PresenceLimits): Result<Categories, PidfError> {
  const document = readDocument(bytes, limits.document)
  if (!document.ok) return err(document.error.condition === 'policy-violation' ? 'too-large' : 'malformed')
  const root = document.value
  if (!isNamed(root, 'categories', CATEGORIES)) return err('malformed')
  let availability: number | undefined
  let note: string | undefined
  let name: string | undefined
  for (const category of named(root, 'category', CATEGORIES)) {
    switch (category.attrs.name) {
      case 'state':
        availability = availabilityOf(category, availability)
        break
      case 'note':
        note = keptText(noteOf(category), limits.textLength) || note || ''
        break
      case 'contactCard':
        name ??= nameOf(category, limits)
        break
      default:
    }
  }
  return ok({ availability, note, name })
}

/** That of the user as a whole (`aggregateState`) counts before those of devices and calendars. */
function availabilityOf(category: Element, found: number | undefined): number | undefined {
  const state = first(category, 'state', STATE)
  const element = state && first(state, 'availability', STATE)
  const text = element === undefined ? '' : textOf(element).trim()
  if (state === undefined || !/^[0-9]{1,6}$/.test(text)) return found
  return isAggregate(state) || found === undefined ? Number(text) : found
}

const isAggregate = ({ attrs }: Element): boolean =>
  Object.entries(attrs).some(([key, value]) => key.endsWith(':type') && /(?:^|:)aggregateState$/.test(value))

function noteOf(category: Element): string {
  const note = first(category, 'note', NOTE)
  const body = note && first(note, 'body', NOTE)
  return body === undefined ? '' : textOf(body)
}

const NAME_PATH = ['contactCard', 'identity', 'name', 'displayName']

function nameOf(category: Element, limits: PresenceLimits): string | undefined {
  let at: Element | undefined = category
  for (const step of NAME_PATH) at = at && first(at, step, CARD)
  return at && (keptText(textOf(at), limits.textLength) || undefined)
}

/**
 * The state after such a document: of one resource, the bare address, for the numbers are of the whole user. What the document says
 * nothing of stays as it was; before the first number the user is unavailable.
 */
export function categoriesToState(
  known: ContactState,
  { availability, note, name }: Categories,
  lang: string | undefined,
): ContactState {
  const before = known.get('') ?? UNAVAILABLE
  const range = availability === undefined ? before : rangeOf(availability)
  return new Map([
    [
      '',
      {
        ...before,
        available: range.available,
        show: range.show,
        texts: note === undefined ? before.texts : note === '' ? [] : [{ lang, text: note }],
        lang,
        name: name ?? before.name,
      },
    ],
  ])
}

interface Range {
  readonly available: boolean
  readonly show: string | undefined
}

/** Where each range of numbers begins. Below 3000 nothing is known. XMPP has no word for idle but `away`. */
const RANGES: readonly (readonly [from: number, range: Range])[] = [
  [18_000, { available: false, show: undefined }],
  // Away, and be right back.
  [12_000, { available: true, show: 'away' }],
  // Busy, busy and idle, do not disturb.
  [6_000, { available: true, show: 'dnd' }],
  // Available and idle.
  [4_500, { available: true, show: 'away' }],
  [3_000, { available: true, show: undefined }],
]
const UNKNOWN: Range = { available: false, show: undefined }

export const rangeOf = (availability: number): Range =>
  RANGES.find(([from]) => availability >= from)?.[1] ?? UNKNOWN
