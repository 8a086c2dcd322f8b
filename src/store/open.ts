import type { StoreProblem } from '../admin/store.ts'
import type { Result } from '../kernel/result.ts'
import type { PostgresOptions } from './postgres/connection.ts'
import { openPostgres } from './postgres/open.ts'
import type { SqliteOptions } from './sqlite/database.ts'
import { openSqlite } from './sqlite/open.ts'
import type { Store, StoreOptions } from './store.ts'

/** Where the store is. */
export type StorePlace =
  | ({ readonly kind: 'sqlite' } & SqliteOptions)
  | ({ readonly kind: 'postgresql' } & PostgresOptions)

/** A problem is one that an administrator can cure; it is worded for them. */
export function openStore(place: StorePlace, options: StoreOptions): Promise<Result<Store, StoreProblem>> {
  switch (place.kind) {
    case 'sqlite':
      return openSqlite(place, options)
    case 'postgresql':
      return openPostgres(place, options)
    default:
      return place satisfies never
  }
}
