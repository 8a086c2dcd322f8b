import { type Kysely, type RawBuilder, sql } from 'kysely'

export type Product = 'sqlite' | 'postgresql'

export interface Migration {
  /** What it brings, for the log. */
  readonly name: string
  /**
   * Runs in a transaction. Never changed once it was released: it knows the tables of its own time, not those of today.
   */
  up(db: Kysely<unknown>, types: ColumnTypes): Promise<void>
}

/** What a column is called in each product. */
export interface ColumnTypes {
  readonly product: Product
  /** Compared and ordered byte by byte, on both alike. */
  readonly text: RawBuilder<unknown>
  readonly integer: RawBuilder<unknown>
  /** Goes up by itself and is never used twice. */
  readonly serial: RawBuilder<unknown>
  /** At the end of a table's definition. */
  readonly table: RawBuilder<unknown>
  /** The same for a table that is found by its primary key alone. */
  readonly keyed: RawBuilder<unknown>
}

export const COLUMN_TYPES: Readonly<Record<Product, ColumnTypes>> = {
  sqlite: {
    product: 'sqlite',
    text: sql`text`,
    integer: sql`integer`,
    serial: sql`integer primary key autoincrement`,
    table: sql`strict`,
    keyed: sql`strict, without rowid`,
  },
  postgresql: {
    product: 'postgresql',
    text: sql`text collate "C"`,
    integer: sql`bigint`,
    serial: sql`bigint generated always as identity primary key`,
    table: sql``,
    keyed: sql``,
  },
}
