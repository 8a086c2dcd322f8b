import type { Address } from '../federation/address.ts'
import { addressOf } from './contact-rows.ts'

/** Marks that are kept: whoever has seen none for longer forgets everybody. */
export const MARKS_KEPT = 1000
/** Users that are forgotten one by one. */
const MOST = 1000

export interface LearnedElsewhereOptions {
  /** The mark that is known already. */
  readonly at: number
  /** Users on whom a later mark was left, `most` of them. */
  readonly since: (mark: number, most: number) => readonly string[] | Promise<readonly string[]>
  /** Undefined: of too many users to name them. */
  readonly tell: (own: Address | undefined) => void
}

/**
 * Finds out whose learned entries another process has written. Each transaction leaves a mark on its users, one more than
 * the mark before it, so that a look costs one number while nothing has happened.
 */
export class LearnedElsewhere {
  readonly #options: LearnedElsewhereOptions
  #seen: number

  constructor(options: LearnedElsewhereOptions) {
    this.#options = options
    this.#seen = options.at
  }

  /** A mark of this process, whose users have been told: nobody else was in between, or `upTo` will find out. */
  own(mark: number): void {
    if (mark === this.#seen + 1) this.#seen = mark
  }

  /** @param mark the newest there is; one below what was seen is that of another database, brought back from a backup */
  async upTo(mark: number): Promise<void> {
    const { since, tell } = this.#options
    if (mark === this.#seen) return
    const few = mark > this.#seen && mark - this.#seen < MARKS_KEPT
    const owners = few ? await since(this.#seen, MOST + 1) : undefined
    this.#seen = mark
    if (owners === undefined || owners.length > MOST) tell(undefined)
    else for (const owner of owners) tell(addressOf(owner))
  }
}
