import { type Kysely, sql } from 'kysely'
import { StoreFault, type StoreProblem } from '../admin/store.ts'
import type { Clock } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { MIGRATIONS } from './migrations/all.ts'
import { COLUMN_TYPES, type Migration, type Product } from './migrations/migration.ts'
import { problem } from './problems.ts'
import type { Tables } from './tables.ts'

/** What the migrator needs of a database; the products differ in how they lock and list tables. */
export interface Migratable {
  readonly product: Product
  readonly description: string
  /** Alone in the database until it ends; what it throws undoes everything. */
  exclusive<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T>
  /** Outside a transaction, without waiting for a lock. */
  plain<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T>
  tableNames(db: Kysely<unknown>): Promise<readonly string[]>
}

/**
 * Brings the database to the version of this program, each step in one transaction with its new version number.
 * @param steps the migrations, fewer than all only in tests
 * @returns the version that was found
 */
export async function migrate(
  database: Migratable,
  clock: Clock,
  steps: readonly Migration[] = MIGRATIONS,
): Promise<Result<number, StoreProblem>> {
  const found = await database.plain((db) => versionOf(database, db))
  if (!found.ok) return found
  if (found.value > steps.length) return err(newer(database, found.value, steps.length))
  if (found.value === steps.length) return found
  return await database.exclusive(async (db) => {
    // Another process may have been quicker.
    const now = await versionOf(database, db)
    if (!now.ok) return now
    if (now.value > steps.length) return err(newer(database, now.value, steps.length))
    if (now.value === 0) await createVersion(database, db)
    for (const step of steps.slice(now.value)) await step.up(db, COLUMN_TYPES[database.product])
    await sql`update schema_version set version = ${steps.length}, at = ${clock.wall()}`.execute(db)
    return found
  })
}

/**
 * A newer Dragoman may bring the tables to its version while this one runs: then nothing is written any more.
 * @throws StoreFault
 */
export async function refuseNewer(
  database: Pick<Migratable, 'description'>,
  db: Kysely<Tables>,
): Promise<void> {
  const found = await db.selectFrom('schema_version').select('version').executeTakeFirst()
  const version = Number(found?.version ?? 0)
  if (version > MIGRATIONS.length) throw new StoreFault(newer(database, version, MIGRATIONS.length))
}

/** 0: the database is empty. */
async function versionOf(database: Migratable, db: Kysely<unknown>): Promise<Result<number, StoreProblem>> {
  const tables = await database.tableNames(db)
  if (tables.length === 0) return ok(0)
  if (!tables.includes('schema_version')) return err(foreign(database, tables))
  const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(db)
  return rows[0] === undefined ? err(foreign(database, tables)) : ok(Number(rows[0].version))
}

async function createVersion(database: Migratable, db: Kysely<unknown>): Promise<void> {
  const { integer, table } = COLUMN_TYPES[database.product]
  await db.schema
    .createTable('schema_version')
    .addColumn('version', integer, (c) => c.notNull())
    .addColumn('at', integer, (c) => c.notNull())
    .modifyEnd(table)
    .execute()
  await sql`insert into schema_version (version, at) values (0, 0)`.execute(db)
}

const newer = (database: Pick<Migratable, 'description'>, found: number, known: number): StoreProblem =>
  problem(
    'newer-schema',
    `${database.description} has schema version ${found}; this Dragoman knows versions up to ${known}`,
    'install the newer Dragoman again, or restore the backup made before the upgrade',
  )

const foreign = (database: Migratable, tables: readonly string[]): StoreProblem =>
  problem(
    'foreign',
    `${database.description} belongs to another program (it has ${
      tables.length === 1 ? 'the table' : 'the tables'
    } ${tables.slice(0, 3).join(', ')}${tables.length > 3 ? ', …' : ''})`,
    'name a database of its own for Dragoman',
  )
