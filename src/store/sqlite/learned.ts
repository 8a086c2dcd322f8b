import SqliteConnection from 'better-sqlite3'
import type { Gone, Learned } from '../learner.ts'
import { sqliteFault } from './database.ts'

/** Rows that one sweep deletes at most. */
const SWEEP = 500

/**
 * Learned entries on a connection of their own. `synchronous=NORMAL`: they survive a killed process, and the last of
 * them may be lost with the power. Never waits for a lock, which would stand in the way of the messages: a locked
 * database is a failure, and the batch is tried again.
 */
export class SqliteLearned {
  readonly #connection: SqliteConnection.Database
  readonly #description: string
  readonly #write: SqliteConnection.Transaction<(batch: readonly Learned[]) => readonly Gone[]>
  readonly #sweep: SqliteConnection.Statement<[number]>

  constructor(path: string, description: string) {
    this.#description = description
    this.#connection = new SqliteConnection(path, { timeout: 0, fileMustExist: true })
    this.#connection.pragma('synchronous = normal')
    const put = this.#connection.prepare<[string, string, number]>(`
      insert into contacts (owner, target, list, origin, expires) values (?, ?, 'allow', 'learned', ?)
      on conflict (owner, target, list) do update set expires = excluded.expires
      where contacts.origin = 'learned' and excluded.expires > contacts.expires`)
    const trim = this.#connection.prepare<[string, string, number], Gone>(`
      delete from contacts where owner = ? and list = 'allow' and origin = 'learned' and target in (
        select target from contacts where owner = ? and list = 'allow' and origin = 'learned'
        order by expires desc, target limit -1 offset ?)
      returning owner, target`)
    this.#sweep = this.#connection.prepare(`
      delete from contacts where (owner, target, list) in (
        select owner, target, list from contacts where expires is not null and expires <= ? limit ${SWEEP})`)
    this.#write = this.#connection.transaction((batch) => {
      const limits = new Map<string, number>()
      for (const { owner, target, expires, perUser } of batch) {
        put.run(owner, target, expires)
        limits.set(owner, perUser)
      }
      return [...limits].flatMap(([owner, perUser]) => trim.all(owner, owner, perUser))
    })
  }

  /** @throws StoreFault */
  write(batch: readonly Learned[]): readonly Gone[] {
    return this.#named(() => this.#write.immediate(batch))
  }

  /** @throws StoreFault */
  sweep(now: number): void {
    this.#named(() => this.#sweep.run(now))
  }

  close(): void {
    this.#connection.close()
  }

  #named<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteFault(error, this.#description)
    }
  }
}
