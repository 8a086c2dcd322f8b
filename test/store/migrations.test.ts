import { join } from 'node:path'
import { describe } from 'vitest'
import { SqliteDatabase } from '../../src/store/sqlite/database.ts'
import { migrationSuite } from '../compliance/migrations.ts'
import { tempDir } from '../support/temp.ts'

describe('migrations on SQLite', () =>
  migrationSuite(async () => {
    const directory = await tempDir('migrations')
    return {
      async open() {
        const opened = await SqliteDatabase.open({ path: join(directory.path, 'federation.db') })
        if (!opened.ok) throw new Error(opened.error.message)
        return opened.value
      },
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    }
  }))
