import { join } from 'node:path'
import SqliteConnection from 'better-sqlite3'
import { describe } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { adminStoreSuite } from '../compliance/admin-store.ts'
import { type StoreBed, storeOptions } from '../compliance/bed.ts'
import { learnedContactsSuite } from '../compliance/learned-contacts.ts'
import { presenceStoreSuite } from '../compliance/presence-store.ts'
import { subjectStoreSuite } from '../compliance/subject-store.ts'
import { tempDir } from '../support/temp.ts'

async function bed(): Promise<StoreBed> {
  const directory = await tempDir('store')
  const path = join(directory.path, 'federation.db')
  return {
    async open(options) {
      const opened = await openSqlite({ path }, storeOptions(options))
      if (!opened.ok) throw new Error(opened.error.message)
      return opened.value
    },
    async execute(statement) {
      const file = new SqliteConnection(path)
      file.exec(statement)
      file.close()
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

describe('AdminStore on SQLite', () => adminStoreSuite(bed))
describe('SubjectStore on SQLite', () => subjectStoreSuite(bed))
describe('LearnedContacts on SQLite', () => learnedContactsSuite(bed))
describe('PresenceStore on SQLite', () => presenceStoreSuite(bed))
