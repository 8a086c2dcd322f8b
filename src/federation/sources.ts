import type {
  AllowedDomain,
  BlockedDomain,
  ContactList,
  Home,
  Link,
  Policy,
  Provider,
  ServedDomain,
  User,
} from './model.ts'
import type { Settings } from './settings.ts'

/** The rows of one source, in its own order. */
export interface SourceRows {
  /** The settings that this source sets. */
  readonly settings: Partial<Settings>
  readonly homes: readonly Home[]
  readonly servedDomains: readonly ServedDomain[]
  readonly links: readonly Link[]
  readonly providers: readonly Provider[]
  readonly allowedDomains: readonly AllowedDomain[]
  readonly blockedDomains: readonly BlockedDomain[]
  readonly policies: readonly Policy[]
  readonly users: readonly User[]
  readonly contacts: readonly ContactList[]
}

/** A list of rows. */
export type RowList = Exclude<keyof SourceRows, 'settings'>

/** What can be suspended: a row of these lists, or the federation as a whole. */
export const SUSPENDABLE = [
  'federation',
  'homes',
  'servedDomains',
  'links',
  'providers',
  'allowedDomains',
  'policies',
  'users',
] as const satisfies readonly (RowList | 'federation')[]

export type SuspendableList = (typeof SUSPENDABLE)[number]

/** The emergency stop of one row, whoever owns it. Kept although the row goes, so that a row that comes back stays stopped. */
export interface Suspension {
  readonly list: SuspendableList
  /** The row's name: of a user its address (`textOfAddress`), of the federation `federation`. */
  readonly name: string
  readonly by: string
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  readonly reason: string
}

/** The rows of the store. Its `suspended` marks are those of `suspensions`; a row's own is not looked at. */
export interface StoreRows extends SourceRows {
  readonly suspensions: readonly Suspension[]
  /** Names of shipped providers that were removed. */
  readonly removedShipped: readonly string[]
}

export const EMPTY_ROWS: SourceRows = Object.freeze({
  settings: {},
  homes: [],
  servedDomains: [],
  links: [],
  providers: [],
  allowedDomains: [],
  blockedDomains: [],
  policies: [],
  users: [],
  contacts: [],
})

export const EMPTY_STORE: StoreRows = Object.freeze({ ...EMPTY_ROWS, suspensions: [], removedShipped: [] })

/** Who may change a row: the file's are read-only elsewhere; shipped rows become the store's when they are changed. */
export type Owner = 'file' | 'store' | 'shipped'
