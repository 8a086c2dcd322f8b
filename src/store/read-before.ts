import type { Kysely } from 'kysely'
import type { Mutation } from '../admin/store.ts'
import { textOfAddress } from '../federation/address.ts'
import type { ContactEntry, User } from '../federation/model.ts'
import { inChunks } from '../kernel/chunks.ts'
import { entryOf, targetOf } from './contact-rows.ts'
import type { Contents, Stored } from './contents.ts'
import { type Before, contactKey, type Entries } from './draft.ts'
import { unreadable } from './row-bodies.ts'
import type { Tables } from './tables.ts'
import { userOf } from './user-rows.ts'

/** Users whose entries are read at once: each takes a query. */
const OWNERS = 20

/** The users and contact entries that the mutations are about. */
export async function readBefore(
  db: Kysely<Tables>,
  contents: Contents,
  mutations: readonly Mutation[],
): Promise<Before> {
  const users = new Set<string>()
  /** By user; undefined: all of them. */
  const targets = new Map<string, Set<string> | undefined>()
  for (const mutation of mutations) {
    switch (mutation.do) {
      case 'put':
        if (mutation.list === 'users') users.add(textOfAddress(mutation.row.address))
        break
      case 'remove':
        if (mutation.list !== 'users') break
        users.add(mutation.name)
        targets.set(mutation.name, undefined)
        break
      case 'clear-contacts':
        targets.set(textOfAddress(mutation.user), undefined)
        break
      case 'put-contact':
      case 'remove-contact': {
        const owner = textOfAddress(mutation.user)
        if (targets.has(owner) && targets.get(owner) === undefined) break
        const match = mutation.do === 'put-contact' ? mutation.entry.match : mutation.match
        targets.set(owner, (targets.get(owner) ?? new Set()).add(targetOf(match)))
        break
      }
      default:
    }
  }
  const contacts = new Map<string, Entries>()
  await inChunks(
    [...targets],
    async (owners) => {
      for (const [owner, of] of owners) contacts.set(owner, await readEntries(db, owner, of))
    },
    OWNERS,
  )
  return { contents, users: await readUsers(db, [...users]), contacts }
}

async function readUsers(db: Kysely<Tables>, names: readonly string[]): Promise<Map<string, Stored<User>>> {
  const found = new Map<string, Stored<User>>()
  await inChunks(names, async (chunk) => {
    for (const row of await db.selectFrom('users').selectAll().where('address', 'in', chunk).execute()) {
      found.set(row.address, { row: userOf(row, false), revision: row.revision, secret: undefined })
    }
  })
  return found
}

async function readEntries(
  db: Kysely<Tables>,
  owner: string,
  targets: ReadonlySet<string> | undefined,
): Promise<Entries> {
  const entries = new Map<string, ContactEntry>()
  const all = db.selectFrom('contacts').selectAll().where('owner', '=', owner)
  const take = async (query: typeof all): Promise<void> => {
    for (const row of await query.execute()) {
      const entry = entryOf(row)
      if (entry === undefined) throw unreadable(`contacts "${owner}"`, `${row.target} by ${row.origin}`)
      entries.set(contactKey(row.list === 'block' ? 'block' : 'allow', row.target), entry)
    }
  }
  if (targets === undefined) await take(all)
  else await inChunks([...targets], (chunk) => take(all.where('target', 'in', chunk)))
  return entries
}
