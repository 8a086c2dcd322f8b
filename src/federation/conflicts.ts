import type { Owner, RowList } from './sources.ts'

/** Names a row of the input: which list, its place there, and the name a person knows it by. */
export interface RowRef {
  readonly list: RowList
  readonly index: number
  readonly name: string
  /** The field that is at fault, `domains[1]`; undefined: the row as a whole. */
  readonly field: string | undefined
  /** Where several sources were put together. */
  readonly owner?: Owner
}

/** Rows that cannot stand together, or a reference to nothing. The first row is the one to point at. */
export interface Conflict {
  readonly code: ConflictCode
  readonly rows: readonly RowRef[]
  readonly message: string
  readonly cure: string
}

export type ConflictCode =
  | 'duplicate-name'
  | 'domain-owned-twice'
  | 'access-edge-used-twice'
  | 'allowed-and-blocked'
  | 'served-and-remote'
  | 'unknown-home'
  | 'unknown-link'
  | 'unknown-provider'
  | 'user-not-served'
  | 'domain-not-behind-link'
  | 'two-links-for-domain'
  | 'same-component-twice'
  | 'addressing-without-domain'
  | 'unknown-policy'
  | 'policy-not-grantable'
  | 'negotiation-impossible'
  | 'provider-without-link'
  /** A fixed host, and a link that does not go there. */
  | 'server-without-s2s'
  | 'two-owners'
  /** A row that others name was taken away. */
  | 'in-use'

/** Rows that stand, and that a person should look at all the same. */
export interface Warning {
  readonly code: WarningCode
  readonly rows: readonly RowRef[]
  readonly message: string
  readonly cure: string
}

export type WarningCode = 'negotiation-weak' | 'no-global-policy' | 'link-unused'

/** What a person calls a row of the list. */
export const NOUN = {
  homes: 'home',
  servedDomains: 'served domain',
  links: 'link',
  providers: 'provider',
  allowedDomains: 'allowed domain',
  blockedDomains: 'blocked domain',
  policies: 'policy',
  users: 'user',
  contacts: 'contact list',
} as const satisfies Record<RowList, string>

export const rowRef = (list: RowList, index: number, name: string, field?: string): RowRef => ({
  list,
  index,
  name,
  field,
})

export const conflict = (
  code: ConflictCode,
  rows: readonly RowRef[],
  message: string,
  cure: string,
): Conflict => ({ code, rows, message, cure })

export const warning = (
  code: WarningCode,
  rows: readonly RowRef[],
  message: string,
  cure: string,
): Warning => ({ code, rows, message, cure })
