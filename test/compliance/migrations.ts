import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { MIGRATIONS } from '../../src/store/migrations/all.ts'
import type { Migration } from '../../src/store/migrations/migration.ts'

export interface MigrationBed extends AsyncDisposable {
  open(): Promise<Database>
}

/** What each version had, by the version: written when it was current, and still there after every migration since. */
const WRITTEN: Readonly<Record<number, readonly string[]>> = {
  1: [
    `insert into rows values ('policies', 'lovers', '{"name":"lovers","flags":{"federation":true,"publicIm":false,"xmpp":true},"description":null}', 7)`,
    `insert into settings values ('sip', 'false')`,
    `insert into suspensions values ('providers', 'AOL', 'alice', 5, 'why')`,
    `insert into removed_shipped values ('Jabber')`,
    `insert into audit (at, revision, actor, claimed, action, kind, name) values (5, 7, 'alice', 1, 'add', 'policies', 'lovers')`,
    'update revision set every = 7, rows = 7',
  ],
  2: [
    `insert into users values ('romeo@sip.example', 'sip.example', 1, null, 'Verona', 'lovers', 0, 1, 7)`,
    `insert into contacts values ('romeo@sip.example', 'address:juliet@xmpp.example', 'allow', 'user', null)`,
  ],
  3: [`insert into learned_marks values ('romeo@sip.example', 3)`, 'update learned_revision set mark = 3'],
  4: [
    `insert into presence_authorizations values ('in', 'juliet@xmpp.example', 'sip:romeo@sip.example', 'granted', 5)`,
    `insert into presence_dialogs values ('tag', 'in', 'juliet@xmpp.example', 'sip:romeo@sip.example', 6, '{}')`,
  ],
}

const TABLES = [
  'rows',
  'settings',
  'suspensions',
  'removed_shipped',
  'audit',
  'revision',
  'users',
  'contacts',
  'learned_revision',
  'learned_marks',
  'presence_authorizations',
  'presence_dialogs',
]

/** @param makeBed one empty database */
export function migrationSuite(makeBed: () => Promise<MigrationBed>): void {
  const write = (database: Database, version: number) =>
    database.exclusive(async (db) => {
      for (const statement of WRITTEN[version] ?? []) await sql.raw(statement).execute(db)
    })
  const contents = (database: Database) =>
    database.plain(async (db) => {
      const found: Record<string, unknown> = {}
      for (const table of await database.tableNames(db)) {
        if (TABLES.includes(table))
          found[table] = (await sql`select * from ${sql.table(table)}`.execute(db)).rows
      }
      return found
    })

  test('every version has something written in it', () => {
    expect(Object.keys(WRITTEN)).toHaveLength(MIGRATIONS.length)
  })

  for (let from = 0; from <= MIGRATIONS.length; from++) {
    test(`from version ${from} to ${MIGRATIONS.length}: nothing is lost`, async () => {
      await using bed = await makeBed()
      const database = await bed.open()
      const first = await migrate(database, systemClock, MIGRATIONS.slice(0, from))
      expect(first).toEqual({ ok: true, value: 0 })
      for (let version = 1; version <= from; version++) await write(database, version)
      const before = await contents(database)

      expect(await migrate(database, systemClock)).toEqual({ ok: true, value: from })
      expect(await migrate(database, systemClock)).toEqual({ ok: true, value: MIGRATIONS.length })
      for (let version = from + 1; version <= MIGRATIONS.length; version++) await write(database, version)
      const after = await contents(database)
      expect(after).toMatchObject(before)
      for (const table of TABLES) expect(after[table], table).toHaveLength(1)
      await database.close()
    })
  }

  test('a step that fails undoes those before it, and can be tried again', async () => {
    await using bed = await makeBed()
    const database = await bed.open()
    await migrate(database, systemClock, MIGRATIONS.slice(0, 1))
    await write(database, 1)
    const before = await contents(database)
    const broken: Migration = {
      name: 'broken',
      async up(db) {
        await sql`update revision set every = 99`.execute(db)
        await db.schema.createTable('half').addColumn('x', 'integer').execute()
        await sql`insert into no_such_table values (1)`.execute(db)
      },
    }
    await expect(migrate(database, systemClock, [...MIGRATIONS, broken])).rejects.toThrow()
    expect(await contents(database)).toEqual(before)
    expect(await migrate(database, systemClock)).toEqual({ ok: true, value: 1 })
    await database.close()
  })

  test('several at once: one migrates, the others find it done', async () => {
    await using bed = await makeBed()
    const databases = [await bed.open(), await bed.open(), await bed.open()]
    const found = await Promise.all(databases.map((database) => migrate(database, systemClock)))
    expect(found.every((each) => each.ok)).toBe(true)
    expect((await contents(databases[0] as Database)).revision).toHaveLength(1)
    for (const database of databases) await database.close()
  })
}
