import type { Kysely } from 'kysely'
import type { Revision } from '../admin/store.ts'
import type { Tables } from './tables.ts'

export async function readRevision(db: Kysely<Tables>): Promise<Revision> {
  const row = await db
    .selectFrom('revision')
    .select(['every', 'rows'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  return { all: row.every, rows: row.rows }
}

export async function writeRevision(db: Kysely<Tables>, revision: Revision): Promise<void> {
  await db
    .updateTable('revision')
    .set({ every: revision.all, rows: revision.rows })
    .where('id', '=', 1)
    .execute()
}
