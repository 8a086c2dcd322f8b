import type { Learning } from './model.ts'
import type { RequestFacts } from './request.ts'
import type { Verdict } from './verdict.ts'

/** What became of a request that was let through. */
export type LearningOutcome = 'delivered' | 'failed'

/** What leaves a contact entry behind: a word to somebody, or the wish to see somebody. */
const TELLING = {
  message: true,
  presence: true,
  session: false,
  query: false,
} as const satisfies Record<RequestFacts['kind'], boolean>

/**
 * Does this request put its recipient on the sender's Allow list? Only the user's own outgoing message or subscription
 * does, permitted and successful. What comes in never does: a stranger cannot let itself in.
 * @param automatic no person sent it: a notice, an auto-reply, a notification, the refresh or end of a subscription
 */
export const learns = (
  request: Pick<RequestFacts, 'kind'>,
  verdict: Pick<Verdict, 'outcome' | 'direction'>,
  outcome: LearningOutcome,
  automatic: boolean,
  learning: Pick<Learning, 'enabled'>,
): boolean =>
  learning.enabled &&
  !automatic &&
  outcome === 'delivered' &&
  verdict.outcome === 'deliver' &&
  verdict.direction === 'outbound' &&
  TELLING[request.kind]
