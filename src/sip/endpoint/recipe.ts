import type { HeaderField } from '../headers.ts'
import { REASONS } from '../reasons.ts'

/** What the transaction user says besides the status. */
export interface RespondOptions {
  readonly reason?: string | undefined
  /** Share one array between answers where you can: it is kept for Timer J. */
  readonly headers?: readonly HeaderField[]
  /** The whole value of To and the body, of a response that is passed on (RFC 3261 §16.7). */
  readonly to?: string | undefined
  readonly body?: Uint8Array | undefined
}

/** A response without what its request repeats anyway: kept for Timer J, shared where it can be. */
export interface Recipe {
  readonly status: number
  readonly reason: string | undefined
  readonly headers: readonly HeaderField[]
  /** The value of To and the body, of a response that is passed on. */
  readonly to?: string | undefined
  readonly body?: Uint8Array | undefined
}

const NO_FIELDS: readonly HeaderField[] = []

/** One for each status: most answers are nothing but that. */
const PLAIN = new Map<number, Recipe>()

export function recipeOf(status: number, options: RespondOptions = {}): Recipe {
  const { reason, headers = NO_FIELDS, to, body } = options
  const plain = headers.length === 0 && to === undefined && body === undefined
  if (!plain || (reason !== undefined && reason !== REASONS[status]))
    return { status, reason, headers, to, body }
  let recipe = PLAIN.get(status)
  if (recipe === undefined) {
    recipe = { status, reason: undefined, headers: NO_FIELDS, to: undefined, body: undefined }
    PLAIN.set(status, recipe)
  }
  return recipe
}
