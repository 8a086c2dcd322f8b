import type { Kysely } from 'kysely'
import { SUSPENDABLE, type SuspendableList, type Suspension } from '../federation/sources.ts'
import { inChunks } from '../kernel/chunks.ts'
import { type Contents, type Stored, suspensionKey } from './contents.ts'
import { BODY_LISTS, type BodyList, readBody, readSecret, readSettings, unreadable } from './row-bodies.ts'
import type { Tables } from './tables.ts'

/** @throws StoreFault where a row cannot be read */
export async function readContents(db: Kysely<Tables>): Promise<Contents> {
  const lists = Object.fromEntries(BODY_LISTS.map((list) => [list, new Map<string, Stored<object>>()]))
  await inChunks(await db.selectFrom('rows').selectAll().execute(), (chunk) => {
    for (const { list, name, body, revision } of chunk) {
      const rows = lists[list]
      if (rows === undefined) throw unreadable(`${list} "${name}"`, 'there is no such list')
      const row = readBody(list as BodyList, name, body)
      rows.set(name, { row, revision, secret: list === 'links' ? readSecret(name, body) : undefined })
    }
  })
  const suspensions = new Map<string, Suspension>()
  for (const row of await db.selectFrom('suspensions').selectAll().execute()) {
    // A mark that is not understood must not be one that does not act.
    if (!isSuspendable(row.list))
      throw unreadable(`suspensions "${row.name}"`, `${row.list} cannot be suspended`)
    suspensions.set(suspensionKey(row.list, row.name), { ...row, list: row.list })
  }
  const removed = await db.selectFrom('removed_shipped').select('name').execute()
  return {
    ...(lists as unknown as Omit<Contents, 'settings' | 'suspensions' | 'removedShipped'>),
    settings: readSettings(await db.selectFrom('settings').selectAll().execute()),
    suspensions,
    removedShipped: new Set(removed.map(({ name }) => name)),
  }
}

const isSuspendable = (list: string): list is SuspendableList =>
  (SUSPENDABLE as readonly string[]).includes(list)
