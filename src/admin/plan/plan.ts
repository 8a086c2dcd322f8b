import { ok } from '../../kernel/result.ts'
import type { RowForms } from '../forms.ts'
import type { Answer } from '../problem.ts'
import type { AdminStore, Mutation } from '../store.ts'
import type { View } from '../view.ts'

/** What a plan is made from. */
export interface Scene {
  readonly view: View
  /** Undefined: there is no store; then nothing can be planned but reading goes on. */
  readonly store: AdminStore | undefined
  readonly forms: RowForms
}

/** What the store is to do, all in one change. */
export interface Plan {
  readonly mutations: readonly Mutation[]
  /** What need not be done, and why; perhaps all of it. */
  readonly nothing?: string | undefined
}

export const plan = (...mutations: readonly Mutation[]): Answer<Plan> => ok({ mutations })

export const nothing = (message: string): Answer<Plan> => ok({ mutations: [], nothing: message })
