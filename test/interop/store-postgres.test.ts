import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PostgresDatabase } from '../../src/store/postgres/database.ts'
import { openPostgres } from '../../src/store/postgres/open.ts'
import { adminStoreSuite } from '../compliance/admin-store.ts'
import { type StoreBed, storeOptions, until } from '../compliance/bed.ts'
import { ALICE, fine, putHome } from '../compliance/fixtures.ts'
import { learnedContactsSuite } from '../compliance/learned-contacts.ts'
import { migrationSuite } from '../compliance/migrations.ts'
import { presenceStoreSuite } from '../compliance/presence-store.ts'
import { subjectStoreSuite } from '../compliance/subject-store.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

let postgres: Postgres
let beds = 0

beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
})

const place = (schema: string) => {
  const { host, port, user, database } = postgres
  return { host, port, user, database, schema, connections: 3 }
}

/** A schema of its own in the one server. */
async function bed(): Promise<StoreBed> {
  const schema = `bed_${++beds}`
  return {
    async open(options) {
      const opened = await openPostgres(place(schema), storeOptions(options))
      if (!opened.ok) throw new Error(opened.error.message)
      return opened.value
    },
    async execute(statement) {
      await postgres.query(`set search_path to ${schema}; ${statement}`)
    },
    async [Symbol.asyncDispose]() {
      await postgres.query(`drop schema if exists ${schema} cascade`)
    },
  }
}

describe('AdminStore on PostgreSQL', () => adminStoreSuite(bed))
describe('SubjectStore on PostgreSQL', () => subjectStoreSuite(bed))
describe('LearnedContacts on PostgreSQL', () => learnedContactsSuite(bed))
describe('PresenceStore on PostgreSQL', () => presenceStoreSuite(bed))
describe('migrations on PostgreSQL', () =>
  migrationSuite(async () => {
    const schema = `bed_${++beds}`
    return {
      async open() {
        const opened = await PostgresDatabase.open(place(schema), (error) => {
          throw error
        })
        if (!opened.ok) throw new Error(opened.error.message)
        return opened.value
      },
      async [Symbol.asyncDispose]() {
        await postgres.query(`drop schema if exists ${schema} cascade`)
      },
    }
  }))

describe('PostgreSQL', () => {
  const refused = async (changes: Partial<Parameters<typeof openPostgres>[0]>) => {
    const opened = await openPostgres({ ...place('refused'), lockWait: 300, ...changes }, storeOptions())
    if (opened.ok) {
      await opened.value.close()
      throw new Error('it was opened')
    }
    return opened.error
  }

  test('a server that is not there', async () => {
    const problem = await refused({ port: 1 })
    expect(problem).toMatchObject({
      code: 'unreachable',
      cure: 'start the database server, or correct host and port',
    })
    expect(problem.message).toBe('PostgreSQL dragoman@127.0.0.1:1/postgres does not answer (ECONNREFUSED)')
  })

  test('a database that is not there', async () => {
    expect(await refused({ database: 'nowhere' })).toMatchObject({ code: 'no-such-database' })
  })

  test('a user that is not there', async () => {
    expect(await refused({ user: 'stranger' })).toMatchObject({ code: 'sign-in-refused' })
  })

  test('a user that may not make tables', async () => {
    await postgres.query('create role guest login')
    expect(await refused({ user: 'guest' })).toMatchObject({ code: 'no-permission' })
  })

  test('TLS: the right authority, none, and a server without', async () => {
    await using over = await bed()
    await (await over.open()).close()
    const opened = await openPostgres({ ...place(`bed_${beds}`), tls: { ca: postgres.ca } }, storeOptions())
    if (!opened.ok) throw new Error(opened.error.message)
    await using store = opened.value
    expect((await store.revision()).all).toBe(1)
    const ours =
      "select count(*)::int as count from pg_stat_ssl join pg_stat_activity using (pid) where ssl and application_name = 'dragoman'"
    expect(await postgres.query(ours)).not.toEqual([{ count: 0 }])

    const problem = await refused({ tls: { ca: undefined } })
    expect(problem.code).toBe('unreachable')
    expect(problem.message).toContain('shows a certificate that is not trusted for it')
    await postgres.query('alter system set ssl = off')
    await postgres.query('select pg_reload_conf()')
    try {
      await until('the server is without TLS', async () => {
        const { message } = await refused({ tls: { ca: undefined } })
        return message === `PostgreSQL dragoman@127.0.0.1:${postgres.port}/postgres does not speak TLS`
      })
    } finally {
      await postgres.query('alter system reset ssl')
      await postgres.query('select pg_reload_conf()')
    }
  })

  test('a schema of another program', async () => {
    await postgres.query('create schema theirs')
    await postgres.query('create table theirs.invoices (id int)')
    expect(await refused({ schema: 'theirs' })).toMatchObject({ code: 'foreign' })
    expect(
      await postgres.query("select 1 from information_schema.tables where table_schema = 'theirs'"),
    ).toHaveLength(1)
  })

  test('a schema of a newer version', async () => {
    await using newer = await bed()
    await (await newer.open()).close()
    await postgres.query(`update bed_${beds}.schema_version set version = 99`)
    const problem = await refused({ schema: `bed_${beds}` })
    expect(problem.code).toBe('newer-schema')
    expect(problem.message).toContain('has schema version 99')
  })

  test('two that open an empty database at once', async () => {
    await using both = await bed()
    const stores = await Promise.all([both.open(), both.open(), both.open()])
    expect((await stores[0]?.revision())?.all).toBe(1)
    for (const store of stores) await store.close()
  })

  test('a change that meets a lock gives up after its time, and nothing is there', async () => {
    await using locked = await bed()
    const opened = await openPostgres({ ...place(`bed_${beds}`), lockWait: 300 }, storeOptions())
    if (!opened.ok) throw new Error(opened.error.message)
    await using store = opened.value
    await using other = await locked.open()
    const held = postgres.query(`begin; lock table bed_${beds}.revision; select pg_sleep(1.2); commit`)
    await until('the lock is held', async () => {
      const rows = await postgres.query(
        "select 1 from pg_locks where mode = 'AccessExclusiveLock' and granted",
      )
      return rows.length > 0
    })
    await expect(store.change(ALICE, [putHome('main')], { check: fine })).rejects.toMatchObject({
      problem: { code: 'locked' },
    })
    await held
    expect((await other.read()).rows.homes).toEqual([])
  })

  test('a change that the server ends to resolve a deadlock is made again', async () => {
    await using one = await bed()
    await using store = await one.open()
    const schema = `bed_${beds}`
    await postgres.query(`create sequence ${schema}.tries`)
    await postgres.query(`create function ${schema}.deadlock() returns trigger language plpgsql as $$
      begin
        if nextval('${schema}.tries') < 3 then raise exception 'deadlock' using errcode = '40P01'; end if;
        return new;
      end $$`)
    await postgres.query(
      `create trigger deadlock before insert on ${schema}.rows for each row execute function ${schema}.deadlock()`,
    )
    expect((await store.change(ALICE, [putHome('main')], { check: fine })).ok).toBe(true)
    expect((await store.audit({ limit: 9 })).rows).toHaveLength(1)
    await postgres.query(`alter sequence ${schema}.tries restart with -100 minvalue -100`)
    await expect(store.change(ALICE, [putHome('second')], { check: fine })).rejects.toMatchObject({
      problem: { code: 'failed' },
    })
    expect((await store.read()).rows.homes).toHaveLength(1)
  })

  test('a server that goes and comes back: failures have their name, and then all is well', async () => {
    await using gone = await bed()
    const faults: unknown[] = []
    await using store = await gone.open({ onFault: (error) => faults.push(error) })
    store.watch(() => undefined)
    await store.read()
    await postgres.stop()
    await until('the loss is told', () => faults.length > 0)
    expect(faults).toContainEqual(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'unreachable' }) }),
    )
    expect(faults.every((fault) => !('client' in ((fault as Error).cause as object)))).toBe(true)
    try {
      await expect(store.read()).rejects.toMatchObject({ problem: { code: 'unreachable' } })
      await expect(store.change(ALICE, [putHome('main')], { check: fine })).rejects.toMatchObject({
        problem: { code: 'unreachable' },
      })
    } finally {
      await postgres.start()
    }
    expect((await store.change(ALICE, [putHome('main')], { check: fine })).ok).toBe(true)
    expect((await store.read()).rows.homes).toHaveLength(1)
  })
})
