import SqliteConnection from 'better-sqlite3'
import type { SubjectRecord, SubjectStore } from '../../edge/subjects.ts'
import { type Address, textOfAddress } from '../../federation/address.ts'
import type { Clock } from '../../kernel/clock.ts'
import { targetsOf } from '../contact-rows.ts'
import type { Look } from '../store.ts'
import { isStorable, NO_RECORD, recordOf, SUBJECT_COLUMNS, type SubjectRow } from '../subject-record.ts'
import { sqliteFault } from './database.ts'

/** Milliseconds: a reader waits only where another process repairs the file or holds it for itself alone. */
const TIMEOUT = 100

type Subject = SqliteConnection.Statement<(string | number)[], SubjectRow>

/** Reads on a connection of its own, at once: prepared statements, found by primary key. */
export class SqliteSubjects implements SubjectStore {
  readonly #connection: SqliteConnection.Database
  readonly #description: string
  readonly #clock: Clock
  readonly #look: SqliteConnection.Statement<[], { every: number; rows: number; mark: number }>
  readonly #since: SqliteConnection.Statement<[number, number], { owner: string }>
  /** By the number of targets; a domain has at most 127 labels, so they are not many. */
  readonly #statements = new Map<number, Subject>()

  constructor(path: string, description: string, clock: Clock) {
    this.#description = description
    this.#clock = clock
    this.#connection = new SqliteConnection(path, { timeout: TIMEOUT, fileMustExist: true })
    this.#connection.pragma('query_only = on')
    this.#look = this.#connection.prepare(
      'select every, rows, mark from revision join learned_revision using (id) where id = 1',
    )
    this.#since = this.#connection.prepare(
      'select owner from learned_marks where mark > ? order by mark limit ?',
    )
  }

  load(own: Address, remote: Address, provider: string | undefined): SubjectRecord {
    const owner = textOfAddress(own)
    if (!isStorable(owner)) return NO_RECORD
    return this.#named(() => {
      const targets = targetsOf(remote, provider).filter(isStorable)
      return recordOf(this.#statement(targets.length).all(owner, this.#clock.wall(), ...targets))
    })
  }

  /** @throws StoreFault */
  look(): Look {
    return this.#named(() => {
      const row = this.#look.get()
      if (row === undefined) throw new Error(`${this.#description}: the revision is gone`)
      return { revision: { all: row.every, rows: row.rows }, mark: row.mark }
    })
  }

  /** @throws StoreFault */
  learnedSince(mark: number, most: number): readonly string[] {
    return this.#named(() => this.#since.all(mark, most).map(({ owner }) => owner))
  }

  close(): void {
    this.#connection.close()
  }

  #statement(targets: number): Subject {
    let statement = this.#statements.get(targets)
    if (statement === undefined) {
      statement = this.#connection.prepare(`
        select ${SUBJECT_COLUMNS} from (select ? as who)
        left join users on address = who
        left join contacts on owner = who and (expires is null or expires > ?)
          and target in (${Array(targets).fill('?').join(', ')})`)
      this.#statements.set(targets, statement)
    }
    return statement
  }

  #named<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteFault(error, this.#description)
    }
  }
}
