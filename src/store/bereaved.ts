import { type Kysely, sql } from 'kysely'
import type { Bereaved } from '../admin/store.ts'
import { addressOf } from './contact-rows.ts'
import type { BodyList } from './row-bodies.ts'
import type { Tables } from './tables.ts'

const COLUMN = { homes: 'home', servedDomains: 'domain', policies: 'policy' } as const

/** Who still refers to a row that was removed; undefined: nobody. */
export async function bereavedBy(
  db: Kysely<Tables>,
  list: BodyList,
  name: string,
): Promise<Bereaved | undefined> {
  switch (list) {
    case 'homes':
    case 'servedDomains':
    case 'policies': {
      const row = await db
        .selectFrom('users')
        .select((e) => [e.fn.countAll<number>().as('count'), e.fn.min('address').as('example')])
        .where(COLUMN[list], '=', name)
        .executeTakeFirst()
      return of(list, name, row)
    }
    case 'providers': {
      const row = await db
        .selectFrom('contacts')
        .select((e) => [e.fn.countAll<number>().as('count'), e.fn.min('owner').as('example')])
        .where('target', '=', `provider:${name}`)
        // The words of the partial index, without which the whole table would be read.
        .where(sql<boolean>`target like 'provider:%'`)
        .executeTakeFirst()
      return of(list, name, row)
    }
    case 'links':
    case 'allowedDomains':
    case 'blockedDomains':
      return undefined
    default:
      return list satisfies never
  }
}

const of = (
  list: Bereaved['list'],
  name: string,
  row: { readonly count: number; readonly example: string | null } | undefined,
): Bereaved | undefined =>
  row === undefined || row.example === null
    ? undefined
    : { list, name, count: Number(row.count), example: addressOf(row.example) }
