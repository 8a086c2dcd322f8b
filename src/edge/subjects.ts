import type { Address } from '../federation/address.ts'
import type { ContactList, User } from '../federation/model.ts'

/** What the store knows of a served user with regard to one remote side. */
export interface SubjectRecord {
  /** Undefined: the store has no row of the user. */
  readonly user: User | undefined
  /** Only those entries that can mean the remote side and have not expired; undefined: none. */
  readonly contacts: ContactList | undefined
}

/**
 * Where the rows of users and their contact entries come from when they are not in the snapshot.
 * @throws StoreFault where the store fails: nothing is known then, which is not the same as no row
 */
export interface SubjectStore {
  /**
   * At once where the store is in the process.
   * @param provider the one that owns the remote domain
   */
  load(own: Address, remote: Address, provider: string | undefined): SubjectRecord | Promise<SubjectRecord>
}

/** Entries that a user's own outgoing messages and subscriptions leave on its Allow list. */
export interface LearnedContacts {
  /**
   * Takes note; written a moment later, off the message's path. An entry of the user's own or of an administrator's is
   * left as it is; one learned before lives longer.
   * @param limits milliseconds that the entry lives, and how many learned entries the user may have (the oldest go)
   */
  learn(
    own: Address,
    remote: Address,
    limits: { readonly lifetime: number; readonly perUser: number },
  ): Lesson
  /**
   * What taught this entry has failed after all. Once for each `learn` that said `on-trial`; the entry goes when all of
   * them have failed, unless it was there before them, or somebody else has learned it too.
   */
  unlearn(own: Address, remote: Address): void
  /**
   * Told of each user whose learned entries have changed, in this process or, as far as the store is watched, in
   * another, so that what is remembered of it can be forgotten. Undefined: of too many to name them.
   */
  onLearned(listener: (own: Address | undefined) => void): void
  learnedStats(): LearnedStats
}

/**
 * `on-trial`: it may still be taken back by `unlearn`. `known`: it was learned before, and stays. `dropped`: too many are
 * waiting, and this one was counted.
 */
export type Lesson = 'on-trial' | 'known' | 'dropped'

export interface LearnedStats {
  readonly waiting: number
  readonly written: number
  /** Entries that went again, since what taught them had failed. */
  readonly takenBack: number
  /** The queue was full. */
  readonly dropped: number
  /** Writes that the store refused; they are tried again. */
  readonly failed: number
}
