import { type ContactState, NO_RESOURCES, UNAVAILABLE } from '../../interworking/presence/state.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Watcher } from '../../sip/events/watcher.ts'
import type { PresencePair } from './store.ts'

/**
 * An XMPP user is watched by a SIP user: the authorization, which lasts, and the SIP dialogs, one for each device that watches
 * (RFC 8048 §5.1). XMPP presence has one addressee, so each pair has a state of its own.
 */
export class Exposure {
  readonly pair: PresencePair
  authorization: 'asked' | 'granted' = 'asked'
  /** Milliseconds since the Unix epoch. */
  since: number
  /** Name of the home server of the SIP user. */
  home: string
  readonly watchers = new Set<Watcher<Exposure>>()
  /** Undefined: nothing was heard yet, by this process. */
  state: ContactState | undefined = undefined
  /** Resources that were there before the link was lost, and were not heard of since. */
  suspects: Set<string> | undefined = undefined
  /** Watchers were told that nobody is there, since the state had become too old. */
  toldClosed = false
  /** Of the last document (`nextTimestamp`). */
  stamp: number | undefined = undefined
  /** The rules forbid it for a while. */
  refused = false
  /** `subscribed` has come; the first state may follow at once. */
  settling: Timer | undefined = undefined
  /** How the SIP user likes to be called. */
  nick: string | undefined = undefined

  constructor(pair: PresencePair, since: number, home: string) {
    this.pair = pair
    this.since = since
    this.home = home
  }
}

/** What is gone for so long has been told, or vanishes with the next document. */
const TOLD = 30_000

/** Without resources that were gone long ago; one remains, since a document needs it (RFC 3922 §6.3.2). */
export function trimmed(state: ContactState, now: number): ContactState {
  let old = 0
  for (const { available, since } of state.values()) if (!available && now - (since ?? 0) > TOLD) old++
  if (old === 0 || state.size === 1) return state
  const kept = [...state].filter(([, { available, since }]) => available || now - (since ?? 0) <= TOLD)
  return new Map(kept.length > 0 ? kept : [...state].slice(-1))
}

/** Every resource is gone, and nothing more is said of any. */
export const closed = (state: ContactState | undefined): ContactState =>
  new Map(Array.from(state ?? NO_RESOURCES, ([resource]) => [resource, UNAVAILABLE]))

export const isThere = (state: ContactState): boolean => {
  for (const { available } of state.values()) if (available) return true
  return false
}
