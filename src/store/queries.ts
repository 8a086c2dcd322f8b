import { type Kysely, sql } from 'kysely'
import type {
  AuditAction,
  AuditEntry,
  AuditedKind,
  AuditQuery,
  ContactListQuery,
  Json,
  Page,
  UserQuery,
} from '../admin/store.ts'
import { type Address, textOfAddress } from '../federation/address.ts'
import type { ContactList, User } from '../federation/model.ts'
import { addressOf, entriesOf } from './contact-rows.ts'
import type { Tables } from './tables.ts'
import { userOf } from './user-rows.ts'

/** Rows of one page at most, whatever is asked for. */
const LARGEST_PAGE = 10_000

/** Users with their mark of a suspension. */
const users = (db: Kysely<Tables>) =>
  db
    .selectFrom('users')
    .leftJoin('suspensions', (join) =>
      join.onRef('suspensions.name', '=', 'users.address').on('suspensions.list', '=', 'users'),
    )
    .selectAll('users')
    .select('suspensions.since')

export async function readUser(db: Kysely<Tables>, address: Address): Promise<User | undefined> {
  const row = await users(db).where('address', '=', textOfAddress(address)).executeTakeFirst()
  return row === undefined ? undefined : userOf(row, row.since !== null)
}

export async function pageOfUsers(db: Kysely<Tables>, query: UserQuery): Promise<Page<User, Address>> {
  const limit = sizeOf(query.limit)
  let found = users(db)
    .orderBy('address')
    .limit(limit + 1)
  if (query.after !== undefined) found = found.where('address', '>', textOfAddress(query.after))
  if (query.domain !== undefined) found = found.where('domain', '=', query.domain)
  if (query.home !== undefined) found = found.where('home', '=', query.home)
  if (query.site !== undefined) found = found.where('site', '=', query.site)
  if (query.policy !== undefined) found = found.where('policy', '=', query.policy)
  if (query.enabled !== undefined) found = found.where('enabled', '=', query.enabled ? 1 : 0)
  if (query.containing !== undefined) {
    const part = query.containing.toLowerCase().replace(/[\\%_]/g, '\\$&')
    found = found.where(sql<boolean>`address like ${`%${part}%`} escape '\\'`)
  }
  const rows = await found.execute()
  return pageOf(
    rows.map((row) => userOf(row, row.since !== null)),
    limit,
    (user) => user.address,
  )
}

export async function readContacts(db: Kysely<Tables>, user: Address, now: number): Promise<ContactList> {
  const rows = await db
    .selectFrom('contacts')
    .select(['list', 'target', 'origin', 'expires'])
    .where('owner', '=', textOfAddress(user))
    .where((e) => e.or([e('expires', 'is', null), e('expires', '>', now)]))
    .orderBy('target')
    .execute()
  return { user, ...entriesOf(rows) }
}

export async function pageOfContactLists(
  db: Kysely<Tables>,
  query: ContactListQuery,
): Promise<Page<ContactList, Address>> {
  const limit = sizeOf(query.limit)
  let found = db.selectFrom('contacts').where('origin', '<>', 'learned')
  if (query.after !== undefined) found = found.where('owner', '>', textOfAddress(query.after))
  const owners = await found
    .select('owner')
    .distinct()
    .orderBy('owner')
    .limit(limit + 1)
    .execute()
  const page = pageOf(owners, limit, ({ owner }) => addressOf(owner))
  const [first, last] = [page.rows[0], page.rows.at(-1)]
  if (first === undefined || last === undefined) return { rows: [], next: undefined }
  const rows = await db
    .selectFrom('contacts')
    .select(['owner', 'list', 'target', 'origin', 'expires'])
    .where('origin', '<>', 'learned')
    .where('owner', '>=', first.owner)
    .where('owner', '<=', last.owner)
    .orderBy('owner')
    .orderBy('target')
    .execute()
  const byOwner = new Map<string, typeof rows>()
  for (const row of rows) {
    const own = byOwner.get(row.owner)
    if (own === undefined) byOwner.set(row.owner, [row])
    else own.push(row)
  }
  const lists = [...byOwner].map(([owner, own]) => ({ user: addressOf(owner), ...entriesOf(own) }))
  return { rows: lists, next: page.next }
}

export async function pageOfAudit(db: Kysely<Tables>, query: AuditQuery): Promise<Page<AuditEntry, number>> {
  const limit = sizeOf(query.limit)
  let found = db
    .selectFrom('audit')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (query.before !== undefined) found = found.where('id', '<', query.before)
  if (query.kind !== undefined) found = found.where('kind', '=', query.kind)
  if (query.name !== undefined) found = found.where('name', '=', query.name)
  if (query.actor !== undefined) found = found.where('actor', '=', query.actor)
  if (query.since !== undefined) found = found.where('at', '>=', query.since)
  if (query.until !== undefined) found = found.where('at', '<', query.until)
  const rows = await found.execute()
  return pageOf(rows.map(auditEntryOf), limit, (entry) => entry.id)
}

const auditEntryOf = (row: Omit<Tables['audit'], 'id'> & { readonly id: number }): AuditEntry => ({
  id: row.id,
  at: row.at,
  revision: row.revision,
  actor: { name: row.actor, claimed: row.claimed === 1 },
  action: row.action as AuditAction,
  kind: row.kind as AuditedKind,
  name: row.name,
  before: jsonOf(row.before),
  after: jsonOf(row.after),
})

const jsonOf = (text: string | null): Json | undefined => (text === null ? undefined : JSON.parse(text))

const sizeOf = (limit: number): number => Math.min(Math.max(1, Math.floor(limit)), LARGEST_PAGE)

/** From one row more than the page holds: whether there is another page. */
function pageOf<T, C>(rows: readonly T[], limit: number, cursorOf: (row: T) => C): Page<T, C> {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, next: rows.length > limit && last !== undefined ? cursorOf(last) : undefined }
}
