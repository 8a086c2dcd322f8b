import SqliteConnection from 'better-sqlite3'
import { MARKS_KEPT } from '../learned-elsewhere.ts'
import type { Batch, Pair, Wrote } from '../learner.ts'
import { patiently, type SqliteOptions, sqliteFault } from './database.ts'

/** Rows that one sweep deletes at most, of each kind. */
const SWEEP = 500

type Found = Wrote['found'][number]

/**
 * Learned entries on a connection of their own. `synchronous=NORMAL`: they survive a killed process, and the last of
 * them may be lost with the power. For another writer it waits without standing still, which would be in the way of the
 * messages.
 */
export class SqliteLearned {
  readonly #connection: SqliteConnection.Database
  readonly #description: string
  readonly #lockWait: number
  readonly #write: SqliteConnection.Transaction<(batch: Batch) => Wrote>
  readonly #sweep: SqliteConnection.Transaction<(now: number) => boolean>

  constructor({ path, lockWait = 5000 }: SqliteOptions, description: string) {
    this.#description = description
    this.#lockWait = lockWait
    this.#connection = new SqliteConnection(path, { timeout: 0, fileMustExist: true })
    this.#connection.pragma('synchronous = normal')
    const takeBack = this.#connection.prepare<[string, string, number]>(`
      delete from contacts where owner = ? and target = ? and list = 'allow' and origin = 'learned' and expires = ?`)
    const find = this.#connection.prepare<[string, string], Found>(
      `select owner, target, expires from contacts where owner = ? and target = ? and list = 'allow'`,
    )
    const put = this.#connection.prepare<[string, string, number]>(`
      insert into contacts (owner, target, list, origin, expires) values (?, ?, 'allow', 'learned', ?)
      on conflict (owner, target, list) do update set expires = excluded.expires
      where contacts.origin = 'learned' and excluded.expires > contacts.expires`)
    const trim = this.#connection.prepare<[string, string, number], Pair>(`
      delete from contacts where owner = ? and list = 'allow' and origin = 'learned' and target in (
        select target from contacts where owner = ? and list = 'allow' and origin = 'learned'
        order by expires desc, target limit -1 offset ?)
      returning owner, target`)
    const next = this.#connection.prepare<[], { mark: number }>(
      'update learned_revision set mark = mark + 1 where id = 1 returning mark',
    )
    const leave = this.#connection.prepare<[string, number]>(`
      insert into learned_marks (owner, mark) values (?, ?)
      on conflict (owner) do update set mark = excluded.mark`)
    this.#write = this.#connection.transaction(({ learned, unlearned }) => {
      for (const { owner, target, expires } of unlearned) takeBack.run(owner, target, expires)
      const found: Found[] = []
      const limits = new Map<string, number>()
      for (const { owner, target, expires, perUser } of learned) {
        found.push(...find.all(owner, target))
        put.run(owner, target, expires)
        limits.set(owner, perUser)
      }
      const gone = [...limits].flatMap(([owner, perUser]) => trim.all(owner, owner, perUser))
      const mark = next.get()?.mark
      if (mark === undefined) throw new Error(`${description}: the revision of learned entries is gone`)
      for (const owner of new Set([...learned, ...unlearned].map((entry) => entry.owner)))
        leave.run(owner, mark)
      return { found, gone, mark }
    })
    const sweepEntries = this.#connection.prepare<[number]>(`
      delete from contacts where (owner, target, list) in (
        select owner, target, list from contacts where expires is not null and expires <= ? limit ${SWEEP})`)
    const sweepMarks = this.#connection.prepare<[]>(`
      delete from learned_marks where owner in (
        select owner from learned_marks
        where mark <= (select mark from learned_revision where id = 1) - ${MARKS_KEPT} limit ${SWEEP})`)
    this.#sweep = this.#connection.transaction((now) => {
      const deleted = [sweepEntries.run(now).changes, sweepMarks.run().changes]
      return deleted.some((count) => count === SWEEP)
    })
  }

  /** @throws StoreFault */
  async write(batch: Batch): Promise<Wrote> {
    return await this.#patiently(() => this.#write.immediate(batch))
  }

  /** @throws StoreFault */
  async sweep(now: number): Promise<boolean> {
    return await this.#patiently(() => this.#sweep.immediate(now))
  }

  close(): void {
    this.#connection.close()
  }

  async #patiently<T>(work: () => T): Promise<T> {
    try {
      return await patiently(this.#lockWait, work)
    } catch (error) {
      throw sqliteFault(error, this.#description)
    }
  }
}
