import type { Conflict } from '../federation/conflicts.ts'
import { err, type Result } from '../kernel/result.ts'
import type { Fault } from './forms.ts'

export type AdminProblemCode =
  /** The request itself is wrong: a field, a value, a name that cannot be. */
  | 'bad-request'
  | 'not-found'
  /** It is as was asked already. */
  | 'nothing-to-do'
  | 'exists'
  /** The row or setting is the configuration file's. */
  | 'file-owned'
  /** Rows that cannot stand together. */
  | 'conflict'
  /** Somebody else changed the row in between. */
  | 'stale'
  /** The configuration names no store. */
  | 'no-store'
  /** The object does not know this command. */
  | 'not-possible'
  | 'store-failed'
  /** The daemon does not answer, or not in words we know. */
  | 'unreachable'
  | 'internal'

/** Why a request was not done. Nothing was changed. */
export interface AdminProblem {
  readonly code: AdminProblemCode
  readonly message: string
  /** What to do about it. */
  readonly cure: string
  /** Of `bad-request`: every wrong field. */
  readonly faults?: readonly Fault[]
  /** Of `conflict`: the rows. */
  readonly conflicts?: readonly Conflict[]
}

export type Answer<T> = Result<T, AdminProblem>

export const problem = (code: AdminProblemCode, message: string, cure: string): AdminProblem => ({
  code,
  message,
  cure,
})

export const refuse = (code: AdminProblemCode, message: string, cure: string): Answer<never> =>
  err(problem(code, message, cure))

export const HTTP_STATUS = {
  'bad-request': 400,
  'not-found': 404,
  'nothing-to-do': 409,
  exists: 409,
  'file-owned': 409,
  conflict: 409,
  stale: 409,
  'no-store': 409,
  'not-possible': 409,
  'store-failed': 503,
  unreachable: 503,
  internal: 500,
} as const satisfies Record<AdminProblemCode, number>
