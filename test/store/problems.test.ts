import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import SqliteConnection from 'better-sqlite3'
import { expect, test } from 'vitest'
import { MIGRATIONS } from '../../src/store/migrations/all.ts'
import { postgresProblem, sqliteProblem } from '../../src/store/problems.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { storeOptions } from '../compliance/bed.ts'
import { ALICE, fine, putHome } from '../compliance/fixtures.ts'
import { tempDir } from '../support/temp.ts'

const open = (path: string, lockWait = 200) => openSqlite({ path, lockWait }, storeOptions())

async function problemOf(path: string) {
  const opened = await open(path)
  if (opened.ok) {
    await opened.value.close()
    throw new Error('it was opened')
  }
  return opened.error
}

async function made(path: string): Promise<void> {
  const opened = await open(path)
  if (!opened.ok) throw new Error(opened.error.message)
  await opened.value.close()
}

function edit(path: string, ...statements: readonly string[]): void {
  const file = new SqliteConnection(path)
  for (const statement of statements) file.exec(statement)
  file.close()
}

/** Runs as a plain user where the tests run as root, for whom there are no permissions. */
async function asPlainUser<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return await work()
  process.setegid?.(65_534)
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

test('a directory that is not there', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'none', 'federation.db')
  expect(await problemOf(path)).toEqual({
    code: 'no-such-place',
    message: `SQLite ${path} cannot be opened: there is no such directory, or the path is one itself (ENOENT)`,
    cure: 'create the directory, or correct the path',
  })
})

test('a path that is a directory', async () => {
  await using directory = await tempDir('problems')
  expect(await problemOf(directory.path)).toMatchObject({ code: 'no-such-place' })
})

test.for([
  ['a text', 'dear diary, this is no database and it is longer than a header'],
  ['a short text', 'x'],
  ['a database whose first page is noise', `SQLite format 3\0${'?'.repeat(4080)}`],
] as const)('%s', async ([, content]) => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  writeFileSync(path, content)
  const problem = await problemOf(path)
  expect(problem.code).toBe('not-a-database')
  expect(readFileSync(path, 'latin1')).toBe(content)
})

test('a database of another program', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  edit(path, 'create table invoices (id integer)', 'create table customers (id integer)')
  const problem = await problemOf(path)
  expect(problem.code).toBe('foreign')
  expect(problem.message).toBe(
    `SQLite ${path} belongs to another program (it has the tables customers, invoices)`,
  )
})

test('a schema of a newer version is refused and left as it is', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  await made(path)
  edit(path, 'update schema_version set version = 99')
  expect(await problemOf(path)).toEqual({
    code: 'newer-schema',
    message: `SQLite ${path} has schema version 99; this Dragoman knows versions up to ${MIGRATIONS.length}`,
    cure: 'install the newer Dragoman again, or restore the backup made before the upgrade',
  })
})

test('a damaged file', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  await made(path)
  const bytes = readFileSync(path)
  bytes.fill(0x5a, 4096)
  writeFileSync(path, bytes)
  const opened = await open(path)
  if (!opened.ok) {
    expect(opened.error.code).toBe('damaged')
    return
  }
  await using store = opened.value
  await expect(store.read()).rejects.toMatchObject({ problem: { code: 'damaged' } })
})

test('a file that may not be written', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  await made(path)
  chmodSync(directory.path, 0o777)
  chmodSync(path, 0o444)
  const problem = await asPlainUser(() => problemOf(path))
  expect(problem.code).toBe('no-permission')
  expect(problem.message).toBe(`SQLite ${path} may not be read and written by this user (EACCES)`)
})

test('a directory in which no file can be made', async () => {
  await using directory = await tempDir('problems')
  chmodSync(directory.path, 0o555)
  const problem = await asPlainUser(() => problemOf(join(directory.path, 'federation.db')))
  expect(problem.code).toBe('no-permission')
  chmodSync(directory.path, 0o755)
})

test('the file is for its owner alone, and root makes it for the owner of the directory', async () => {
  await using directory = await tempDir('problems')
  const inside = join(directory.path, 'state')
  mkdirSync(inside)
  const path = join(inside, 'federation.db')
  const root = process.getuid?.() === 0
  if (root) chownSync(inside, 65_534, 65_534)
  const opened = await open(path)
  if (!opened.ok) throw new Error(opened.error.message)
  await using store = opened.value
  await store.change(ALICE, [putHome('main')], { check: fine })
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    expect(existsSync(file), file).toBe(true)
    expect(statSync(file).mode & 0o777, file).toBe(0o600)
    expect(statSync(file).uid, file).toBe(root ? 65_534 : process.getuid?.())
  }
})

test('a lock of another process: what is there can be read, a change gives up after its time', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  await made(path)
  const other = new SqliteConnection(path)
  other.exec('begin immediate')
  const opened = await open(path)
  if (!opened.ok) throw new Error(opened.error.message)
  await using store = opened.value
  expect((await store.read()).rows.homes).toEqual([])
  const started = performance.now()
  await expect(store.change(ALICE, [putHome('main')], { check: fine })).rejects.toMatchObject({
    problem: {
      code: 'locked',
      message: `SQLite ${path} is locked by another process (SQLITE_BUSY)`,
      cure: 'end the other process (an open sqlite3 shell, a backup), or try again',
    },
  })
  // Sooner than by default.
  expect(performance.now() - started).toBeLessThan(5000)
  other.exec('rollback')
  other.close()
  expect((await store.change(ALICE, [putHome('main')], { check: fine })).ok).toBe(true)
})

test('a lock that goes in time is waited for, and the process does other things meanwhile', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  await made(path)
  const other = new SqliteConnection(path)
  other.exec('begin immediate')
  const opened = await open(path, 30_000)
  if (!opened.ok) throw new Error(opened.error.message)
  await using store = opened.value
  // The lock goes by what else the process does.
  let turns = 0
  const ticking = setInterval(() => {
    turns++
    if (turns < 30) return
    clearInterval(ticking)
    other.exec('commit')
    other.close()
  }, 5)
  expect((await store.change(ALICE, [putHome('main')], { check: fine })).ok).toBe(true)
  expect(turns).toBe(30)
})

test('a lock held while the file is opened for the first time', async () => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  await made(path)
  const other = new SqliteConnection(path)
  other.pragma('locking_mode = exclusive')
  other.exec('begin exclusive')
  expect(await problemOf(path)).toMatchObject({ code: 'locked' })
  other.close()
})

test.for([
  ['not JSON', "update rows set body = '{'", 'homes "main" in the store cannot be read: not JSON'],
  [
    'a wrong field',
    `update rows set body = json_set(body, '$.enforce', 'moon')`,
    'homes "main" in the store cannot be read: enforce: Invalid option',
  ],
  [
    'a list that is none',
    "update rows set list = 'moons'",
    'moons "main" in the store cannot be read: there is no such list',
  ],
  [
    'a setting that is none',
    "insert into settings values ('moon', '1')",
    'settings in the store cannot be read: there is no setting "moon"',
  ],
  [
    'a setting of the wrong kind',
    "insert into settings values ('sip', '1')",
    'settings "sip" in the store cannot be read: Invalid input',
  ],
  [
    'a mark on what cannot be suspended',
    "insert into suspensions values ('moons', 'main', 'me', 1, '')",
    'suspensions "main" in the store cannot be read: moons cannot be suspended',
  ],
] as const)('a row that somebody else has written: %s', async ([, statement, message]) => {
  await using directory = await tempDir('problems')
  const path = join(directory.path, 'federation.db')
  const opened = await open(path)
  if (!opened.ok) throw new Error(opened.error.message)
  await opened.value.change(ALICE, [putHome('main')], { check: fine })
  await opened.value.close()
  edit(path, statement)
  const again = await open(path)
  if (!again.ok) throw new Error(again.error.message)
  await using store = again.value
  await expect(store.read()).rejects.toMatchObject({ problem: { code: 'damaged' } })
  await expect(store.read()).rejects.toThrow(`the row ${message}`)
})

test.for([
  ['SQLITE_FULL', 'disk-full'],
  ['SQLITE_BUSY_SNAPSHOT', 'locked'],
  ['SQLITE_READONLY_DBMOVED', 'no-permission'],
  ['SQLITE_CORRUPT_VTAB', 'damaged'],
  ['SQLITE_IOERR_WRITE', 'failed'],
  ['ENOSPC', 'disk-full'],
] as const)('SQLite: %s is %s', ([code, expected]) => {
  const problem = sqliteProblem(Object.assign(new Error('message'), { code }), 'SQLite x')
  expect(problem.code).toBe(expected)
  expect(problem.message.startsWith('SQLite x ')).toBe(true)
  expect(problem.cure).not.toBe('')
})

test.for([
  ['28P01', 'sign-in-refused'],
  ['3D000', 'no-such-database'],
  ['53300', 'unreachable'],
  ['57P03', 'unreachable'],
  ['55P03', 'locked'],
  ['53100', 'disk-full'],
  ['22P05', 'failed'],
] as const)('PostgreSQL: %s is %s', ([code, expected]) => {
  expect(postgresProblem(Object.assign(new Error('message'), { code }), 'PostgreSQL x').code).toBe(expected)
})

test('PostgreSQL: a host with several addresses, and a connection that ends, are unreachable', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  expect(postgresProblem(new AggregateError([refused, refused]), 'x').code).toBe('unreachable')
  expect(postgresProblem(new Error('Connection terminated unexpectedly'), 'x').code).toBe('unreachable')
})
