import type pg from 'pg'
import type { Revision } from '../../admin/store.ts'
import type { SubjectRecord, SubjectStore } from '../../edge/subjects.ts'
import { type Address, textOfAddress } from '../../federation/address.ts'
import type { Clock } from '../../kernel/clock.ts'
import { entriesOf, targetsOf } from '../contact-rows.ts'
import { isStorable, NO_RECORD } from '../subject-record.ts'
import type { ContactTable, UserTable } from '../tables.ts'
import { userOf } from '../user-rows.ts'
import { postgresFault } from './connection.ts'

/** Prepared once on each connection, by these names. */
const USER = {
  name: 'subject-user',
  text: `select address, enabled, home, site, policy, contacts_only, hide_notes,
      exists (select 1 from suspensions where list = 'users' and name = address) as suspended
    from users where address = $1`,
}
const ENTRIES = {
  name: 'subject-entries',
  text: `select target, list, origin, expires from contacts
    where owner = $1 and target = any($2) and (expires is null or expires > $3)`,
}
const REVISION = { name: 'revision', text: 'select every, rows from revision where id = 1' }

type UserRow = Omit<UserTable, 'revision' | 'domain'> & { readonly suspended: boolean }

export class PostgresSubjects implements SubjectStore {
  readonly #pool: pg.Pool
  readonly #description: string
  readonly #clock: Clock

  constructor(pool: pg.Pool, description: string, clock: Clock) {
    this.#pool = pool
    this.#description = description
    this.#clock = clock
  }

  async load(own: Address, remote: Address, provider: string | undefined): Promise<SubjectRecord> {
    const owner = textOfAddress(own)
    if (!isStorable(owner)) return NO_RECORD
    const targets = targetsOf(remote, provider).filter(isStorable)
    try {
      const [users, entries] = await Promise.all([
        this.#pool.query<UserRow>({ ...USER, values: [owner] }),
        this.#pool.query<ContactTable>({ ...ENTRIES, values: [owner, targets, this.#clock.wall()] }),
      ])
      const user = users.rows[0]
      if (user === undefined && entries.rows.length === 0) return NO_RECORD
      return {
        user: user === undefined ? undefined : userOf(user, user.suspended),
        contacts: entries.rows.length === 0 ? undefined : { user: own, ...entriesOf(entries.rows) },
      }
    } catch (error) {
      throw postgresFault(error, this.#description)
    }
  }

  /** @throws StoreFault */
  async revision(): Promise<Revision> {
    try {
      const { rows } = await this.#pool.query<{ every: number; rows: number }>(REVISION)
      if (rows[0] === undefined) throw new Error(`${this.#description}: the revision is gone`)
      return { all: rows[0].every, rows: rows[0].rows }
    } catch (error) {
      throw postgresFault(error, this.#description)
    }
  }
}
