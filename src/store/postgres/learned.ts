import type pg from 'pg'
import { MARKS_KEPT } from '../learned-elsewhere.ts'
import type { Batch, Learned, Pair, Wrote } from '../learner.ts'
import { postgresFault } from './connection.ts'

type Found = Wrote['found'][number]

/** Batches of all processes come one after the other, so that nobody sees a mark before those below it. */
const NEXT = {
  name: 'learned-next',
  text: 'update learned_revision set mark = mark + 1 where id = 1 returning mark',
}
const TAKE_BACK = {
  name: 'learned-take-back',
  text: `delete from contacts using unnest($1::text[], $2::text[], $3::bigint[]) as gone (who, what, until)
    where owner = who and target = what and list = 'allow' and origin = 'learned' and expires = until`,
}
const FIND = {
  name: 'learned-find',
  text: `select owner, target, expires from contacts
    join unnest($1::text[], $2::text[]) as asked (who, what) on owner = who and target = what
    where list = 'allow'`,
}
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
const MARK = {
  name: 'learned-mark',
  text: `insert into learned_marks (owner, mark) select owner, $2::bigint from unnest($1::text[]) as changed (owner)
    order by owner on conflict (owner) do update set mark = excluded.mark`,
}
const SWEEP = 500
/** An entry that is being written at the same time lives on: its row is locked, and passed over. */
const SWEEP_ENTRIES = {
  name: 'learned-sweep',
  text: `delete from contacts where (owner, target, list) in (
    select owner, target, list from contacts where expires is not null and expires <= $1 limit ${SWEEP}
    for update skip locked)`,
}
const SWEEP_MARKS = {
  name: 'learned-sweep-marks',
  text: `delete from learned_marks where owner in (
    select owner from learned_marks
    where mark <= (select mark from learned_revision where id = 1) - ${MARKS_KEPT} limit ${SWEEP})`,
}

/** Learned entries: a few statements for a whole batch, in one transaction. */
export class PostgresLearned {
  readonly #pool: pg.Pool
  readonly #description: string

  constructor(pool: pg.Pool, description: string) {
    this.#pool = pool
    this.#description = description
  }

  /** @throws StoreFault */
  async write(batch: Batch): Promise<Wrote> {
    return await this.#named(async () => {
      const client = await this.#pool.connect()
      let failed = true
      try {
        await client.query('begin')
        const wrote = await write(client, batch)
        await client.query('commit')
        failed = false
        return wrote
      } finally {
        // A lost connection cannot be told; the server undoes what it has not finished.
        if (failed) await client.query('rollback').catch(() => undefined)
        client.release(failed)
      }
    })
  }

  /** @throws StoreFault */
  async sweep(now: number): Promise<boolean> {
    return await this.#named(async () => {
      const entries = await this.#pool.query({ ...SWEEP_ENTRIES, values: [now] })
      const marks = await this.#pool.query(SWEEP_MARKS)
      return [entries, marks].some(({ rowCount }) => rowCount === SWEEP)
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

async function write(client: pg.PoolClient, { learned, unlearned }: Batch): Promise<Wrote> {
  const { rows } = await client.query<{ mark: number }>(NEXT)
  const mark = rows[0]?.mark
  if (mark === undefined) throw new Error('the revision of learned entries is gone')
  if (unlearned.length > 0) await client.query({ ...TAKE_BACK, values: columns(unlearned) })
  let found: readonly Found[] = []
  let gone: readonly Pair[] = []
  if (learned.length > 0) {
    const [owners, targets, expiries] = columns(learned)
    found = (await client.query<Found>({ ...FIND, values: [owners, targets] })).rows
    await client.query({ ...PUT, values: [owners, targets, expiries] })
    const limits = new Map(learned.map(({ owner, perUser }) => [owner, perUser]))
    const most = [[...limits.keys()], [...limits.values()]]
    gone = (await client.query<Pair>({ ...TRIM, values: most })).rows
  }
  const owners = [...new Set([...learned, ...unlearned].map(({ owner }) => owner))]
  await client.query({ ...MARK, values: [owners, mark] })
  return { found, gone, mark }
}

const columns = (entries: readonly Learned[]): [string[], string[], number[]] => [
  entries.map(({ owner }) => owner),
  entries.map(({ target }) => target),
  entries.map(({ expires }) => expires),
]
