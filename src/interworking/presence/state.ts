import { smallMap } from '../../kernel/small-map.ts'
import { type Activity, sameActivity } from './activity.ts'
import { type LangText, sameText } from './lang-text.ts'
import { type Mood, sameMood } from './mood.ts'
import { isShow } from './show.ts'

/** The last that was said of one resource (XMPP) or tuple (PIDF); what neither side can carry is not kept. */
export interface ResourceState {
  /** No type or `unavailable`; basic open or closed. */
  readonly available: boolean
  /** One of RFC 6121 §4.7.2.1, or a value of the sender's own that only PIDF carries on. */
  readonly show: string | undefined
  /** `status` and `note`, by language. */
  readonly texts: readonly LangText[]
  /** The language of the stanza, or of the NOTIFY (Content-Language). */
  readonly lang: string | undefined
  /** −128 to 127; undefined: not said, which XMPP takes for 0. */
  readonly priority: number | undefined
  /** Milliseconds since 1970: the user has not touched this device since (XEP-0319). */
  readonly idleSince: number | undefined
  readonly activity: Activity | undefined
  readonly mood: Mood | undefined
  /** How the user likes to be called (XEP-0172, CIPID display-name). */
  readonly name: string | undefined
  /** SHA-1 of the avatar in hexadecimal (XEP-0153); empty: there is none. */
  readonly avatar: string | undefined
  /** Milliseconds since 1970: when this state began. Not part of what is compared. */
  readonly since: number | undefined
}

/** A contact with all its resources, in the order of their changes. The key is the resource; empty: the bare address. */
export type ContactState = ReadonlyMap<string, ResourceState>

/** Nothing is known, or nobody is there. */
export const NO_RESOURCES: ContactState = new Map()

export const UNAVAILABLE: ResourceState = {
  available: false,
  show: undefined,
  texts: [],
  lang: undefined,
  priority: undefined,
  idleSince: undefined,
  activity: undefined,
  mood: undefined,
  name: undefined,
  avatar: undefined,
  since: undefined,
}

export interface PresenceChange {
  /** Empty: the bare address. */
  readonly resource: string
  readonly state: ResourceState
}

/**
 * The state after a presence stanza. Unavailable presence from the bare address is that of every resource.
 * @param limit of resources; beyond, the one that is gone or else the one that has changed longest ago is forgotten
 */
export function withPresence(state: ContactState, change: PresenceChange, limit: number): ContactState {
  const next = new Map(state)
  if (change.resource === '' && !change.state.available)
    for (const resource of state.keys()) next.set(resource, { ...UNAVAILABLE, since: change.state.since })
  // The order is that of the changes.
  next.delete(change.resource)
  next.set(change.resource, change.state)
  if (next.size > limit) {
    const gone = [...next].find(([, { available }]) => !available)
    next.delete(gone?.[0] ?? (next.keys().next().value as string))
  }
  return smallMap(next)
}

/** Without the resources that are gone: once every watcher was told. */
export const onlyAvailable = (state: ContactState): ContactState =>
  smallMap([...state].filter(([, { available }]) => available))

/** What a watcher is not to see. */
export interface Withheld {
  /** Status notes and every other free text, a `show` of the sender's own among them. */
  readonly notes: boolean
  /** Activity, mood, idle time, name, avatar. */
  readonly rich: boolean
}

export function withhold(state: ContactState, withheld: Withheld): ContactState {
  if (!withheld.notes && !withheld.rich) return state
  return smallMap([...state].map(([resource, one]) => [resource, withheldOf(one, withheld)]))
}

function withheldOf(state: ResourceState, { notes, rich }: Withheld): ResourceState {
  const { activity, mood, show } = state
  return {
    ...state,
    ...(notes ? { texts: [], show: show !== undefined && isShow(show) ? show : undefined } : {}),
    ...(rich
      ? { activity: undefined, mood: undefined, idleSince: undefined, name: undefined, avatar: undefined }
      : notes
        ? {
            activity: activity && { ...activity, text: undefined },
            mood: mood && { ...mood, text: undefined },
          }
        : {}),
  }
}

/** Whether an XMPP watcher would see no difference: no stanza holds the name. */
export const sameState = (a: ResourceState, b: ResourceState): boolean =>
  a.available === b.available &&
  a.show === b.show &&
  a.lang === b.lang &&
  a.priority === b.priority &&
  a.idleSince === b.idleSince &&
  a.avatar === b.avatar &&
  a.texts.length === b.texts.length &&
  a.texts.every((text, i) => sameText(text, b.texts[i])) &&
  sameActivity(a.activity, b.activity) &&
  sameMood(a.mood, b.mood)

/** The most available first; between equals by priority (RFC 8048 §6.2: what a watcher shows of several). */
const RANK = new Map([
  ['chat', 5],
  ['dnd', 3],
  ['away', 2],
  ['xa', 1],
])
const rankOf = ({ available, show }: ResourceState): number =>
  !available ? -1 : show === undefined ? 4 : (RANK.get(show) ?? 0)

/** Whether `a` says more of the contact's availability than `b`. */
export function isBetter(a: ResourceState, b: ResourceState): boolean {
  const difference = rankOf(a) - rankOf(b)
  return difference === 0 ? (a.priority ?? 0) > (b.priority ?? 0) : difference > 0
}

/** The resource that stands for the contact; undefined where nothing is known. */
export function leading(state: ContactState): ResourceState | undefined {
  let best: ResourceState | undefined
  for (const one of state.values()) if (best === undefined || isBetter(one, best)) best = one
  return best
}
