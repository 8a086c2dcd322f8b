import type { Retry } from '../../sip/events/ending.ts'

export interface BackoffOptions {
  /** Milliseconds until the first new attempt, doubled each time. */
  readonly first: number
  readonly longest: number
}

/** Milliseconds within which those that were lost together come back. */
const SPREAD = 2000

/**
 * Milliseconds until a lost subscription is asked for anew; undefined: not by ourselves. What the notifier says is the least;
 * whoever was lost again and again waits longer (RFC 6665 §4.1.3).
 * @param failures since it last stood for a while
 * @param fraction in [0, 1)
 */
export function waitBefore(
  retry: Retry,
  failures: number,
  { first, longest }: BackoffOptions,
  fraction: number,
): number | undefined {
  if (retry.kind === 'never') return undefined
  const jitter = SPREAD * fraction
  if (retry.kind === 'now' && failures === 0) return jitter
  const least = retry.kind === 'after' ? retry.seconds * 1000 : 0
  const own = Math.min(first * 2 ** Math.min(failures, 20), longest)
  return Math.max(least, own * (0.5 + fraction / 2)) + jitter
}
