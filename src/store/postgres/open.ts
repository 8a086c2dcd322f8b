import { StoreFault, type StoreProblem } from '../../admin/store.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { migrate } from '../migrate.ts'
import { Store, type StoreOptions } from '../store.ts'
import type { PostgresOptions } from './connection.ts'
import { PostgresDatabase } from './database.ts'
import { PostgresLearned } from './learned.ts'
import { PostgresPresence } from './presence.ts'
import { PostgresSubjects } from './subjects.ts'

/** Signs in, and brings the schema to the version of this program. The database itself must exist. */
export async function openPostgres(
  place: PostgresOptions,
  options: StoreOptions,
): Promise<Result<Store, StoreProblem>> {
  const opened = await PostgresDatabase.open(place, options.onFault)
  if (!opened.ok) return opened
  const database = opened.value
  try {
    const migrated = await migrate(database, options.clock)
    if (!migrated.ok) {
      await database.close()
      return migrated
    }
    const { pool, description } = database
    const subjects = new PostgresSubjects(pool, description, options.clock)
    const parts = {
      database,
      subjects,
      learned: new PostgresLearned(pool, description),
      presence: new PostgresPresence(pool, description),
      look: () => subjects.look(),
      learnedSince: (mark: number, most: number) => subjects.learnedSince(mark, most),
      // The pool is the database's, and ends with it.
      close: () => undefined,
    }
    return ok(new Store(parts, await subjects.look(), options))
  } catch (error) {
    await database.close()
    if (error instanceof StoreFault) return err(error.problem)
    throw error
  }
}
