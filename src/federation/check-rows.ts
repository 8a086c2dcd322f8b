import type { Domain } from '../kernel/domain.ts'
import type { Steps } from '../kernel/turns.ts'
import { type Address, textOfAddress } from './address.ts'
import { checkDomains } from './check-domains.ts'
import { checkLinks, warnOfLinks } from './check-links.ts'
import { checkPolicies, warnOfPolicies } from './check-policies.ts'
import { checkProviders, warnOfProviders } from './check-providers.ts'
import { type Conflict, conflict, NOUN, type RowRef, rowRef, type Warning } from './conflicts.ts'
import type { FederationInput } from './snapshot.ts'

/** Everything in the rows that cannot stand together, in the order of the lists. */
export function* findConflicts(input: FederationInput): Steps<readonly Conflict[]> {
  const found = checkNames(input)
  yield
  found.push(...checkReferences(input))
  yield
  found.push(...checkPolicies(input), ...checkProviders(input))
  yield
  found.push(...(yield* checkDomains(input)), ...checkLinks(input))
  yield
  return found
}

/** What can stand, but hardly as it was meant. */
export const findWarnings = (input: FederationInput): Warning[] => [
  ...warnOfPolicies(input),
  ...warnOfProviders(input),
  ...warnOfLinks(input),
]

function checkNames(input: FederationInput): Conflict[] {
  const named = (row: { readonly name: string }): string => row.name
  const of = (address: Address): string => textOfAddress(address)
  return [
    ...duplicates('homes', input.homes.map(named)),
    ...duplicates('servedDomains', input.servedDomains.map(named)),
    ...duplicates('links', input.links.map(named)),
    ...duplicates('providers', input.providers.map(named)),
    ...duplicates('allowedDomains', input.allowedDomains.map(named)),
    ...duplicates('blockedDomains', input.blockedDomains.map(named)),
    ...duplicates('policies', input.policies.map(named)),
    ...duplicates(
      'users',
      input.users.map((row) => of(row.address)),
    ),
    ...duplicates(
      'contacts',
      input.contacts.map((row) => of(row.user)),
    ),
  ]
}

/** Names that differ in case alone are one name to a reader. */
function duplicates(list: keyof typeof NOUN, names: readonly string[]): Conflict[] {
  const seen = new Map<string, number>()
  const found: Conflict[] = []
  names.forEach((name, index) => {
    const first = seen.get(name.toLowerCase())
    if (first === undefined) {
      seen.set(name.toLowerCase(), index)
      return
    }
    found.push(
      conflict(
        'duplicate-name',
        [rowRef(list, index, name), rowRef(list, first, names[first] ?? name)],
        `${NOUN[list]} "${name}" is there twice`,
        'keep one of the two, or give one of them another name',
      ),
    )
  })
  return found
}

function checkReferences(input: FederationInput): Conflict[] {
  const homes = new Set(input.homes.map((row) => row.name))
  const links = new Set(input.links.map((row) => row.name))
  const providers = new Set(input.providers.map((row) => row.name))
  const served = new Set(input.servedDomains.map((row) => row.name))
  const found: Conflict[] = []
  const unknown = (
    code: 'unknown-home' | 'unknown-link' | 'unknown-provider',
    row: RowRef,
    what: string,
    name: string,
    known: ReadonlySet<string>,
  ): void => {
    found.push(
      conflict(
        code,
        [row],
        `${row.list === 'contacts' ? 'the contact list of' : NOUN[row.list]} "${row.name}" names the ${what} "${name}", which does not exist`,
        known.size === 0
          ? `add a ${what} of that name`
          : `name one of ${[...known].slice(0, 8).join(', ')}, or add a ${what} of that name`,
      ),
    )
  }
  const notServed = (row: RowRef, domain: Domain): void => {
    found.push(
      conflict(
        'user-not-served',
        [row],
        `${row.name} is in ${domain}, which is not a served domain`,
        'correct the address, or add the domain to servedDomains',
      ),
    )
  }

  input.servedDomains.forEach((row, index) => {
    if (!homes.has(row.home)) {
      unknown('unknown-home', rowRef('servedDomains', index, row.name, 'home'), 'home', row.home, homes)
    }
    row.links.forEach((link, at) => {
      if (!links.has(link)) {
        unknown('unknown-link', rowRef('servedDomains', index, row.name, `links[${at}]`), 'link', link, links)
      }
    })
  })
  input.providers.forEach((row, index) => {
    if (row.protocol === 'xmpp' && row.link !== undefined && !links.has(row.link)) {
      unknown('unknown-link', rowRef('providers', index, row.name, 'link'), 'link', row.link, links)
    }
  })
  input.users.forEach((row, index) => {
    const name = textOfAddress(row.address)
    if (!served.has(row.address.domain)) notServed(rowRef('users', index, name, 'user'), row.address.domain)
    if (row.home !== undefined && !homes.has(row.home)) {
      unknown('unknown-home', rowRef('users', index, name, 'home'), 'home', row.home, homes)
    }
  })
  input.contacts.forEach((row, index) => {
    const name = textOfAddress(row.user)
    if (!served.has(row.user.domain)) notServed(rowRef('contacts', index, name, 'user'), row.user.domain)
    for (const list of ['allow', 'block'] as const) {
      row[list].forEach(({ match }, at) => {
        if (match.kind !== 'provider' || providers.has(match.provider)) return
        const place = rowRef('contacts', index, name, `${list}[${at}]`)
        unknown('unknown-provider', place, 'provider', match.provider, providers)
      })
    }
  })
  return found
}
