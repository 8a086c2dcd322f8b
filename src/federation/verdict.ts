import type { Level, Mark, ProviderType } from './model.ts'
import type { RefusalReason } from './refusals.ts'

/** The steps of a verdict, in the order in which they are asked. */
export const STEP_NAMES = [
  'sides',
  'switches',
  'blocked-domains',
  'provider',
  'domain-proof',
  'user',
  'policy',
  'block-list',
  'limits',
  'level',
] as const

export type StepName = (typeof STEP_NAMES)[number]

interface Asked {
  readonly name: StepName
  /** For our own people; never for a peer. */
  readonly detail: string
}

/** `skip`: the question does not arise, or an earlier step has refused. */
export interface PassingStep extends Asked {
  readonly result: 'pass' | 'skip'
}

export interface RefusingStep extends Asked {
  readonly result: 'refuse'
  readonly reason: RefusalReason
}

export type Step = PassingStep | RefusingStep

interface Judged {
  readonly direction: 'inbound' | 'outbound'
  /** The mark to set on the request; what the level makes of the peer's own. Outbound: our user's. */
  readonly mark: Mark
  /** What the peer said of its user. */
  readonly asserted: Mark | 'absent'
  /** The level that applied; undefined where none was reached. */
  readonly level: Level | undefined
  /** Where the remote side stands on the served user's contact list. */
  readonly list: 'allow' | 'block' | 'none'
  /** The policy that holds for the served user. */
  readonly policy: string | undefined
  readonly provider: string | undefined
  readonly providerType: ProviderType | undefined
  /** The served user does not show its status notes outside. */
  readonly hideNotes: boolean
  /** All steps of `STEP_NAMES`, in that order. */
  readonly steps: readonly Step[]
}

export interface Delivery extends Judged {
  readonly outcome: 'deliver'
}

export interface Refusal extends Judged {
  readonly outcome: 'refuse'
  readonly reason: RefusalReason
}

export type Verdict = Delivery | Refusal
