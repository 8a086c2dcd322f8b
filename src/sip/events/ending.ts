/** Whether, and when, whoever has lost a subscription may ask for a new one, with a new Call-ID and tag. */
export type Retry =
  | { readonly kind: 'never' }
  | { readonly kind: 'now' }
  | { readonly kind: 'after'; readonly seconds: number }

export type Cause =
  /** By NOTIFY, with its reason. */
  | { readonly kind: 'terminated'; readonly reason: string | undefined }
  /** By the final response to a SUBSCRIBE. */
  | { readonly kind: 'refused'; readonly status: number }
  /** A SUBSCRIBE had no response at all. */
  | { readonly kind: 'no-answer'; readonly reason: 'timeout' | 'transport-failure' }
  /** A SUBSCRIBE had no NOTIFY: Timer N. */
  | { readonly kind: 'no-notify' }
  | { readonly kind: 'expired' }
  /** We wanted it so. */
  | { readonly kind: 'left' }
  /** The answer to a fetch is there. */
  | { readonly kind: 'fetched' }

/** How a subscription ended, for the subscriber. */
export interface End {
  readonly cause: Cause
  /** `lost`: the notifier's owner does not want us. `kept`: only this dialog is gone. */
  readonly authorization: 'kept' | 'lost'
  readonly retry: Retry
  /** Seconds before which the notifier does not want to be asked again, by whomever; undefined: it says nothing. */
  readonly notBefore?: number | undefined
}

/**
 * They end the subscription in which they are the answer to a SUBSCRIBE (RFC 6665 §4.1.2.2) or a NOTIFY (§4.2.2): RFC 5057
 * §5.1 says why.
 */
const FATAL: ReadonlySet<number> = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])
export const isFatal = (status: number): boolean => FATAL.has(status)

/** RFC 8048 §5.2.2: they withdraw the authorization. */
const UNWANTED: ReadonlySet<number> = new Set([403, 489, 603])
export const isUnwanted = (status: number): boolean => UNWANTED.has(status)

/** It is the notifier that cannot go on with this dialog, not its place in the dialog that is gone (RFC 5057 §5.1). */
const UNWILLING: ReadonlySet<number> = new Set([405, 480, 501])
/** Failures that may be over by and by, our credentials among them; all others are about what was asked. */
const PASSING: ReadonlySet<number> = new Set([401, 407, 408, 429, 430, 480, 481, 482, 486, 487, 491, 600])

const NEVER: Retry = { kind: 'never' }
const NOW: Retry = { kind: 'now' }
/** Seconds: whoever says more is asked again all the same. */
const LONGEST = 604_800
const capped = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Math.min(seconds, LONGEST)
const after = (seconds: number): Retry => ({ kind: 'after', seconds: Math.min(seconds, LONGEST) })

/** By NOTIFY (RFC 6665 §4.1.3). @param later seconds, where no number is given */
export function endByReason(reason: string | undefined, retryAfter: number | undefined, later: number): End {
  const cause: Cause = { kind: 'terminated', reason }
  switch (reason) {
    case 'rejected':
    case 'noresource':
      return { cause, authorization: 'lost', retry: NEVER }
    case 'invariant':
      return { cause, authorization: 'kept', retry: NEVER }
    case 'deactivated':
    case 'timeout':
      return { cause, authorization: 'kept', retry: NOW }
    default:
      return {
        cause,
        authorization: 'kept',
        retry: after(retryAfter ?? later),
        notBefore: capped(retryAfter),
      }
  }
}

/** By the response to a SUBSCRIBE. @param within it refreshed a subscription */
export function endByStatus(
  status: number,
  retryAfter: number | undefined,
  later: number,
  within: boolean,
): End {
  const cause: Cause = { kind: 'refused', status }
  if (isUnwanted(status)) return { cause, authorization: 'lost', retry: NEVER }
  if (within && isFatal(status) && !UNWILLING.has(status) && retryAfter === undefined)
    return { cause, authorization: 'kept', retry: NOW }
  const passing = within || PASSING.has(status) || retryAfter !== undefined || isTemporary(status)
  return {
    cause,
    authorization: 'kept',
    retry: passing ? after(retryAfter ?? later) : NEVER,
    notBefore: capped(retryAfter),
  }
}

/** 3xx, which is not followed, and 5xx but what will not change. */
const isTemporary = (status: number): boolean =>
  (status >= 300 && status < 400) || (status >= 500 && status < 600 && ![501, 505, 513].includes(status))

export const endWithout = (cause: Cause, retry: Retry): End => ({ cause, authorization: 'kept', retry })

export const LEFT: End = endWithout({ kind: 'left' }, NEVER)
export const FETCHED: End = endWithout({ kind: 'fetched' }, NEVER)
