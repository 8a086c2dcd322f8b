import type { End } from '../../sip/events/ending.ts'
import { type BackoffOptions, waitBefore } from './backoff.ts'
import type { Watch } from './watch.ts'

/** What follows where a SIP subscription is gone that was still wanted. */
export type AfterLoss =
  /** Whoever asked for it is told no. */
  | { readonly kind: 'withdrawn' }
  /** What was asked for came to nothing, by this response. */
  | { readonly kind: 'refused'; readonly status: number }
  /** The authorization stays, and so does the state, for good. */
  | { readonly kind: 'settled' }
  /**
   * The authorization stays. `wait`: milliseconds until it is asked for anew; undefined: not by ourselves. `hide`: what was
   * true may not be so any more, and nobody will say.
   */
  | { readonly kind: 'again'; readonly wait: number | undefined; readonly hide: boolean }

export interface LossOptions {
  readonly retry: BackoffOptions
  /** Milliseconds after which nobody will say yes any more. */
  readonly giveUp: number
  /** Milliseconds since the Unix epoch. */
  readonly wall: number
  /** For jitter: in [0, 1). */
  readonly fraction: number
}

/** RFC 8048 §5.2.2, RFC 6665 §4.1.3. */
export function afterLoss(
  {
    authorization,
    since,
    failures,
    present,
  }: Pick<Watch, 'authorization' | 'since' | 'failures' | 'present'>,
  { authorization: left, cause, retry }: End,
  options: LossOptions,
): AfterLoss {
  if (left === 'lost') return { kind: 'withdrawn' }
  if (authorization === 'asked') {
    if (cause.kind === 'refused' && retry.kind === 'never') return { kind: 'refused', status: cause.status }
    if (options.wall - since >= options.giveUp) return { kind: 'withdrawn' }
  }
  // RFC 6665 §4.1.3: not to be asked for again, whatever Retry-After says.
  if (authorization === 'granted' && cause.kind === 'terminated' && cause.reason === 'invariant')
    return { kind: 'settled' }
  const wanted = present || authorization === 'asked'
  const wait = wanted ? waitBefore(retry, failures, options.retry, options.fraction) : undefined
  return { kind: 'again', wait, hide: retry.kind !== 'now' || failures > 0 }
}
