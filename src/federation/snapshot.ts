import type { Domain } from '../kernel/domain.ts'
import type { Result } from '../kernel/result.ts'
import type { Conflict } from './conflicts.ts'
import type {
  AllowedDomain,
  BlockedDomain,
  ContactList,
  FederationSwitches,
  Home,
  Link,
  Provider,
  ServedDomain,
  User,
} from './model.ts'

/** The rows as they were read, from whatever source. */
export interface FederationInput {
  readonly federation: FederationSwitches
  readonly homes: readonly Home[]
  readonly servedDomains: readonly ServedDomain[]
  readonly links: readonly Link[]
  readonly providers: readonly Provider[]
  readonly allowedDomains: readonly AllowedDomain[]
  readonly blockedDomains: readonly BlockedDomain[]
  readonly users: readonly User[]
  readonly contacts: readonly ContactList[]
}

/** Checked, frozen and indexed; made whole or not at all. A change makes a new one. */
export interface Snapshot {
  readonly federation: FederationSwitches
  readonly homes: ReadonlyMap<string, Home>
  readonly servedDomains: ReadonlyMap<Domain, ServedDomain>
  readonly links: ReadonlyMap<string, Link>
  readonly providers: ReadonlyMap<string, Provider>
}

export function buildSnapshot(_input: FederationInput): Result<Snapshot, readonly Conflict[]> {
  throw new Error('not built')
}
