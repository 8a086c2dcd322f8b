import { REFUSALS } from '../../federation/refusals.ts'
import type { Refusal, StepName } from '../../federation/verdict.ts'

/**
 * Steps that judge these two people. The others are switches of ours, or something that is missing for a while: what somebody
 * was once allowed to see is still allowed when they are back.
 */
const ABOUT_PEOPLE: ReadonlySet<StepName> = new Set(['blocked-domains', 'policy', 'block-list', 'level'])

/** Whether a refusal of what is running takes the authorization with it. */
export const isFinal = ({ reason, steps }: Pick<Refusal, 'reason' | 'steps'>): boolean => {
  const refusing = steps.find(({ result }) => result === 'refuse')
  return ABOUT_PEOPLE.has(refusing?.name ?? REFUSALS[reason].step)
}
