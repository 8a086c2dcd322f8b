import SqliteConnection from 'better-sqlite3'
import type { Revision } from '../../admin/store.ts'
import type { SubjectRecord, SubjectStore } from '../../edge/subjects.ts'
import { type Address, textOfAddress } from '../../federation/address.ts'
import type { Clock } from '../../kernel/clock.ts'
import { entriesOf, targetsOf } from '../contact-rows.ts'
import { isStorable, NO_RECORD } from '../subject-record.ts'
import type { ContactTable, UserTable } from '../tables.ts'
import { userOf } from '../user-rows.ts'
import { sqliteFault } from './database.ts'

/** Milliseconds: a reader waits only where another process repairs the file or holds it for itself alone. */
const TIMEOUT = 100

type UserRow = Omit<UserTable, 'revision' | 'domain'> & { readonly suspended: number }
type EntryRow = Omit<ContactTable, 'owner'>

/** Reads on a connection of its own, at once: prepared statements, found by primary key. */
export class SqliteSubjects implements SubjectStore {
  readonly #connection: SqliteConnection.Database
  readonly #description: string
  readonly #clock: Clock
  readonly #user: SqliteConnection.Statement<[string], UserRow>
  readonly #revision: SqliteConnection.Statement<[], { every: number; rows: number }>
  /** By the number of targets; a domain has at most 127 labels, so they are not many. */
  readonly #entries = new Map<number, SqliteConnection.Statement<(string | number)[], EntryRow>>()

  constructor(path: string, description: string, clock: Clock) {
    this.#description = description
    this.#clock = clock
    this.#connection = new SqliteConnection(path, { timeout: TIMEOUT, fileMustExist: true })
    this.#connection.pragma('query_only = on')
    this.#user = this.#connection.prepare(`
      select address, enabled, home, site, policy, contacts_only, hide_notes,
        exists (select 1 from suspensions where list = 'users' and name = address) as suspended
      from users where address = ?`)
    this.#revision = this.#connection.prepare('select every, rows from revision where id = 1')
  }

  load(own: Address, remote: Address, provider: string | undefined): SubjectRecord {
    const owner = textOfAddress(own)
    if (!isStorable(owner)) return NO_RECORD
    try {
      const user = this.#user.get(owner)
      const targets = targetsOf(remote, provider).filter(isStorable)
      const entries = this.#select(targets.length).all(owner, this.#clock.wall(), ...targets)
      if (user === undefined && entries.length === 0) return NO_RECORD
      return {
        user: user === undefined ? undefined : userOf(user, user.suspended === 1),
        contacts: entries.length === 0 ? undefined : { user: own, ...entriesOf(entries) },
      }
    } catch (error) {
      throw sqliteFault(error, this.#description)
    }
  }

  /** @throws StoreFault */
  revision(): Revision {
    try {
      const row = this.#revision.get()
      if (row === undefined) throw new Error(`${this.#description}: the revision is gone`)
      return { all: row.every, rows: row.rows }
    } catch (error) {
      throw sqliteFault(error, this.#description)
    }
  }

  close(): void {
    this.#connection.close()
  }

  #select(targets: number): SqliteConnection.Statement<(string | number)[], EntryRow> {
    let statement = this.#entries.get(targets)
    if (statement === undefined) {
      statement = this.#connection.prepare(`
        select target, list, origin, expires from contacts
        where owner = ? and (expires is null or expires > ?) and target in (${Array(targets).fill('?').join(', ')})`)
      this.#entries.set(targets, statement)
    }
    return statement
  }
}
