import type pg from 'pg'
import type { SubjectRecord, SubjectStore } from '../../edge/subjects.ts'
import { type Address, textOfAddress } from '../../federation/address.ts'
import type { Clock } from '../../kernel/clock.ts'
import { targetsOf } from '../contact-rows.ts'
import type { Look } from '../store.ts'
import { isStorable, NO_RECORD, recordOf, SUBJECT_COLUMNS, type SubjectRow } from '../subject-record.ts'
import { postgresFault } from './connection.ts'

/** Prepared once on each connection, by these names. */
const SUBJECT = {
  name: 'subject',
  text: `select ${SUBJECT_COLUMNS} from (select $1::text collate "C" as who) as asked
    left join users on address = who
    left join contacts on owner = who and target = any($2) and (expires is null or expires > $3)`,
}
const LOOK = {
  name: 'look',
  text: 'select every, rows, mark from revision join learned_revision using (id) where id = 1',
}
const SINCE = {
  name: 'learned-since',
  text: 'select owner from learned_marks where mark > $1 order by mark limit $2',
}

export class PostgresSubjects implements SubjectStore {
  readonly #pool: pg.Pool
  readonly #description: string
  readonly #clock: Clock

  constructor(pool: pg.Pool, description: string, clock: Clock) {
    this.#pool = pool
    this.#description = description
    this.#clock = clock
  }

  async load(own: Address, remote: Address, provider: string | undefined): Promise<SubjectRecord> {
    const owner = textOfAddress(own)
    if (!isStorable(owner)) return NO_RECORD
    const targets = targetsOf(remote, provider).filter(isStorable)
    return await this.#named(async () => {
      const values = [owner, targets, this.#clock.wall()]
      return recordOf((await this.#pool.query<SubjectRow>({ ...SUBJECT, values })).rows)
    })
  }

  /** @throws StoreFault */
  async look(): Promise<Look> {
    return await this.#named(async () => {
      const { rows } = await this.#pool.query<{ every: number; rows: number; mark: number }>(LOOK)
      if (rows[0] === undefined) throw new Error(`${this.#description}: the revision is gone`)
      return { revision: { all: rows[0].every, rows: rows[0].rows }, mark: rows[0].mark }
    })
  }

  /** @throws StoreFault */
  async learnedSince(mark: number, most: number): Promise<readonly string[]> {
    return await this.#named(async () => {
      const { rows } = await this.#pool.query<{ owner: string }>({ ...SINCE, values: [mark, most] })
      return rows.map(({ owner }) => owner)
    })
  }

  async #named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw postgresFault(error, this.#description)
    }
  }
}
