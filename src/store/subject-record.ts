import type { SubjectRecord } from '../edge/subjects.ts'
import { addressOf, entriesOf } from './contact-rows.ts'
import type { ContactTable, UserTable } from './tables.ts'
import { userOf } from './user-rows.ts'

export const NO_RECORD: SubjectRecord = Object.freeze({ user: undefined, contacts: undefined })

/**
 * Whether a text from the wire can be in the store at all: a database writes half a surrogate pair as U+FFFD, so that two
 * users would be one, and PostgreSQL has no NUL.
 */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** Bytes. PostgreSQL refuses an entry of more than 2704 in an index, and with it the whole batch. */
const LONGEST_KEY = 2600

/** Whether both products take such a key: one that they refuse would hold up all that waits to be written. */
export const isStorableKey = (...texts: readonly string[]): boolean =>
  texts.every(isStorable) && texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) <= LONGEST_KEY

/** User and entries by one statement, so that both are of one revision: what it selects, and from what. */
export const SUBJECT_COLUMNS = `who, enabled, home, site, policy, contacts_only, hide_notes,
  exists (select 1 from suspensions where list = 'users' and name = who) as suspended,
  target, contacts.list as list, origin, expires`

/** The user in every row, beside one entry; all of the one or of the other null where there is none. */
export type SubjectRow = Nullable<
  Pick<UserTable, 'enabled' | 'home' | 'site' | 'policy' | 'contacts_only' | 'hide_notes'>
> &
  Nullable<Omit<ContactTable, 'owner'>> & { readonly who: string; readonly suspended: number | boolean }

type Nullable<T> = { readonly [K in keyof T]: T[K] | null }

export function recordOf(rows: readonly SubjectRow[]): SubjectRecord {
  const [first] = rows
  if (first === undefined) return NO_RECORD
  const entries = rows.filter(isEntry)
  if (first.enabled === null && entries.length === 0) return NO_RECORD
  // Not the address that was asked for: its text may be a piece of a message, which it would keep in memory.
  const { who, enabled } = first
  return {
    user: enabled === null ? undefined : userOf(columnsOf(first, enabled), Boolean(first.suspended)),
    contacts: entries.length === 0 ? undefined : { user: addressOf(who), ...entriesOf(entries) },
  }
}

const columnsOf = (row: SubjectRow, enabled: number): Parameters<typeof userOf>[0] => ({
  address: row.who,
  enabled,
  home: row.home,
  site: row.site,
  policy: row.policy,
  contacts_only: row.contacts_only ?? 0,
  hide_notes: row.hide_notes ?? 0,
})

const isEntry = (row: SubjectRow): row is SubjectRow & { target: string; list: string; origin: string } =>
  row.target !== null
