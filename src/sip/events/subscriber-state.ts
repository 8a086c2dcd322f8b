import type { End } from './ending.ts'

/**
 * Times are whole milliseconds of the clock that the events are told with (very many are kept, and a fraction has an object of its
 * own); durations of subscriptions are seconds.
 */
export interface SubscriberOptions {
  /** Timer N: 64*T1, in milliseconds (32,000). */
  readonly timerN: number
  /** Seconds until a new attempt, where nobody says a number (300). */
  readonly later: number
  /** Seconds between two refreshes at least (30): a peer that grants less loses the subscription instead. */
  readonly shortest: number
  /** The largest Min-Expires that is followed, in seconds (86,400). */
  readonly longest: number
}

export const DEFAULT_SUBSCRIBER: SubscriberOptions = {
  timerN: 32_000,
  later: 300,
  shortest: 30,
  longest: 86_400,
}

export type Status = 'pending' | 'active'

/** RFC 6665 §4.1.2, its `notify_wait` and the two it frames, with what a SUBSCRIBE under way adds. */
export type SubscriberState =
  | { readonly kind: 'idle' }
  | Waiting
  | Established
  | Refreshing
  | { readonly kind: 'ending'; readonly timerN: number }
  | { readonly kind: 'ended' }

/** The first SUBSCRIBE is sent, no NOTIFY came: there is no dialog yet. */
export interface Waiting {
  readonly kind: 'waiting'
  /** Seconds asked for; 0: a fetch. */
  readonly asked: number
  readonly timerN: number
  /** When what the 2xx granted is over; undefined: it is not here. */
  readonly until: number | undefined
  readonly left: boolean
  /** Asked again after a 423. */
  readonly raised: boolean
}

export interface Established {
  readonly kind: 'established'
  readonly status: Status
  readonly asked: number
  readonly until: number
  /** Undefined: not before it ends. */
  readonly refreshAt: number | undefined
}

/** A dialog in which a SUBSCRIBE is under way, or whose first NOTIFY came before the response. */
export interface Refreshing {
  readonly kind: 'refreshing'
  readonly status: Status
  readonly asked: number
  /** As it was before, until the response says anew. */
  readonly until: number
  readonly timerN: number
  readonly answered: boolean
  /** When it is over by the NOTIFY that came (Infinity: it does not say); undefined: none came. */
  readonly notified: number | undefined
  /** The SUBSCRIBE is the one that the dialog began with. */
  readonly first: boolean
  readonly left: boolean
  readonly raised: boolean
}

export type SubscriberEvent =
  | { readonly kind: 'subscribe'; readonly expires: number }
  /** The state now: once, or of the subscription that there is. */
  | { readonly kind: 'fetch' }
  | { readonly kind: 'leave' }
  /** The final response to the last SUBSCRIBE; its Expires, Min-Expires and Retry-After. */
  | {
      readonly kind: 'response'
      readonly status: number
      readonly expires?: number | undefined
      readonly minExpires?: number | undefined
      readonly retryAfter?: number | undefined
    }
  | { readonly kind: 'no-response'; readonly reason: 'timeout' | 'transport-failure' }
  | Notify
  | { readonly kind: 'alarm' }

export interface Notify {
  readonly kind: 'notify'
  /** `fork`: of another dialog than the one there is. */
  readonly dialog: 'own' | 'fork'
  /** Undefined: a value of some extension. */
  readonly state: Status | 'terminated' | undefined
  readonly expires?: number | undefined
  readonly reason?: string | undefined
  readonly retryAfter?: number | undefined
  readonly body: boolean
}

export type Report =
  | { readonly kind: 'pending' }
  /** `body`: the NOTIFY that says so has one. Without, nothing is known yet (RFC 8048 §5.2.1). */
  | { readonly kind: 'active'; readonly body: boolean }
  /**
   * The body of the NOTIFY is the state now; without one, the last stays (RFC 3856 §6.8). Never while nobody has decided: that
   * document is neutral or fake (§6.6).
   */
  | { readonly kind: 'body' }
  /** The notifier knows that we want no more. */
  | { readonly kind: 'left' }
  | { readonly kind: 'ended'; readonly end: End }

export type SubscriberEffect =
  | { readonly kind: 'subscribe'; readonly within: boolean; readonly expires: number }
  /** Answer the NOTIFY. */
  | { readonly kind: 'answer'; readonly status: number }
  | { readonly kind: 'report'; readonly report: Report }

export type SubscriberStep = readonly [next: SubscriberState, effects: readonly SubscriberEffect[]]

/** When an event happens, and a fraction in [0, 1) for jitter. */
export interface Moment {
  readonly now: number
  readonly fraction: number
}
