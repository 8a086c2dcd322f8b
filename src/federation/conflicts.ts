/** Names a row of the input: which list, its place there, and the name a person knows it by. */
export interface RowRef {
  readonly list:
    | 'homes'
    | 'servedDomains'
    | 'links'
    | 'providers'
    | 'allowedDomains'
    | 'blockedDomains'
    | 'policies'
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
  | 'user-not-served'
  | 'domain-not-behind-link'
  | 'two-links-for-domain'
  | 'same-component-twice'
  | 'addressing-without-domain'

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
} as const satisfies Record<RowRef['list'], string>

export const rowRef = (list: RowRef['list'], index: number, name: string, field?: string): RowRef => ({
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
