import { StoreFault, type StoreProblem } from '../../admin/store.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { migrate } from '../migrate.ts'
import { Store, type StoreOptions } from '../store.ts'
import { SqliteDatabase, type SqliteOptions } from './database.ts'
import { SqliteLearned } from './learned.ts'
import { SqlitePresence } from './presence.ts'
import { SqliteSubjects } from './subjects.ts'

/** Opens the file, makes it where there is none, and brings it to the version of this program. */
export async function openSqlite(
  place: SqliteOptions,
  options: StoreOptions,
): Promise<Result<Store, StoreProblem>> {
  const opened = await SqliteDatabase.open(place)
  if (!opened.ok) return opened
  const database = opened.value
  try {
    const migrated = await migrate(database, options.clock)
    if (!migrated.ok) {
      await database.close()
      return migrated
    }
    const subjects = new SqliteSubjects(place.path, database.description, options.clock)
    const learned = new SqliteLearned(place, database.description)
    const presence = new SqlitePresence(place, database.description)
    const parts = {
      database,
      subjects,
      learned,
      presence,
      look: () => subjects.look(),
      learnedSince: (mark: number, most: number) => subjects.learnedSince(mark, most),
      close: async () => {
        subjects.close()
        learned.close()
        await presence.close()
      },
    }
    return ok(new Store(parts, subjects.look(), options))
  } catch (error) {
    await database.close()
    if (error instanceof StoreFault) return err(error.problem)
    throw error
  }
}
