import type pg from 'pg'
import type { Gone, Learned } from '../learner.ts'
import { postgresFault } from './connection.ts'

const PUT = {
  name: 'learned-put',
  text: `insert into contacts (owner, target, list, origin, expires)
    select owner, target, 'allow', 'learned', expires
    from unnest($1::text[], $2::text[], $3::bigint[]) as learned (owner, target, expires)
    order by owner, target
    on conflict (owner, target, list) do update set expires = excluded.expires
    where contacts.origin = 'learned' and excluded.expires > contacts.expires`,
}
const TRIM = {
  name: 'learned-trim',
  text: `delete from contacts where (owner, target, list) in (
    select owner, target, list from (
      select owner, target, list, allowed.most,
        row_number() over (partition by owner order by expires desc, target) as place
      from contacts join unnest($1::text[], $2::bigint[]) as allowed (who, most) on contacts.owner = allowed.who
      where list = 'allow' and origin = 'learned'
    ) as ranked where place > most)
    returning owner, target`,
}
const SWEEP = {
  name: 'learned-sweep',
  text: `delete from contacts where (owner, target, list) in (
    select owner, target, list from contacts where expires is not null and expires <= $1 limit 500)`,
}

/** Learned entries: two statements for a whole batch. */
export class PostgresLearned {
  readonly #pool: pg.Pool
  readonly #description: string

  constructor(pool: pg.Pool, description: string) {
    this.#pool = pool
    this.#description = description
  }

  /** Not one transaction: each statement leaves whole entries behind, and the second is made good by the next batch. */
  async write(batch: readonly Learned[]): Promise<readonly Gone[]> {
    const limits = new Map(batch.map(({ owner, perUser }) => [owner, perUser]))
    return await this.#named(async () => {
      await this.#pool.query({
        ...PUT,
        values: [
          batch.map(({ owner }) => owner),
          batch.map(({ target }) => target),
          batch.map(({ expires }) => expires),
        ],
      })
      const values = [[...limits.keys()], [...limits.values()]]
      return (await this.#pool.query<Gone>({ ...TRIM, values })).rows
    })
  }

  async sweep(now: number): Promise<void> {
    await this.#named(() => this.#pool.query({ ...SWEEP, values: [now] }))
  }

  async #named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw postgresFault(error, this.#description)
    }
  }
}
