import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { StoreFault, type StoreProblem } from '../../admin/store.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Database } from '../database.ts'
import type { Tables } from '../tables.ts'
import { createPool, describe, type PostgresOptions, postgresFault, schemaOf } from './connection.ts'

/** A batch of learned entries locks rows in its own order; the server ends one of two that wait for each other. */
const ATTEMPTS = 3
const isDeadlock = (error: unknown): boolean =>
  error instanceof StoreFault && error.cause instanceof pg.DatabaseError && error.cause.code === '40P01'

/** PostgreSQL for administration. Durable as the server is (`synchronous_commit`, on by default). */
export class PostgresDatabase implements Database {
  readonly product = 'postgresql'
  readonly description: string
  readonly pool: pg.Pool
  readonly #db: Kysely<Tables>
  readonly #schema: string

  private constructor(pool: pg.Pool, options: PostgresOptions) {
    this.pool = pool
    this.description = describe(options)
    this.#schema = schemaOf(options)
    this.#db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  }

  static async open(
    options: PostgresOptions,
    onFault: (error: unknown) => void,
  ): Promise<Result<PostgresDatabase, StoreProblem>> {
    const database = new PostgresDatabase(createPool(options, onFault), options)
    try {
      await database.read((db) => sql`select 1`.execute(db))
      return ok(database)
    } catch (error) {
      await database.close()
      if (error instanceof StoreFault) return err(error.problem)
      throw error
    }
  }

  async read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return await this.#named(() => this.#db.connection().execute(work))
  }

  async change<T>(
    work: (db: Kysely<Tables>) => Promise<{ readonly commit: boolean; readonly value: T }>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#transaction(async (db) => {
          // Changes come one after the other: each sees what the one before has made.
          await sql`select 1 from revision where id = 1 for update`.execute(db)
          return await work(db)
        })
      } catch (error) {
        if (attempt === ATTEMPTS || !isDeadlock(error)) throw error
      }
    }
  }

  async exclusive<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
    return await this.#transaction(async (db) => {
      await sql`select pg_advisory_xact_lock(hashtext(${this.#schema}))`.execute(db)
      await sql`create schema if not exists ${sql.id(this.#schema)}`.execute(db)
      return { commit: true, value: await work(db as Kysely<unknown>) }
    })
  }

  async plain<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
    return await this.read((db) => work(db as Kysely<unknown>))
  }

  async tableNames(db: Kysely<unknown>): Promise<readonly string[]> {
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = ${this.#schema} order by name
    `.execute(db)
    return tables.rows.map(({ name }) => name)
  }

  async close(): Promise<void> {
    await this.#db.destroy()
  }

  async #transaction<T>(
    work: (db: Kysely<Tables>) => Promise<{ readonly commit: boolean; readonly value: T }>,
  ): Promise<T> {
    return await this.#named(() =>
      this.#db.connection().execute(async (db) => {
        await sql`begin`.execute(db)
        try {
          const { commit, value } = await work(db)
          await (commit ? sql`commit` : sql`rollback`).execute(db)
          return value
        } catch (error) {
          // A lost connection cannot be told; the server undoes what it has not finished.
          await sql`rollback`.execute(db).catch(() => undefined)
          throw error
        }
      }),
    )
  }

  async #named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw postgresFault(error, this.description)
    }
  }
}
