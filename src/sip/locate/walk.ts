import type { Target } from './target.ts'

/** How a try at one target ended. */
export type Outcome =
  | {
      readonly kind: 'response'
      readonly status: number
      /** Milliseconds, where there is a Retry-After. */
      readonly retryAfter?: number | undefined
    }
  /** Timer B or F; `provisional`: there was a response, so somebody is there. */
  | { readonly kind: 'timeout'; readonly provisional: boolean }
  | { readonly kind: 'transport-failure'; readonly reason: string }

/** A request on its way through a list of targets. */
export interface Walk {
  /** The one to try now, in a transaction of its own: each has a new branch (RFC 3263 §4.3). */
  readonly target: Target
  readonly left: readonly Target[]
}

/** @param tries targets that may be tried, one at least */
export function startWalk(targets: readonly Target[], tries: number): Walk | undefined {
  const [target, ...left] = targets.slice(0, Math.max(1, tries))
  return target === undefined ? undefined : { target, left }
}

export type Step =
  | { readonly kind: 'next'; readonly walk: Walk }
  /** The outcome is that of the request. */
  | { readonly kind: 'final'; readonly outcome: Outcome }

/** RFC 3263 §4.3: whether the next target is tried after this. */
export function afterTry(walk: Walk, outcome: Outcome): Step {
  const [target, ...left] = walk.left
  return target === undefined || !hasFailed(outcome)
    ? { kind: 'final', outcome }
    : { kind: 'next', walk: { target, left } }
}

/** 503, a failure of the transport, or silence from beginning to end. Any other response is the request's answer. */
export function hasFailed(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'response':
      return outcome.status === 503
    case 'timeout':
      return !outcome.provisional
    case 'transport-failure':
      return true
  }
}
