import { setTimeout as sleep } from 'node:timers/promises'
import SqliteConnection from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import type { StoreFault, StoreProblem } from '../../admin/store.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Database } from '../database.ts'
import { faultOf, sqliteProblem } from '../problems.ts'
import type { Tables } from '../tables.ts'
import { noWal, prepareFile } from './open-file.ts'

/** Milliseconds between two looks at a lock. SQLite itself would wait by standing still, and the process with it. */
const PAUSE = 10

export interface SqliteOptions {
  readonly path: string
  /** Milliseconds to wait for another process's transaction (5000). */
  readonly lockWait?: number | undefined
}

/**
 * SQLite for administration. `synchronous=FULL`: what was committed survives the loss of power, at the price of one
 * flush to the disk for each change.
 */
export class SqliteDatabase implements Database {
  readonly product = 'sqlite'
  readonly description: string
  readonly #connection: SqliteConnection.Database
  readonly #db: Kysely<Tables>
  readonly #lockWait: number

  private constructor(connection: SqliteConnection.Database, description: string, lockWait: number) {
    this.#connection = connection
    this.description = description
    this.#lockWait = lockWait
    this.#db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
  }

  static async open({ path, lockWait = 5000 }: SqliteOptions): Promise<Result<SqliteDatabase, StoreProblem>> {
    const description = `SQLite ${path}`
    const prepared = prepareFile(path, description)
    if (!prepared.ok) return prepared
    let connection: SqliteConnection.Database | undefined
    try {
      connection = new SqliteConnection(path, { timeout: 0, fileMustExist: true })
      const opened = connection
      const mode = await patiently(lockWait, () => opened.pragma('journal_mode = wal', { simple: true }))
      if (mode !== 'wal') {
        connection.close()
        return err(noWal(description, mode))
      }
      connection.pragma('synchronous = full')
      return ok(new SqliteDatabase(connection, description, lockWait))
    } catch (error) {
      connection?.close()
      return err(sqliteProblem(error, description))
    }
  }

  async read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return await this.#named(() =>
      this.#db.connection().execute((db) => patiently(this.#lockWait, () => work(db))),
    )
  }

  async change<T>(
    work: (db: Kysely<Tables>) => Promise<{ readonly commit: boolean; readonly value: T }>,
  ): Promise<T> {
    return await this.#named(() => this.#db.connection().execute((db) => this.#transaction(db, work)))
  }

  async exclusive<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
    return await this.change(async (db) => ({ commit: true, value: await work(db as Kysely<unknown>) }))
  }

  async plain<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
    return await this.read((db) => work(db as Kysely<unknown>))
  }

  async tableNames(db: Kysely<unknown>): Promise<readonly string[]> {
    const tables = await sql<{ name: string }>`
      select name from sqlite_master where type = 'table' and name not like 'sqlite~_%' escape '~' order by name
    `.execute(db)
    return tables.rows.map(({ name }) => name)
  }

  async close(): Promise<void> {
    await this.#db.destroy()
  }

  async #transaction<T>(
    db: Kysely<Tables>,
    work: (db: Kysely<Tables>) => Promise<{ readonly commit: boolean; readonly value: T }>,
  ): Promise<T> {
    // A transaction that begins by reading could not become one that writes once somebody else has written.
    await patiently(this.#lockWait, () => sql`begin immediate`.execute(db))
    try {
      const { commit, value } = await work(db)
      await (commit ? sql`commit` : sql`rollback`).execute(db)
      return value
    } catch (error) {
      // Some failures (a full disk) have undone it already.
      if (this.#connection.inTransaction) await sql`rollback`.execute(db)
      throw error
    }
  }

  async #named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw sqliteFault(error, this.description)
    }
  }
}

/** What is not of SQLite (a mistake in a caller's check) stays what it is. */
export function sqliteFault(error: unknown, description: string): StoreFault | unknown {
  return error instanceof SqliteConnection.SqliteError
    ? faultOf(error, (each) => sqliteProblem(each, description))
    : error
}

/** Again and again while the database is locked, without standing still. */
export async function patiently<T>(wait: number, work: () => T | Promise<T>): Promise<T> {
  const until = performance.now() + wait
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error
    }
    await sleep(PAUSE)
  }
}

export const isBusy = (error: unknown): boolean =>
  error instanceof SqliteConnection.SqliteError && error.code.startsWith('SQLITE_BUSY')
