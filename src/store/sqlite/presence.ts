import SqliteConnection from 'better-sqlite3'
import type { PresencePair } from '../../edge/presence/store.ts'
import type { PairColumns, PresenceBatch, PresenceRows } from '../presence-rows.ts'
import type { PresenceAuthorizationTable, PresenceDialogTable } from '../tables.ts'
import { type SqliteOptions, sqliteFault } from './database.ts'
import { SqliteWriter } from './writer.ts'

const GONE = 'where direction = ? and xmpp = ? and sip = ?'
const STATEMENTS = [
  `delete from presence_authorizations ${GONE}`,
  `delete from presence_dialogs ${GONE}`,
  'delete from presence_dialogs where id = ?',
  `insert into presence_authorizations (direction, xmpp, sip, state, since) values (?, ?, ?, ?, ?)
    on conflict (direction, xmpp, sip) do update set state = excluded.state, since = excluded.since`,
  `insert into presence_dialogs (id, direction, xmpp, sip, until, body) values (?, ?, ?, ?, ?, ?)
    on conflict (id) do update set direction = excluded.direction, xmpp = excluded.xmpp, sip = excluded.sip,
      until = excluded.until, body = excluded.body`,
  'delete from presence_dialogs where id in (select id from presence_dialogs where until <= ? limit ?)',
] as const
const [DROP_AUTHORIZATION, DROP_DIALOGS_OF, DROP_DIALOG, PUT_AUTHORIZATION, PUT_DIALOG, SWEEP] = [
  0, 1, 2, 3, 4, 5,
] as const

/** Rows that one sweep deletes at most. */
const SWEPT = 500
/** Milliseconds: a reader waits only where another process repairs the file or holds it for itself alone. */
const TIMEOUT = 100

/**
 * Presence. `synchronous=NORMAL`: it survives a killed process, and the last of it may be lost with the power. Written
 * by a thread; read at once, on a connection of its own.
 */
export class SqlitePresence implements PresenceRows {
  readonly #connection: SqliteConnection.Database
  readonly #writer: SqliteWriter
  readonly #description: string
  readonly #authorizations: SqliteConnection.Statement<
    [string, string, string, number],
    PresenceAuthorizationTable
  >
  readonly #dialogs: SqliteConnection.Statement<[string, number], PresenceDialogTable>

  constructor({ path, lockWait = 5000 }: SqliteOptions, description: string) {
    this.#description = description
    this.#writer = new SqliteWriter({ path, lockWait, statements: STATEMENTS })
    this.#connection = new SqliteConnection(path, { timeout: TIMEOUT, fileMustExist: true })
    this.#connection.pragma('query_only = on')
    this.#authorizations = this.#connection.prepare(`
      select direction, xmpp, sip, state, since from presence_authorizations
      where (direction, xmpp, sip) > (?, ?, ?) order by direction, xmpp, sip limit ?`)
    this.#dialogs = this.#connection.prepare(`
      select id, direction, xmpp, sip, until, body from presence_dialogs where id > ? order by id limit ?`)
  }

  async write({ droppedPairs, droppedDialogs, authorizations, dialogs }: PresenceBatch): Promise<void> {
    const pairs = droppedPairs.map(columnsOf)
    await this.#named(() =>
      this.#writer.run([
        { statement: DROP_AUTHORIZATION, rows: pairs },
        { statement: DROP_DIALOGS_OF, rows: pairs },
        { statement: DROP_DIALOG, rows: droppedDialogs.map((id) => [id]) },
        {
          statement: PUT_AUTHORIZATION,
          rows: authorizations.map((each) => [...columnsOf(each), each.state, each.since]),
        },
        {
          statement: PUT_DIALOG,
          rows: dialogs.map((each) => [each.id, ...columnsOf(each), each.until, each.body]),
        },
      ]),
    )
  }

  async sweep(now: number): Promise<boolean> {
    const swept = await this.#named(() => this.#writer.run([{ statement: SWEEP, rows: [[now, SWEPT]] }]))
    return swept === SWEPT
  }

  async authorizations(
    { direction, xmpp, sip }: PairColumns,
    most: number,
  ): Promise<readonly PresenceAuthorizationTable[]> {
    return await this.#named(() => this.#authorizations.all(direction, xmpp, sip, most))
  }

  async dialogs(after: string, most: number): Promise<readonly PresenceDialogTable[]> {
    return await this.#named(() => this.#dialogs.all(after, most))
  }

  async close(): Promise<void> {
    await this.#writer.close()
    this.#connection.close()
  }

  async #named<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw sqliteFault(error, this.#description)
    }
  }
}

const columnsOf = ({ direction, xmpp, sip }: PresencePair): readonly [string, string, string] => [
  direction,
  xmpp,
  sip,
]
