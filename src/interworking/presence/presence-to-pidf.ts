import { escapeParamValue } from '../../sip/escape.ts'
import type { SipUri } from '../../sip/uri.ts'
import { uriText } from '../../sip/uri-write.ts'
import { activityOfShow, rpidOfActivity } from './activity.ts'
import { rpidOfMood } from './mood.ts'
import type { Person, Pidf, RpidList, Tuple, UserInput } from './pidf.ts'
import { toThousandths } from './priority.ts'
import { type ContactState, leading, type ResourceState, UNAVAILABLE } from './state.ts'
import { tupleIdOf } from './tuple-id.ts'

export interface Presentity {
  /** The address-of-record of the XMPP user, without `gr`. */
  readonly uri: SipUri
  /** Milliseconds since 1970, later than in the document before (`nextTimestamp`). */
  readonly timestamp: number
}

/** RFC 3863 §4.1.7: no two documents of a presentity with the same timestamp, whatever the clock says. */
export const nextTimestamp = (now: number, last: number | undefined): number =>
  last === undefined ? now : Math.max(now, last + 1)

/**
 * All that is known of an XMPP user as one document: a tuple for each resource (RFC 3922 §6.3.1, RFC 8048 §6.2), those that are
 * gone closed, and what is said of the person by the resource that is most available. At least one tuple: of a user of whom
 * nothing is known it is closed.
 */
export function stateToPidf(state: ContactState, presentity: Presentity): Pidf {
  const known: ContactState = state.size > 0 ? state : new Map([['', UNAVAILABLE]])
  const newest = newestOf(known)
  const best = leading(known)
  return {
    entity: presentityUri(presentity.uri),
    tuples: Array.from(known, ([resource, one]) => tupleOf(resource, one, one === newest, presentity)),
    notes: [],
    person: best?.available === true ? personOf(best, inputOf(known), presentity) : undefined,
  }
}

/** The resource that changed last, which carries the time of the document. */
function newestOf(state: ContactState): ResourceState | undefined {
  let newest: ResourceState | undefined
  for (const one of state.values())
    if (newest === undefined || (one.since ?? 0) >= (newest.since ?? 0)) newest = one
  return newest
}

function tupleOf(
  resource: string,
  { available, show, idleSince, avatar, priority, texts, since }: ResourceState,
  newest: boolean,
  { uri, timestamp }: Presentity,
): Tuple {
  return {
    id: tupleIdOf(resource),
    basic: available ? 'open' : 'closed',
    show,
    input: idleSince === undefined ? undefined : { idle: true, last: idleSince },
    avatar,
    contact: {
      uri: uriText(withGr(uri, resource)),
      priority: priority === undefined ? undefined : toThousandths(priority),
    },
    notes: texts,
    timestamp: newest ? timestamp : since === undefined ? undefined : Math.min(since, timestamp),
  }
}

/** The user is idle where every device is, since the last of them (RFC 4480 §3.14). */
function inputOf(state: ContactState): UserInput | undefined {
  let last: number | undefined
  for (const { available, idleSince } of state.values()) {
    if (!available) continue
    if (idleSince === undefined) return undefined
    last = Math.max(last ?? idleSince, idleSince)
  }
  return last === undefined ? undefined : { idle: true, last }
}

function personOf(
  { show, activity, mood, name }: ResourceState,
  input: UserInput | undefined,
  { timestamp }: Presentity,
): Person | undefined {
  const activities = activitiesOf(show, activity && rpidOfActivity(activity))
  if (activities === undefined && mood === undefined && name === undefined && input === undefined)
    return undefined
  return { activities, mood: mood && rpidOfMood(mood), input, name, notes: [], timestamp }
}

function activitiesOf(show: string | undefined, list: RpidList | undefined): RpidList | undefined {
  const value = activityOfShow(show)
  if (value === undefined) return list
  if (list === undefined) return { values: [value], other: undefined, notes: [] }
  return { ...list, values: [value, ...list.values] }
}

/** The resource becomes `gr` (RFC 7247 §6.5). */
export const withGr = (uri: SipUri, resource: string): SipUri =>
  resource === '' ? uri : { ...uri, params: [['gr', escapeParamValue(resource)]] }

/** RFC 7247 §6.5 step 5, for what the user part of a SIP URI leaves as it is. The full stop needs no escape (RFC 3986 §2.3). */
const NOT_PRES = /[(),;[\]\\]/g
const percent = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

/** `pres:`, as RFC 3863 §4.1.1 wants it; a host without a user has no such URI. */
export const presentityUri = (uri: SipUri): string =>
  uri.user === undefined
    ? uriText({ ...uri, params: [] })
    : uriText({ scheme: 'pres', user: uri.user.replace(NOT_PRES, percent), host: uri.host })
