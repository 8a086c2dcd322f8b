import type { Kysely } from 'kysely'
import type { Actor, Json } from '../admin/store.ts'
import { inChunks } from '../kernel/chunks.ts'
import { aTurn } from '../kernel/turns.ts'
import { addressOf, rowOfEntry } from './contact-rows.ts'
import type { Contents, Stored } from './contents.ts'
import type { Draft } from './draft.ts'
import { jsonOf, readBody } from './row-bodies.ts'
import type { ContactTable, Tables } from './tables.ts'
import { rowOfUser } from './user-rows.ts'

/** Users whose entries are looked through at once. */
const OWNERS = 20

/** Writes what the draft has touched, each row once and as it came out in the end. */
export async function writeDraft(db: Kysely<Tables>, before: Contents, draft: Draft): Promise<void> {
  await writeRows(db, draft)
  await writeSettings(db, before, draft.contents)
  await writeSuspensions(db, before, draft.contents)
  await writeRemovedShipped(db, before, draft.contents)
  await writeUsers(db, draft)
  await writeContacts(db, draft)
}

async function writeRows(db: Kysely<Tables>, draft: Draft): Promise<void> {
  const touched = new Map(draft.touchedRows.map((row) => [`${row.list} ${row.name}`, row]))
  await inChunks([...touched.values()], async (chunk) => {
    const put: Tables['rows'][] = []
    for (const { list, name } of chunk) {
      const stored: Stored<object> | undefined = draft.contents[list].get(name)
      if (stored === undefined) {
        await db.deleteFrom('rows').where('list', '=', list).where('name', '=', name).execute()
      } else {
        const body = JSON.stringify(jsonOf(stored.row, stored.secret))
        // What could not be read again must not get in: the whole store would be unreadable for one row.
        readBody(list, name, body)
        put.push({ list, name, body, revision: stored.revision })
      }
    }
    if (put.length === 0) return
    await db
      .insertInto('rows')
      .values(put)
      .onConflict((on) =>
        on.columns(['list', 'name']).doUpdateSet((e) => ({
          body: e.ref('excluded.body'),
          revision: e.ref('excluded.revision'),
        })),
      )
      .execute()
  })
}

async function writeSettings(db: Kysely<Tables>, before: Contents, after: Contents): Promise<void> {
  if (before.settings === after.settings) return
  await db.deleteFrom('settings').execute()
  const rows = Object.entries(after.settings).map(([key, value]) => ({ key, value: JSON.stringify(value) }))
  if (rows.length > 0) await db.insertInto('settings').values(rows).execute()
}

async function writeSuspensions(db: Kysely<Tables>, before: Contents, after: Contents): Promise<void> {
  if (before.suspensions === after.suspensions) return
  for (const [key, { list, name }] of before.suspensions) {
    if (after.suspensions.get(key) === before.suspensions.get(key)) continue
    await db.deleteFrom('suspensions').where('list', '=', list).where('name', '=', name).execute()
  }
  const added = [...after.suspensions].filter(([key, mark]) => before.suspensions.get(key) !== mark)
  await inChunks(added, (chunk) =>
    db
      .insertInto('suspensions')
      .values(chunk.map(([, mark]) => mark))
      .execute(),
  )
}

async function writeRemovedShipped(db: Kysely<Tables>, before: Contents, after: Contents): Promise<void> {
  if (before.removedShipped === after.removedShipped) return
  await db.deleteFrom('removed_shipped').execute()
  const rows = [...after.removedShipped].map((name) => ({ name }))
  if (rows.length > 0) await db.insertInto('removed_shipped').values(rows).execute()
}

async function writeUsers(db: Kysely<Tables>, draft: Draft): Promise<void> {
  const names = [...draft.touchedUsers]
  const put = names.flatMap((name) => draft.users.get(name) ?? [])
  const gone = names.filter((name) => !draft.users.has(name))
  await inChunks(gone, (chunk) => db.deleteFrom('users').where('address', 'in', chunk).execute())
  await inChunks(put, (chunk) =>
    db
      .insertInto('users')
      .values(chunk.map(({ row, revision }) => rowOfUser(row, revision)))
      .onConflict((on) =>
        on.column('address').doUpdateSet((e) => ({
          enabled: e.ref('excluded.enabled'),
          home: e.ref('excluded.home'),
          site: e.ref('excluded.site'),
          policy: e.ref('excluded.policy'),
          contacts_only: e.ref('excluded.contacts_only'),
          hide_notes: e.ref('excluded.hide_notes'),
          revision: e.ref('excluded.revision'),
        })),
      )
      .execute(),
  )
}

async function writeContacts(db: Kysely<Tables>, draft: Draft): Promise<void> {
  const put: ContactTable[] = []
  let read = 0
  for (const [owner, keys] of draft.touchedEntries) {
    if (++read % OWNERS === 0) await aTurn()
    const gone: { readonly list: string; readonly target: string }[] = []
    for (const key of keys) {
      const space = key.indexOf(' ')
      const [list, target] = [key.slice(0, space), key.slice(space + 1)]
      const entry = draft.contacts.get(owner)?.get(key)
      if (entry === undefined) gone.push({ list, target })
      else put.push(rowOfEntry(addressOf(owner), list, entry))
    }
    for (const list of ['allow', 'block']) {
      const targets = gone.filter((each) => each.list === list).map(({ target }) => target)
      await inChunks(targets, (chunk) =>
        db
          .deleteFrom('contacts')
          .where('owner', '=', owner)
          .where('list', '=', list)
          .where('target', 'in', chunk)
          .execute(),
      )
    }
  }
  await inChunks(put, (chunk) =>
    db
      .insertInto('contacts')
      .values(chunk)
      .onConflict((on) =>
        on.columns(['owner', 'target', 'list']).doUpdateSet((e) => ({
          origin: e.ref('excluded.origin'),
          expires: e.ref('excluded.expires'),
        })),
      )
      .execute(),
  )
}

export async function writeAudit(
  db: Kysely<Tables>,
  actor: Actor,
  at: number,
  revision: number,
  changes: Draft['changes'],
): Promise<void> {
  const rowOf = ({ action, kind, name, before, after }: Draft['changes'][number]) => ({
    at,
    revision,
    actor: actor.name,
    claimed: actor.claimed ? 1 : 0,
    action,
    kind,
    name,
    before: text(before),
    after: text(after),
  })
  await inChunks(changes, (chunk) => db.insertInto('audit').values(chunk.map(rowOf)).execute())
}

const text = (json: Json | undefined): string | null => (json === undefined ? null : JSON.stringify(json))
