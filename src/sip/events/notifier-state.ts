import type { TerminationReason } from '../subscription-state.ts'
import type { Status } from './subscriber-state.ts'

/**
 * Times are whole milliseconds of the clock that the events are told with (very many are kept, and a fraction has an object of its
 * own); durations of subscriptions are seconds.
 */
export interface NotifierOptions {
  /** Milliseconds between a NOTIFY and the next that tells of a changed state (5000: RFC 3856 §6.10). */
  readonly interval: number
  /** Seconds after which nobody will decide on a pending subscription any more (604,800). */
  readonly giveUp: number
  /** Seconds in the retry-after of that end (86,400). */
  readonly giveUpRetry: number
  /** Seconds until the next NOTIFY after one that failed for a while, doubled each time (30), up to `longestHold` (600). */
  readonly hold: number
  readonly longestHold: number
}

export const DEFAULT_NOTIFIER: NotifierOptions = {
  interval: 5000,
  giveUp: 604_800,
  giveUpRetry: 86_400,
  hold: 30,
  longestHold: 600,
}

/** RFC 6665 §4.2.2: `pending` and `active` of its figure are one here, since all else is the same in both. */
export type NotifierState =
  | { readonly kind: 'init' }
  | Live
  | Ending
  /** The dialog is over. */
  | { readonly kind: 'ended' }

export interface Live {
  readonly kind: 'live'
  readonly status: Status
  readonly until: number
  /** Of a pending one; undefined: never. */
  readonly giveUpAt: number | undefined
  /** A NOTIFY has no response yet: there is one at a time, so that none overtakes another. */
  readonly sent: boolean
  /** What another NOTIFY is wanted for: nothing, a changed state (it may wait), or what must be said at once. */
  readonly due: 'nothing' | 'change' | 'at-once'
  /** Before that time no change is told. */
  readonly notBefore: number
  /** NOTIFYs that failed for a while, in a row. */
  readonly failures: number
}

/** The subscription is over; the last NOTIFY waits for the one before it, or for its own response. */
export interface Ending {
  readonly kind: 'ending'
  readonly last: Last | undefined
}

/** What a last NOTIFY says. */
export interface Last {
  readonly reason: TerminationReason
  /** Seconds. */
  readonly retryAfter?: number | undefined
}

export type NotifierEvent =
  /** The first SUBSCRIBE, and what it gets; 0: it is a fetch. */
  | { readonly kind: 'subscribe'; readonly expires: number; readonly status: Status }
  /** One within the dialog; 0: the watcher leaves. */
  | { readonly kind: 'refresh'; readonly expires: number }
  | { readonly kind: 'granted' }
  /** The state that is watched is another now. */
  | { readonly kind: 'changed' }
  /** The NOTIFY that has just gone out held no state, since none is known: the first one need not wait. */
  | { readonly kind: 'empty' }
  /** The owner ends it. */
  | ({ readonly kind: 'end' } & Last)
  /** Final response to NOTIFY, with its Retry-After. */
  | { readonly kind: 'response'; readonly status: number; readonly retryAfter?: number | undefined }
  | { readonly kind: 'no-response'; readonly reason: 'timeout' | 'transport-failure' }
  | { readonly kind: 'alarm' }

/** Why it is over, for its owner. */
export type NotifierEnd =
  /** SUBSCRIBE with Expires 0: within the dialog, or as the only one. */
  | { readonly kind: 'left' }
  | { readonly kind: 'fetched' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'gave-up' }
  | { readonly kind: 'by-owner'; readonly reason: TerminationReason }
  /** By the response to a NOTIFY. */
  | { readonly kind: 'refused'; readonly status: number }
  /** A NOTIFY had no response: Timer F. */
  | { readonly kind: 'no-answer' }

export type NotifierEffect =
  /** Answer the SUBSCRIBE: 200 with Expires in seconds, or 481. */
  | { readonly kind: 'answer'; readonly status: 200; readonly expires: number }
  | { readonly kind: 'answer'; readonly status: 481 }
  | { readonly kind: 'notify'; readonly state: Status; readonly expires: number }
  | ({ readonly kind: 'notify'; readonly state: 'terminated' } & Last)
  /** Exactly once, as soon as it is certain. */
  | { readonly kind: 'ended'; readonly end: NotifierEnd }

export type NotifierStep = readonly [next: NotifierState, effects: readonly NotifierEffect[]]
