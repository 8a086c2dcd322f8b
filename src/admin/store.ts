import type { Address } from '../federation/address.ts'
import type {
  AllowedDomain,
  BlockedDomain,
  ContactEntry,
  ContactList,
  ContactMatch,
  Home,
  Link,
  Policy,
  Provider,
  SecretPlace,
  ServedDomain,
  User,
} from '../federation/model.ts'
import type { SettingKey, Settings } from '../federation/settings.ts'
import type { StoreRows, SuspendableList } from '../federation/sources.ts'
import type { Domain } from '../kernel/domain.ts'
import type { Result } from '../kernel/result.ts'

/** What administration needs of a store. Implemented by `store`, for SQLite and PostgreSQL alike. */
export interface AdminStore extends AsyncDisposable {
  /** For people: `SQLite /var/lib/dragoman/federation.db`, `PostgreSQL dragoman@db.example/dragoman`. */
  readonly description: string
  /** Everything but users and contact entries: `rows.users` and `rows.contacts` are empty. */
  read(): Promise<StoreState>
  /** A few microseconds on SQLite. */
  revision(): Promise<Revision>
  /**
   * One transaction: all of the mutations, their audit entries and a new revision, or nothing. Changes of all processes come
   * one after the other. Mutations that change nothing leave no trace; if all are such, the revision stays.
   * @throws StoreFault where the database fails (locked for too long, disk full, connection lost)
   */
  change<E>(
    actor: Actor,
    mutations: readonly Mutation[],
    options: ChangeOptions<E>,
  ): Promise<Result<Changed, ChangeRefusal<E>>>
  user(address: Address): Promise<User | undefined>
  /** In the order of their addresses. */
  users(query: UserQuery): Promise<Page<User, Address>>
  /** Learned entries that have expired are left out. */
  contacts(user: Address): Promise<ContactList>
  /** Of everybody who has some, what was not learned; in the order of their addresses. */
  contactLists(query: ContactListQuery): Promise<Page<ContactList, Address>>
  /** Newest first. */
  audit(query: AuditQuery): Promise<Page<AuditEntry, number>>
  /**
   * Tells of every change, this process's own and others', within a second of it. The listener must not throw.
   * @returns ends the watch
   */
  watch(listener: (revision: Revision) => void): () => void
  /** Waits for what is under way, writes what waits to be written, and closes. */
  close(): Promise<void>
}

/** Goes up with each change. */
export interface Revision {
  readonly all: number
  /** The revision of the last change to something else than users and contact entries: what a snapshot rests on. */
  readonly rows: number
}

export interface StoreState {
  readonly revision: Revision
  readonly rows: StoreRows
  /** By the name of a component link. */
  readonly secrets: ReadonlyMap<string, SecretReference>
  /** The revision in which a row of the store was last put; undefined: it has no such row. */
  changedIn(list: StoredList, name: string): number | undefined
}

/** The store never holds a secret itself. */
export type SecretReference = SecretPlace

export interface Actor {
  readonly name: string
  /** Nothing but its own word says who it is. */
  readonly claimed: boolean
}

/** Rows with a name of their own (a user's is its address, as `textOfAddress` writes it). */
export interface StoredRows {
  readonly homes: Home
  readonly servedDomains: ServedDomain
  readonly links: Link
  readonly providers: Provider
  readonly allowedDomains: AllowedDomain
  readonly blockedDomains: BlockedDomain
  readonly policies: Policy
  readonly users: User
}

export type StoredList = keyof StoredRows

/** The revision in which the row was last put, or that there is none yet; undefined: whatever is there. */
export type Expected = number | 'absent' | undefined

/** A row as a whole; its mark `suspended` is not looked at. */
export type PutRow = {
  [L in StoredList]: {
    readonly do: 'put'
    readonly list: L
    readonly row: StoredRows[L]
    readonly expected?: Expected
  } & (L extends 'links' ? { readonly secret: SecretReference | undefined } : unknown)
}[StoredList]

export type Mutation =
  | PutRow
  /** A shipped provider stays away; a user's contact list goes with it. */
  | { readonly do: 'remove'; readonly list: StoredList; readonly name: string; readonly expected?: Expected }
  /** A shipped provider that was removed or changed becomes what it was. */
  | { readonly do: 'restore-shipped'; readonly name: string }
  | {
      readonly do: 'put-contact'
      readonly user: Address
      readonly list: 'allow' | 'block'
      readonly entry: ContactEntry
    }
  | {
      readonly do: 'remove-contact'
      readonly user: Address
      readonly list: 'allow' | 'block'
      readonly match: ContactMatch
    }
  | { readonly do: 'clear-contacts'; readonly user: Address; readonly only?: 'learned' }
  | SetSetting
  /** Back to the default, or to what the file says. */
  | { readonly do: 'unset'; readonly key: SettingKey }
  /** Whoever owns the row. One that is suspended keeps its first mark. */
  | {
      readonly do: 'suspend'
      readonly list: SuspendableList
      readonly name: string
      readonly reason: string
    }
  | { readonly do: 'resume'; readonly list: SuspendableList; readonly name: string }

export type SetSetting = {
  [K in SettingKey]: { readonly do: 'set'; readonly key: K; readonly value: Settings[K] }
}[SettingKey]

export interface ChangeOptions<E> {
  /**
   * Whether the result can stand; runs inside the transaction and must be pure. `rows` is what the change makes of the
   * store, where `users` and `contacts` are those alone that the change puts.
   */
  readonly check: (after: Resulting) => Result<unknown, E> | Promise<Result<unknown, E>>
  /** Everything but the commit. */
  readonly dryRun?: boolean
}

export interface Resulting {
  readonly rows: StoreRows
  readonly secrets: ReadonlyMap<string, SecretReference>
  /** Rows that the change removes although users of the store refer to them. */
  readonly bereaved: readonly Bereaved[]
}

export interface Bereaved {
  readonly list: 'homes' | 'servedDomains' | 'providers' | 'policies'
  readonly name: string
  /** How many users, or contact lists, refer to it, and one of them. */
  readonly count: number
  readonly example: Address
}

export interface Changed {
  readonly revision: Revision
  /** In the order of the mutations; those that changed nothing are not among them. */
  readonly changes: readonly Change[]
}

/** What the audit log calls the object of a change. */
export type AuditedKind = StoredList | 'contacts' | 'settings' | 'federation'

export type AuditAction = 'add' | 'set' | 'remove' | 'restore' | 'suspend' | 'resume'

export interface Change {
  readonly action: AuditAction
  readonly kind: AuditedKind
  readonly name: string
  /** Undefined: there was none. */
  readonly before: Json | undefined
  readonly after: Json | undefined
}

export interface AuditEntry extends Change {
  readonly id: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly actor: Actor
  readonly revision: number
}

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

export type ChangeRefusal<E> =
  /** The check refused the result. */
  | { readonly code: 'refused'; readonly error: E }
  /** Somebody else was there first. `found`: the revision in which the row was last put. */
  | {
      readonly code: 'stale'
      readonly list: StoredList
      readonly name: string
      readonly expected: number | 'absent'
      readonly found: number | 'absent'
    }
  /** Nothing of that name to remove or resume. */
  | { readonly code: 'absent'; readonly kind: AuditedKind; readonly name: string }

export interface UserQuery {
  readonly limit: number
  /** Only those after this one. */
  readonly after?: Address | undefined
  readonly domain?: Domain | undefined
  /** Part of the address. */
  readonly containing?: string | undefined
  readonly home?: string | undefined
  readonly site?: string | undefined
  readonly policy?: string | undefined
  readonly enabled?: boolean | undefined
}

export interface ContactListQuery {
  readonly limit: number
  /** Only those after this user's. */
  readonly after?: Address | undefined
}

export interface AuditQuery {
  readonly limit: number
  /** Only those older than this entry. */
  readonly before?: number | undefined
  readonly kind?: AuditedKind | undefined
  readonly name?: string | undefined
  readonly actor?: string | undefined
  /** Milliseconds since the Unix epoch: from, and up to but without. */
  readonly since?: number | undefined
  readonly until?: number | undefined
}

export interface Page<T, Cursor> {
  readonly rows: readonly T[]
  /** What to ask for the next page with; undefined: this was the last. */
  readonly next: Cursor | undefined
}

export type StoreProblemCode =
  /** The directory does not exist, or the path names one. */
  | 'no-such-place'
  | 'no-permission'
  | 'not-a-database'
  /** A database, but another program's. */
  | 'foreign'
  /** Written by a newer version. */
  | 'newer-schema'
  | 'damaged'
  | 'locked'
  | 'disk-full'
  /** The database server does not answer, or the connection was lost. */
  | 'unreachable'
  | 'sign-in-refused'
  | 'no-such-database'
  | 'failed'

/** Why the store cannot be opened or used. */
export interface StoreProblem {
  readonly code: StoreProblemCode
  readonly message: string
  readonly cure: string
}

/** The database has failed while it was open. */
export class StoreFault extends Error {
  readonly problem: StoreProblem

  constructor(problem: StoreProblem, cause?: unknown) {
    super(problem.message, { cause })
    this.name = 'StoreFault'
    this.problem = problem
  }
}
