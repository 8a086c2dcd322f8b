import type { Domain } from '../kernel/domain.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { atOnce, type Steps } from '../kernel/turns.ts'
import type { Address, UserKey } from './address.ts'
import { findConflicts, findWarnings } from './check-rows.ts'
import type { Conflict, Warning } from './conflicts.ts'
import { type ContactIndex, indexContacts } from './contact-index.ts'
import type {
  AllowedDomain,
  BlockedDomain,
  ContactList,
  FederationSwitches,
  Home,
  Link,
  Policy,
  Provider,
  ServedDomain,
  User,
} from './model.ts'
import { ownerOf, type RowOwners } from './owners.ts'
import { PatternIndex } from './pattern-index.ts'
import { type Grant, grantOf } from './policies.ts'
import { type Standing, standingOfAllowed, standingOfProvider, standingOfUnknown } from './standing.ts'

/** The rows as they were read, from whatever source. */
export interface FederationInput {
  readonly federation: FederationSwitches
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

type ByAddress<T> = ReadonlyMap<Domain, ReadonlyMap<UserKey, T>>

/** Checked, frozen and indexed; made whole or not at all. A change makes a new one. */
export interface Snapshot {
  readonly federation: FederationSwitches
  readonly homes: ReadonlyMap<string, Home>
  readonly servedDomains: ReadonlyMap<Domain, ServedDomain>
  readonly links: ReadonlyMap<string, Link>
  readonly providers: ReadonlyMap<string, Provider>
  /** By name, with the answers of the step `policy`. */
  readonly policies: ReadonlyMap<string, Grant>
  readonly users: ByAddress<User>
  readonly contacts: ByAddress<ContactIndex>
  /** By the domains that providers own. */
  readonly owners: PatternIndex<Standing>
  readonly allowed: PatternIndex<Standing>
  readonly blocked: PatternIndex<BlockedDomain>
  /** The standing of a domain that no row knows. */
  readonly unknown: Standing
  /** By the name of a component link: the domains it proves; undefined in it: any. */
  readonly remotes: ReadonlyMap<string, PatternIndex<Link> | undefined>
  /** For each served domain, the link to which a remote domain is bound by the links' own `remote` lists. */
  readonly bindings: ReadonlyMap<Domain, Binding>
  /** Whose the rows are; undefined: they came from one place. */
  readonly rowOwners: RowOwners | undefined
  /** What stands, and that a person should look at all the same. */
  readonly warnings: readonly Warning[]
}

export interface Binding {
  readonly named: PatternIndex<Link>
  /** The link whose `remote` is any. */
  readonly any: Link | undefined
}

/** @param rowOwners whose the rows are, where several sources were put together (`mergeSources`) */
export const buildSnapshot = (
  input: FederationInput,
  rowOwners?: RowOwners,
): Result<Snapshot, readonly Conflict[]> => atOnce(snapshotSteps(input, rowOwners))

/** As `buildSnapshot`, in steps. */
export function* snapshotSteps(
  input: FederationInput,
  rowOwners?: RowOwners,
): Steps<Result<Snapshot, readonly Conflict[]>> {
  const conflicts = yield* findConflicts(input)
  if (conflicts.length > 0) {
    return err(rowOwners === undefined ? conflicts : conflicts.map((each) => withOwners(each, rowOwners)))
  }
  freeze(input)
  yield

  const owners = new PatternIndex<Standing>()
  for (const provider of input.providers) {
    const standing = standingOfProvider(provider)
    for (const pattern of provider.domains) owners.add(pattern, standing)
  }
  yield
  const allowed = new PatternIndex<Standing>()
  for (const row of input.allowedDomains) allowed.addCovering(row.name, standingOfAllowed(row))
  const blocked = new PatternIndex<BlockedDomain>()
  for (const row of input.blockedDomains) blocked.addCovering(row.name, row)
  yield
  const links = byName(input.links)

  return ok(
    Object.freeze({
      federation: input.federation,
      homes: byName(input.homes),
      servedDomains: byName(input.servedDomains),
      links,
      providers: byName(input.providers),
      policies: new Map(input.policies.map((row) => [row.name, grantOf(row)])),
      users: byAddress(
        input.users,
        (row) => row.address,
        (row) => row,
      ),
      contacts: byAddress(input.contacts, (row) => row.user, indexContacts),
      owners,
      allowed,
      blocked,
      unknown: standingOfUnknown(input.federation),
      remotes: new Map(input.links.map((link) => [link.name, remotesOf(link)])),
      bindings: new Map(input.servedDomains.map((row) => [row.name, bindingOf(row, links)])),
      rowOwners,
      warnings: findWarnings(input),
    }),
  )
}

/** A contact list can be of two owners, so it has none. */
const withOwners = (found: Conflict, owners: RowOwners): Conflict => ({
  ...found,
  rows: found.rows.map((row) =>
    row.list === 'contacts' ? row : { ...row, owner: ownerOf(owners, row.list, row.name) },
  ),
})

function remotesOf(link: Link): PatternIndex<Link> | undefined {
  if (link.kind !== 'component' || link.remote === 'any') return undefined
  const remotes = new PatternIndex<Link>()
  for (const pattern of link.remote) remotes.add(pattern, link)
  return remotes
}

function bindingOf(served: ServedDomain, links: ReadonlyMap<string, Link>): Binding {
  const named = new PatternIndex<Link>()
  let any: Link | undefined
  for (const name of served.links) {
    const link = links.get(name)
    if (link?.kind !== 'component') continue
    if (link.remote === 'any') any = link
    else for (const pattern of link.remote) named.add(pattern, link)
  }
  return { named, any }
}

const byName = <T extends { readonly name: string }>(rows: readonly T[]): ReadonlyMap<T['name'], T> =>
  new Map(rows.map((row): [T['name'], T] => [row.name, row]))

function byAddress<R, T>(
  rows: readonly R[],
  addressOf: (row: R) => Address,
  toValue: (row: R) => T,
): ByAddress<T> {
  const domains = new Map<Domain, Map<UserKey, T>>()
  for (const row of rows) {
    const { user, domain } = addressOf(row)
    const users = domains.get(domain) ?? new Map<UserKey, T>()
    domains.set(domain, users.set(user, toValue(row)))
  }
  return domains
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}
