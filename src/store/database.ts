import type { Kysely } from 'kysely'
import type { Migratable } from './migrate.ts'
import type { Tables } from './tables.ts'

/** What the administration of both products rests on. */
export interface Database extends Migratable {
  /** One connection, outside a transaction. What the database throws arrives as StoreFault. */
  read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
  /**
   * A transaction that no other process's comes in between; `commit` false, or what is thrown, undoes it.
   * Waits for others for a bounded time.
   */
  change<T>(
    work: (db: Kysely<Tables>) => Promise<{ readonly commit: boolean; readonly value: T }>,
  ): Promise<T>
  close(): Promise<void>
}
