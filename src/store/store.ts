import type {
  Actor,
  AdminStore,
  AuditEntry,
  AuditQuery,
  Changed,
  ChangeOptions,
  ChangeRefusal,
  ContactListQuery,
  Mutation,
  Page,
  Revision,
  StoreState,
  UserQuery,
} from '../admin/store.ts'
import type {
  PresencePair,
  PresenceStore,
  PresenceStoreStats,
  StoredAuthorization,
  StoredDialog,
  StoredPresence,
} from '../edge/presence/store.ts'
import type { LearnedContacts, LearnedStats, Lesson, SubjectRecord, SubjectStore } from '../edge/subjects.ts'
import type { Address } from '../federation/address.ts'
import type { ContactList, User } from '../federation/model.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Result } from '../kernel/result.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import { Administration } from './administration.ts'
import type { Database } from './database.ts'
import { LearnedElsewhere } from './learned-elsewhere.ts'
import { Learner, type LearnerOptions } from './learner.ts'
import { loadPresence } from './presence-load.ts'
import type { PresenceRows } from './presence-rows.ts'
import { PresenceWriter } from './presence-writer.ts'
import { Sweeper } from './sweeper.ts'
import { Watch } from './watch.ts'

export interface StoreOptions {
  readonly clock: Clock
  readonly timers: Timers
  /**
   * Told of failures that no caller waits for: a look at the revision, a batch of learned entries or of
   * presence. They are tried again.
   */
  readonly onFault: (error: unknown) => void
  /** Milliseconds between two looks at the revision (250). */
  readonly watchEvery?: number | undefined
  /** Milliseconds that entries of the audit log are kept; undefined: this process deletes none. */
  readonly auditKeep?: number | undefined
  /** Learned entries that may wait (10,000). */
  readonly learnedQueue?: number | undefined
}

/** How far the database has come. */
export interface Look {
  readonly revision: Revision
  /** Of the last batch of learned entries; they do not make a revision, since they are many and concern one user each. */
  readonly mark: number
}

/** The parts in which the products differ. */
export interface Parts {
  readonly database: Database
  readonly subjects: SubjectStore
  readonly learned: Pick<LearnerOptions, 'write' | 'sweep'>
  readonly presence: PresenceRows
  readonly look: () => Look | Promise<Look>
  /** Users whose learned entries have got a later mark, `most` of them. */
  readonly learnedSince: (mark: number, most: number) => readonly string[] | Promise<readonly string[]>
  /** All connections but that of `database`. */
  close(): void | Promise<void>
}

/** The store as a whole: what administration and the edge need, on one database. */
export class Store implements AdminStore, SubjectStore, LearnedContacts, PresenceStore {
  readonly description: string
  readonly #parts: Parts
  readonly #administration: Administration
  readonly #watch: Watch
  readonly #learner: Learner
  readonly #presence: PresenceWriter
  readonly #clock: Clock
  readonly #auditSweeper: Sweeper | undefined
  #closing: Promise<void> | undefined

  /** @param at how far it has come */
  constructor(parts: Parts, at: Look, options: StoreOptions) {
    const { clock, timers, onFault } = options
    this.#parts = parts
    this.#clock = clock
    this.description = parts.database.description
    this.#learner = new Learner({
      write: (batch) => parts.learned.write(batch),
      sweep: (now) => parts.learned.sweep(now),
      onMark: (mark) => elsewhere.own(mark),
      onFault,
      clock,
      timers,
      queue: options.learnedQueue,
    })
    this.#presence = new PresenceWriter({ rows: parts.presence, onFault, clock, timers })
    const elsewhere = new LearnedElsewhere({
      at: at.mark,
      since: (mark, most) => parts.learnedSince(mark, most),
      tell: (own) => this.#learner.tell(own),
    })
    const ask = async (): Promise<Revision> => {
      const { revision, mark } = await parts.look()
      await elsewhere.upTo(mark)
      return revision
    }
    const every = options.watchEvery ?? 250
    this.#watch = new Watch({ ask, clock, timers, every, onFault }, at.revision)
    this.#administration = new Administration(parts.database, clock, (revision) => {
      this.#learner.forget()
      this.#watch.tell(revision)
    })
    const { auditKeep } = options
    if (auditKeep === undefined) return
    const sweep = (now: number) => this.#administration.sweepAudit(now - auditKeep)
    this.#auditSweeper = new Sweeper({ sweep, onFault, clock, timers })
  }

  read(): Promise<StoreState> {
    return this.#administration.read()
  }

  revision(): Promise<Revision> {
    return this.#administration.revision()
  }

  change<E>(
    actor: Actor,
    mutations: readonly Mutation[],
    options: ChangeOptions<E>,
  ): Promise<Result<Changed, ChangeRefusal<E>>> {
    return this.#administration.change(actor, mutations, options)
  }

  user(address: Address): Promise<User | undefined> {
    return this.#administration.user(address)
  }

  users(query: UserQuery): Promise<Page<User, Address>> {
    return this.#administration.users(query)
  }

  contacts(user: Address): Promise<ContactList> {
    return this.#administration.contacts(user)
  }

  contactLists(query: ContactListQuery): Promise<Page<ContactList, Address>> {
    return this.#administration.contactLists(query)
  }

  audit(query: AuditQuery): Promise<Page<AuditEntry, number>> {
    return this.#administration.audit(query)
  }

  watch(listener: (revision: Revision) => void): () => void {
    return this.#watch.add((revision) => {
      this.#learner.forget()
      listener(revision)
    })
  }

  load(own: Address, remote: Address, provider: string | undefined): SubjectRecord | Promise<SubjectRecord> {
    return this.#parts.subjects.load(own, remote, provider)
  }

  learn(
    own: Address,
    remote: Address,
    limits: { readonly lifetime: number; readonly perUser: number },
  ): Lesson {
    return this.#learner.learn(own, remote, limits)
  }

  unlearn(own: Address, remote: Address): void {
    this.#learner.unlearn(own, remote)
  }

  onLearned(listener: (own: Address | undefined) => void): void {
    this.#learner.onLearned(listener)
  }

  learnedStats(): LearnedStats {
    return this.#learner.learnedStats()
  }

  loadPresence(): AsyncIterable<StoredPresence> {
    return loadPresence(this.#parts.presence, this.#clock)
  }

  keepAuthorization(authorization: StoredAuthorization): void {
    this.#presence.keepAuthorization(authorization)
  }

  dropPair(pair: PresencePair): void {
    this.#presence.dropPair(pair)
  }

  keepDialog(dialog: StoredDialog): void {
    this.#presence.keepDialog(dialog)
  }

  dropDialog(id: string): void {
    this.#presence.dropDialog(id)
  }

  presenceStats(): PresenceStoreStats {
    return this.#presence.presenceStats()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#watch.close()
    this.#auditSweeper?.close()
    await this.#learner.close()
    await this.#presence.close()
    await this.#parts.close()
    await this.#parts.database.close()
  }
}
