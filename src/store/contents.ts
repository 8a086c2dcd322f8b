import type { SecretReference, StoredRows } from '../admin/store.ts'
import type { SettingKey, Settings } from '../federation/settings.ts'
import { EMPTY_STORE, type StoreRows, type Suspension } from '../federation/sources.ts'
import type { BodyList } from './row-bodies.ts'

/** One row, with the revision in which it was last put. */
export interface Stored<R> {
  readonly row: R
  readonly revision: number
  /** Of component links alone. */
  readonly secret: SecretReference | undefined
}

type Lists = { readonly [L in BodyList]: ReadonlyMap<string, Stored<StoredRows[L]>> }

/** Everything in the store but users, contact entries and the audit log; a value, and each change makes a new one. */
export interface Contents extends Lists {
  readonly settings: Partial<Settings>
  /** By `suspensionKey`. */
  readonly suspensions: ReadonlyMap<string, Suspension>
  readonly removedShipped: ReadonlySet<string>
}

export const suspensionKey = (list: string, name: string): string => `${list} ${name}`

const known = new WeakMap<Contents, StoreRows>()

/** The same value for the same contents. */
export function rowsOf(contents: Contents): StoreRows {
  const rows = known.get(contents) ?? newRowsOf(contents)
  known.set(contents, rows)
  return rows
}

function newRowsOf(contents: Contents): StoreRows {
  return {
    ...EMPTY_STORE,
    settings: contents.settings,
    homes: listed(contents.homes),
    servedDomains: listed(contents.servedDomains),
    links: listed(contents.links),
    providers: listed(contents.providers),
    allowedDomains: listed(contents.allowedDomains),
    blockedDomains: listed(contents.blockedDomains),
    policies: listed(contents.policies),
    suspensions: [...contents.suspensions.values()],
    removedShipped: [...contents.removedShipped],
  }
}

export const secretsOf = (contents: Contents): ReadonlyMap<string, SecretReference> =>
  new Map([...contents.links].flatMap(([name, { secret }]) => (secret === undefined ? [] : [[name, secret]])))

const lists = new WeakMap<object, readonly unknown[]>()

/** In the order of their names. Most lists are the same from one change to the next. */
function listed<R>(map: ReadonlyMap<string, Stored<R>>): readonly R[] {
  const known = lists.get(map)
  if (known !== undefined) return known as readonly R[]
  const rows = [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { row }]) => row)
  lists.set(map, rows)
  return rows
}

export const withSetting = (
  settings: Partial<Settings>,
  key: SettingKey,
  value: Settings[SettingKey] | undefined,
): Partial<Settings> => {
  const { [key]: _, ...rest } = settings
  return value === undefined ? rest : { ...rest, [key]: value }
}
