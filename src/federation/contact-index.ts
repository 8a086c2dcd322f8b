import { type Domain, lineageOf } from '../kernel/domain.ts'
import type { Address, UserKey } from './address.ts'
import type { ContactEntry, ContactList } from './model.ts'

/** The entries of one list, found without going through them. */
export interface EntryIndex {
  readonly addresses: ReadonlyMap<Domain, ReadonlyMap<UserKey, ContactEntry>>
  readonly domains: ReadonlyMap<string, ContactEntry>
  readonly providers: ReadonlyMap<string, ContactEntry>
  readonly everyone: ContactEntry | undefined
}

export interface ContactIndex {
  readonly allow: EntryIndex
  readonly block: EntryIndex
}

export const indexContacts = (list: ContactList): ContactIndex => ({
  allow: indexEntries(list.allow),
  block: indexEntries(list.block),
})

export function indexEntries(entries: readonly ContactEntry[]): EntryIndex {
  const addresses = new Map<Domain, Map<UserKey, ContactEntry>>()
  const domains = new Map<string, ContactEntry>()
  const providers = new Map<string, ContactEntry>()
  let everyone: ContactEntry | undefined
  for (const entry of entries) {
    switch (entry.match.kind) {
      case 'address': {
        const { user, domain } = entry.match.address
        const users = addresses.get(domain) ?? new Map<UserKey, ContactEntry>()
        addresses.set(domain, users.set(user, entry))
        break
      }
      case 'domain':
        domains.set(entry.match.domain, entry)
        break
      case 'provider':
        providers.set(entry.match.provider, entry)
        break
      case 'everyone':
        everyone = entry
        break
      default:
        entry.match satisfies never
    }
  }
  return { addresses, domains, providers, everyone }
}

/** Whether an entry counts: there is one, and its time is not over. */
const holds = (entry: ContactEntry | undefined, now: number): entry is ContactEntry =>
  entry !== undefined && (entry.expires === undefined || entry.expires > now)

/**
 * The most specific entry: address, then domain (from the name upwards), then provider, then everyone.
 * @param now milliseconds since the Unix epoch
 */
export function findEntry(
  index: EntryIndex,
  remote: Address,
  provider: string | undefined,
  now: number,
): ContactEntry | undefined {
  const exact = index.addresses.get(remote.domain)?.get(remote.user)
  if (holds(exact, now)) return exact
  if (index.domains.size > 0) {
    for (const name of lineageOf(remote.domain)) {
      const entry = index.domains.get(name)
      if (holds(entry, now)) return entry
    }
  }
  if (provider !== undefined) {
    const entry = index.providers.get(provider)
    if (holds(entry, now)) return entry
  }
  return holds(index.everyone, now) ? index.everyone : undefined
}
