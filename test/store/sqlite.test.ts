import { join } from 'node:path'
import { describe } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { adminStoreSuite } from '../compliance/admin-store.ts'
import { type StoreBed, storeOptions } from '../compliance/bed.ts'
import { learnedContactsSuite } from '../compliance/learned-contacts.ts'
import { subjectStoreSuite } from '../compliance/subject-store.ts'
import { tempDir } from '../support/temp.ts'

async function bed(): Promise<StoreBed> {
  const directory = await tempDir('store')
  return {
    async open(options) {
      const opened = await openSqlite({ path: join(directory.path, 'federation.db') }, storeOptions(options))
      if (!opened.ok) throw new Error(opened.error.message)
      return opened.value
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

describe('AdminStore on SQLite', () => adminStoreSuite(bed))
describe('SubjectStore on SQLite', () => subjectStoreSuite(bed))
describe('LearnedContacts on SQLite', () => learnedContactsSuite(bed))
