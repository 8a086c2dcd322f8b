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
   * @returns false: too many are waiting, and this one was dropped and counted
   */
  learn(
    own: Address,
    remote: Address,
    limits: { readonly lifetime: number; readonly perUser: number },
  ): boolean
  /** Told of each user for whom entries were written, so that what is remembered of it can be forgotten. */
  onLearned(listener: (own: Address) => void): void
  learnedStats(): LearnedStats
}

export interface LearnedStats {
  readonly waiting: number
  readonly written: number
  /** The queue was full. */
  readonly dropped: number
  /** Writes that the store refused; they are tried again. */
  readonly failed: number
}
