import SqliteConnection from 'better-sqlite3'
import type { PairColumns, PresenceBatch, PresenceRows } from '../presence-rows.ts'
import type { PresenceAuthorizationTable, PresenceDialogTable } from '../tables.ts'
import { patiently, type SqliteOptions, sqliteFault } from './database.ts'

/** Rows that one sweep deletes at most. */
const SWEEP = 200

/**
 * Presence on a connection of its own. `synchronous=NORMAL`: it survives a killed process, and the last of it may be
 * lost with the power. For an administrator's transaction it waits without standing still.
 */
export class SqlitePresence implements PresenceRows {
  readonly batch = 200
  readonly #connection: SqliteConnection.Database
  readonly #description: string
  readonly #lockWait: number
  readonly #write: SqliteConnection.Transaction<(batch: PresenceBatch) => void>
  readonly #sweep: SqliteConnection.Statement<[number, number]>
  readonly #authorizations: SqliteConnection.Statement<
    [string, string, string, number],
    PresenceAuthorizationTable
  >
  readonly #dialogs: SqliteConnection.Statement<[string, number], PresenceDialogTable>

  constructor({ path, lockWait = 5000 }: SqliteOptions, description: string) {
    this.#description = description
    this.#lockWait = lockWait
    this.#connection = new SqliteConnection(path, { timeout: 0, fileMustExist: true })
    this.#connection.pragma('synchronous = normal')
    const of = 'where direction = ? and xmpp = ? and sip = ?'
    const dropAuthorization = this.#connection.prepare(`delete from presence_authorizations ${of}`)
    const dropDialogs = this.#connection.prepare(`delete from presence_dialogs ${of}`)
    const dropDialog = this.#connection.prepare('delete from presence_dialogs where id = ?')
    const putAuthorization = this.#connection.prepare(`
      insert into presence_authorizations (direction, xmpp, sip, state, since) values (?, ?, ?, ?, ?)
      on conflict (direction, xmpp, sip) do update set state = excluded.state, since = excluded.since`)
    const putDialog = this.#connection.prepare(`
      insert into presence_dialogs (id, direction, xmpp, sip, until, body) values (?, ?, ?, ?, ?, ?)
      on conflict (id) do update set direction = excluded.direction, xmpp = excluded.xmpp, sip = excluded.sip,
        until = excluded.until, body = excluded.body`)
    this.#write = this.#connection.transaction((batch) => {
      for (const { direction, xmpp, sip } of batch.droppedPairs) {
        dropAuthorization.run(direction, xmpp, sip)
        dropDialogs.run(direction, xmpp, sip)
      }
      for (const id of batch.droppedDialogs) dropDialog.run(id)
      for (const { direction, xmpp, sip, state, since } of batch.authorizations) {
        putAuthorization.run(direction, xmpp, sip, state, since)
      }
      for (const { id, direction, xmpp, sip, until, body } of batch.dialogs) {
        putDialog.run(id, direction, xmpp, sip, until, body)
      }
    })
    this.#sweep = this.#connection.prepare(`
      delete from presence_dialogs where id in (select id from presence_dialogs where until <= ? limit ?)`)
    this.#authorizations = this.#connection.prepare(`
      select direction, xmpp, sip, state, since from presence_authorizations
      where (direction, xmpp, sip) > (?, ?, ?) order by direction, xmpp, sip limit ?`)
    this.#dialogs = this.#connection.prepare(`
      select id, direction, xmpp, sip, until, body from presence_dialogs where id > ? order by id limit ?`)
  }

  async write(batch: PresenceBatch): Promise<void> {
    await this.#patiently(() => this.#write.immediate(batch))
  }

  async sweep(now: number): Promise<boolean> {
    return await this.#patiently(() => this.#sweep.run(now, SWEEP).changes === SWEEP)
  }

  async authorizations(
    { direction, xmpp, sip }: PairColumns,
    most: number,
  ): Promise<readonly PresenceAuthorizationTable[]> {
    return await this.#patiently(() => this.#authorizations.all(direction, xmpp, sip, most))
  }

  async dialogs(after: string, most: number): Promise<readonly PresenceDialogTable[]> {
    return await this.#patiently(() => this.#dialogs.all(after, most))
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
