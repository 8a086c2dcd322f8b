/** Names a row of the input: which list, its place there, and the name a person knows it by. */
export interface RowRef {
  readonly list:
    | 'homes'
    | 'servedDomains'
    | 'links'
    | 'providers'
    | 'allowedDomains'
    | 'blockedDomains'
    | 'users'
    | 'contacts'
  readonly index: number
  readonly name: string
  /** The field that is at fault, `domains[1]`; undefined: the row as a whole. */
  readonly field: string | undefined
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
  | 'wrong-link-kind'
  | 'domain-not-behind-link'
  | 'two-links-for-domain'
  | 'same-component-twice'
  | 'addressing-without-domain'
  | 'user-not-served'
  | 'allowed-and-blocked-contact'
