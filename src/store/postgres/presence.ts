import type pg from 'pg'
import type { PresencePair } from '../../edge/presence/store.ts'
import type { PairColumns, PresenceBatch, PresenceRows } from '../presence-rows.ts'
import type { PresenceAuthorizationTable, PresenceDialogTable } from '../tables.ts'
import { postgresFault } from './connection.ts'

const GONE = `using unnest($1::text[], $2::text[], $3::text[]) as gone (way, who, whom)
  where direction = way and xmpp = who and sip = whom`
const DROP_AUTHORIZATIONS = {
  name: 'presence-drop-authorizations',
  text: `delete from presence_authorizations ${GONE}`,
}
const DROP_DIALOGS_OF = { name: 'presence-drop-dialogs-of', text: `delete from presence_dialogs ${GONE}` }
const DROP_DIALOGS = {
  name: 'presence-drop-dialogs',
  text: 'delete from presence_dialogs where id = any($1)',
}
const PUT_AUTHORIZATIONS = {
  name: 'presence-put-authorizations',
  text: `insert into presence_authorizations (direction, xmpp, sip, state, since)
    select direction, xmpp, sip, state, since
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as kept (direction, xmpp, sip, state, since)
    order by direction, xmpp, sip
    on conflict (direction, xmpp, sip) do update set state = excluded.state, since = excluded.since`,
}
const PUT_DIALOGS = {
  name: 'presence-put-dialogs',
  text: `insert into presence_dialogs (id, direction, xmpp, sip, until, body)
    select id, direction, xmpp, sip, until, body
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
      as kept (id, direction, xmpp, sip, until, body)
    order by id
    on conflict (id) do update set direction = excluded.direction, xmpp = excluded.xmpp, sip = excluded.sip,
      until = excluded.until, body = excluded.body`,
}
const SWEEP = 500
/** A dialog that is being written at the same time lives on: its row is locked, and passed over. */
const SWEEP_DIALOGS = {
  name: 'presence-sweep',
  text: `delete from presence_dialogs where id = any(array(
    select id from presence_dialogs where until <= $1 limit ${SWEEP} for update skip locked))`,
}
const AUTHORIZATIONS = {
  name: 'presence-authorizations',
  text: `select direction, xmpp, sip, state, since from presence_authorizations
    where (direction, xmpp, sip) > ($1, $2, $3) order by direction, xmpp, sip limit $4`,
}
const DIALOGS = {
  name: 'presence-dialogs',
  text: `select id, direction, xmpp, sip, until, body from presence_dialogs where id > $1 order by id limit $2`,
}

/** Presence: a few statements for a whole batch, in one transaction. */
export class PostgresPresence implements PresenceRows {
  readonly #pool: pg.Pool
  readonly #description: string

  constructor(pool: pg.Pool, description: string) {
    this.#pool = pool
    this.#description = description
  }

  async write(batch: PresenceBatch): Promise<void> {
    await this.#named(async () => {
      const client = await this.#pool.connect()
      let failed = true
      try {
        await client.query('begin')
        await write(client, batch)
        await client.query('commit')
        failed = false
      } finally {
        // A lost connection cannot be told; the server undoes what it has not finished.
        if (failed) await client.query('rollback').catch(() => undefined)
        client.release(failed)
      }
    })
  }

  async sweep(now: number): Promise<boolean> {
    return await this.#named(async () => {
      const { rowCount } = await this.#pool.query({ ...SWEEP_DIALOGS, values: [now] })
      return rowCount === SWEEP
    })
  }

  async authorizations(
    { direction, xmpp, sip }: PairColumns,
    most: number,
  ): Promise<readonly PresenceAuthorizationTable[]> {
    return await this.#rows({ ...AUTHORIZATIONS, values: [direction, xmpp, sip, most] })
  }

  async dialogs(after: string, most: number): Promise<readonly PresenceDialogTable[]> {
    return await this.#rows({ ...DIALOGS, values: [after, most] })
  }

  async #rows<R extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<readonly R[]> {
    return await this.#named(async () => (await this.#pool.query<R>(query)).rows)
  }

  async #named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw postgresFault(error, this.#description)
    }
  }
}

async function write(client: pg.PoolClient, batch: PresenceBatch): Promise<void> {
  const { droppedPairs, droppedDialogs, authorizations, dialogs } = batch
  if (droppedPairs.length > 0) {
    const values = pairColumns(droppedPairs)
    await client.query({ ...DROP_AUTHORIZATIONS, values })
    await client.query({ ...DROP_DIALOGS_OF, values })
  }
  if (droppedDialogs.length > 0) await client.query({ ...DROP_DIALOGS, values: [droppedDialogs] })
  if (authorizations.length > 0) {
    const values = [
      ...pairColumns(authorizations),
      authorizations.map(({ state }) => state),
      authorizations.map(({ since }) => since),
    ]
    await client.query({ ...PUT_AUTHORIZATIONS, values })
  }
  if (dialogs.length > 0) {
    const values = [
      dialogs.map(({ id }) => id),
      ...pairColumns(dialogs),
      dialogs.map(({ until }) => until),
      dialogs.map(({ body }) => body),
    ]
    await client.query({ ...PUT_DIALOGS, values })
  }
}

const pairColumns = (pairs: readonly PresencePair[]): [string[], string[], string[]] => [
  pairs.map(({ direction }) => direction),
  pairs.map(({ xmpp }) => xmpp),
  pairs.map(({ sip }) => sip),
]
