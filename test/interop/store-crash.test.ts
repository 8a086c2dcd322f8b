import { join } from 'node:path'
import SqliteConnection from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { User } from '../../src/federation/model.ts'
import { openStore, type StorePlace } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { storeOptions } from '../compliance/bed.ts'
import { startPostgres } from '../support/postgres.ts'
import { Child } from '../support/process.ts'
import { tempDir } from '../support/temp.ts'

const WRITER = join(import.meta.dirname, '../support/store-writer.mjs')
const PRESENCE_WRITER = join(import.meta.dirname, '../support/presence-writer.mjs')
const PARTS = 20

/** Starts a writer, kills it `milliseconds` after its second change, and says which changes it had reported. */
async function interrupted(
  place: StorePlace,
  prefix: string,
  milliseconds: number,
  writer = WRITER,
): Promise<readonly string[]> {
  const child = new Child(process.execPath, [writer, JSON.stringify(place), prefix], { name: 'writer' })
  await child.line(/^open$/, { within: 20_000 })
  for (let i = 0; i < 2; i++) await child.line(/^committed /, { within: 20_000 })
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  const exit = await child.kill()
  expect(exit.signal, child.tail()).toBe('SIGKILL')
  return child.lines
    .filter((line) => line.startsWith('committed '))
    .map((line) => line.slice('committed '.length))
}

async function everyUser(store: Store): Promise<readonly User[]> {
  const users: User[] = []
  for (let after: User['address'] | undefined; ; ) {
    const page = await store.users({ limit: 5000, after })
    users.push(...page.rows)
    if (page.next === undefined) return users
    after = page.next
  }
}

/** All that was reported is there, and of nothing is there a part. */
async function expectWhole(place: StorePlace, reported: readonly string[]): Promise<void> {
  const opened = await openStore(place, storeOptions())
  if (!opened.ok) throw new Error(opened.error.message)
  await using store = opened.value
  const { rows, revision } = await store.read()
  const names = rows.policies.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining([...reported]))
  // One change per killed writer may have been committed and not yet been reported.
  expect(revision.all).toBe(names.length + 1)
  expect(rows.suspensions.map(({ name }) => name).sort()).toEqual([...names].sort())
  const users = await everyUser(store)
  const perChange = new Map<string, number>()
  for (const { policy } of users) perChange.set(String(policy), (perChange.get(String(policy)) ?? 0) + 1)
  expect([...perChange].sort()).toEqual([...names].sort().map((name) => [name, PARTS]))
  for (const name of names.slice(-3)) {
    const audit = await store.audit({ limit: 100, actor: name })
    expect(audit.rows).toHaveLength(2 + 2 * PARTS)
    const last = users.find(({ policy }) => policy === name)
    const contacts = last && (await store.contacts(last.address))
    expect(contacts?.allow.filter(({ by }) => by === 'admin')).toHaveLength(1)
  }
}

test('SQLite: a writer killed in the midst of changes leaves the database whole', async () => {
  await using directory = await tempDir('crash')
  const place: StorePlace = { kind: 'sqlite', path: join(directory.path, 'federation.db') }
  const reported: string[] = []
  for (const [i, milliseconds] of [3, 41, 97, 160, 233].entries()) {
    reported.push(...(await interrupted(place, `run${i}`, milliseconds)))
    await expectWhole(place, reported)
  }
  expect(reported.length).toBeGreaterThan(5)
  using file = closing(new SqliteConnection(place.path))
  expect(file.connection.pragma('integrity_check', { simple: true })).toBe('ok')
})

test('SQLite: two writers at once, one of them killed', async () => {
  await using directory = await tempDir('crash')
  const place: StorePlace = { kind: 'sqlite', path: join(directory.path, 'federation.db') }
  const [one, two] = await Promise.all([interrupted(place, 'one', 150), interrupted(place, 'two', 300)])
  await expectWhole(place, [...one, ...two])
})

test('PostgreSQL: a writer killed in the midst of changes leaves the database whole', async () => {
  await using postgres = await startPostgres()
  const { host, port, user, database } = postgres
  const place: StorePlace = { kind: 'postgresql', host, port, user, database }
  const reported: string[] = []
  for (const [i, milliseconds] of [3, 97, 200].entries()) {
    reported.push(...(await interrupted(place, `run${i}`, milliseconds)))
    await expectWhole(place, reported)
  }
})

/** All pairs of the rounds that were reported are there, and no dialog without its pair. */
async function expectPresence(place: StorePlace, reported: readonly string[]): Promise<void> {
  const opened = await openStore(place, storeOptions())
  if (!opened.ok) throw new Error(opened.error.message)
  await using store = opened.value
  const pairs = new Map<string, number>()
  const dialogs = new Map<string, number>()
  for await (const part of store.loadPresence()) {
    for (const { sip } of part.authorizations) pairs.set(sip, (pairs.get(sip) ?? 0) + 1)
    for (const { sip, body } of part.dialogs) {
      expect(body).toBe('{"whole":true}')
      dialogs.set(sip, (dialogs.get(sip) ?? 0) + 1)
    }
  }
  for (const [sip, count] of dialogs) expect(pairs.get(sip)).toBeGreaterThanOrEqual(count)
  const complete = reported.map((name) => `sip:${name}@sip.example`)
  for (const sip of complete) expect([sip, pairs.get(sip), dialogs.get(sip)]).toEqual([sip, 2000, 2000])
  expect(complete.length).toBeGreaterThan(0)
}

test('SQLite: a process killed while it writes presence: what was written is there', async () => {
  await using directory = await tempDir('crash')
  const place: StorePlace = { kind: 'sqlite', path: join(directory.path, 'federation.db') }
  const reported: string[] = []
  for (const [i, milliseconds] of [130, 211, 350].entries()) {
    reported.push(...(await interrupted(place, `run${i}`, milliseconds, PRESENCE_WRITER)))
    await expectPresence(place, reported)
  }
  using file = closing(new SqliteConnection(place.path))
  expect(file.connection.pragma('integrity_check', { simple: true })).toBe('ok')
})

test('PostgreSQL: a process killed while it writes presence: what was written is there', async () => {
  await using postgres = await startPostgres()
  const { host, port, user, database } = postgres
  const place: StorePlace = { kind: 'postgresql', host, port, user, database }
  await expectPresence(place, await interrupted(place, 'run', 250, PRESENCE_WRITER))
})

const closing = (connection: SqliteConnection.Database) => ({
  connection,
  [Symbol.dispose]: () => {
    connection.close()
  },
})
