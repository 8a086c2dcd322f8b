import { REFUSALS, type RefusalReason } from './refusals.ts'
import type { PassingStep, RefusingStep, StepName } from './verdict.ts'

export const pass = (name: StepName, detail: string): PassingStep =>
  Object.freeze({ name, result: 'pass', detail })

export const skip = (name: StepName, detail: string): PassingStep =>
  Object.freeze({ name, result: 'skip', detail })

/** @param name the step, where the reason is not of one step alone (`suspended`) */
export const refuse = (
  reason: RefusalReason,
  detail: string,
  name: StepName = REFUSALS[reason].step,
): RefusingStep => Object.freeze({ name, result: 'refuse', reason, detail })
