import { join } from 'node:path'
import SqliteConnection from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { SqliteWriter } from '../../src/store/sqlite/writer.ts'
import { storeOptions, until } from '../compliance/bed.ts'
import { tempDir } from '../support/temp.ts'

const ADD = 'insert into things (name) values (?)'
const REMOVE = 'delete from things where name <> ?'

async function bed(lockWait = 5000) {
  const directory = await tempDir('writer')
  const path = join(directory.path, 'things.db')
  const file = new SqliteConnection(path)
  file.pragma('journal_mode = wal')
  file.exec('create table things (name text primary key) strict')
  const writer = new SqliteWriter({ path, lockWait, statements: [ADD, REMOVE] })
  return {
    file,
    writer,
    names: () => file.prepare('select name from things order by name').pluck().all(),
    async [Symbol.asyncDispose]() {
      await writer.close()
      file.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

test('writes all steps of a transaction in their order, and says how many rows changed', async () => {
  await using writing = await bed()
  const adding = writing.writer.run([{ statement: 0, rows: [['a'], ['b'], ['c']] }])
  const changing = writing.writer.run([
    { statement: 1, rows: [['c']] },
    { statement: 0, rows: [['d']] },
  ])
  expect(await Promise.all([adding, changing])).toEqual([3, 3])
  expect(writing.names()).toEqual(['c', 'd'])
})

test('a step that fails undoes those before it; the error is the database’s own, and the next one goes on', async () => {
  await using writing = await bed()
  const failing = writing.writer.run([{ statement: 0, rows: [['a'], ['a']] }])
  await expect(failing).rejects.toBeInstanceOf(SqliteConnection.SqliteError)
  await expect(failing).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' })
  expect(writing.names()).toEqual([])
  expect(await writing.writer.run([{ statement: 0, rows: [['b']] }])).toBe(1)
})

test('waits for another writer while this thread goes on, and not for ever', async () => {
  await using writing = await bed(300)
  writing.file.exec('begin immediate')
  const patient = writing.writer.run([{ statement: 0, rows: [['a']] }])
  let turns = 0
  const turning = setInterval(() => turns++, 5)
  await until('this thread had its turns', () => turns > 5)
  clearInterval(turning)
  writing.file.exec('commit')
  expect(await patient).toBe(1)
  writing.file.exec('begin immediate')
  await expect(writing.writer.run([{ statement: 0, rows: [['b']] }])).rejects.toMatchObject({
    code: 'SQLITE_BUSY',
  })
  writing.file.exec('rollback')
})

test('closing waits for what was asked before, and a file that is not there is an error', async () => {
  await using writing = await bed()
  const asked = writing.writer.run([{ statement: 0, rows: [['a']] }])
  await writing.writer.close()
  expect(await asked).toBe(1)
  const nowhere = new SqliteWriter({ path: '/nowhere/x.db', lockWait: 0, statements: [] })
  await expect(nowhere.run([])).rejects.toThrow('directory does not exist')
  await nowhere.close()
})

test('a thread that ends by itself fails what was asked of it, and the next is asked of a new one', async () => {
  await using writing = await bed()
  const steps = [{ statement: 0, rows: [['a']] }]
  // What `close` sends: it ends without an answer.
  const unanswered = writing.writer.run(null as unknown as typeof steps)
  await expect(unanswered).rejects.toThrow('the writing thread has ended')
  expect(await writing.writer.run(steps)).toBe(1)
})

test('a lock that is held for a while is no failure of presence or of learned entries', async () => {
  await using directory = await tempDir('writer')
  const path = join(directory.path, 'federation.db')
  const opened = await openSqlite({ path }, storeOptions())
  if (!opened.ok) throw new Error(opened.error.message)
  await using store = opened.value
  const other = new SqliteConnection(path)
  other.exec('begin immediate')
  store.dropDialog('tag')
  const own = { user: 'romeo', domain: 'sip.example' } as Parameters<typeof store.learn>[0]
  store.learn(own, { ...own, domain: 'xmpp.example' } as typeof own, { lifetime: 1000, perUser: 1 })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect([store.presenceStats().waiting, store.learnedStats().waiting]).toEqual([1, 1])
  other.exec('commit')
  other.close()
  await until('both are written', () => store.presenceStats().written + store.learnedStats().written === 2)
  expect([store.presenceStats().failed, store.learnedStats().failed]).toEqual([0, 0])
})
