import { type ContactState, type PresenceChange, sameState } from '../../interworking/presence/state.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Watcher } from '../../sip/events/watcher.ts'
import type { PresencePair } from './store.ts'

const NOBODY: readonly never[] = []

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
  watchers: readonly Watcher<Exposure>[] = NOBODY
  /** Undefined: nothing was heard yet, by this process. */
  state: ContactState | undefined = undefined
  /** Resources that were there before the link was lost, and were not heard of since. */
  suspects: Set<string> | undefined = undefined
  /** Until nobody will decide any more; with an authorization, until a probe has had no answer. */
  waiting: Timer | undefined = undefined
  /** Watchers were told that nobody is there, since the state had become too old. */
  toldClosed = false
  /** Of the last document (`nextTimestamp`). */
  stamp: number | undefined = undefined
  /** The rules forbid it for a while. */
  refused = false
  /** False: of an earlier process, and the rules were not asked yet, so that nothing is shown. */
  judged = true
  /** `subscribed` or the first of a state has come, and more of it may follow at once. */
  settling: Timer | undefined = undefined
  /** How the SIP user likes to be called: said with `subscribe`. */
  nick: string | undefined = undefined

  constructor(pair: PresencePair, since: number, home: string) {
    this.pair = pair
    this.since = since
    this.home = home
  }

  /** Renewed now, it asks its XMPP user something. */
  get speaks(): boolean {
    return this.authorization === 'granted' ? this.settling === undefined : this.watchers.length > 0
  }

  /** Nothing more is waited for. */
  quiet(): void {
    this.waiting?.cancel()
    this.waiting = undefined
    this.settling?.cancel()
    this.settling = undefined
  }
}

export const isThere = (state: ContactState): boolean => {
  for (const { available } of state.values()) if (available) return true
  return false
}

/** Whether a stanza says nothing new: from the bare address that nobody is there, it speaks of every resource. */
export function isKnown(state: ContactState | undefined, { resource, state: one }: PresenceChange): boolean {
  const before = state?.get(resource)
  if (state === undefined || before === undefined || !sameState(before, one)) return false
  return one.available || resource !== '' || !isThere(state)
}

/** The resources that are there. */
export const present = (state: ContactState): Set<string> =>
  new Set([...state].filter(([, { available }]) => available).map(([resource]) => resource))
