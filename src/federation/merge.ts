import { err, ok, type Result } from '../kernel/result.ts'
import { atOnce, type Steps } from '../kernel/turns.ts'
import { textOfAddress } from './address.ts'
import { checkDomains } from './check-domains.ts'
import { type Conflict, conflict, NOUN, rowRef } from './conflicts.ts'
import { mergeContacts } from './merge-contacts.ts'
import type { Provider, Suspendable } from './model.ts'
import { contactKey, OWNER_TEXT, type RowOwners } from './owners.ts'
import { PatternIndex } from './pattern-index.ts'
import { DEFAULT_SETTINGS, SETTING_KEYS, type SettingKey, type Settings, switchesOf } from './settings.ts'
import { SHIPPED_PROVIDERS } from './shipped.ts'
import type { FederationInput } from './snapshot.ts'
import type { Owner, RowList, SourceRows, StoreRows, SuspendableList } from './sources.ts'

/** All rows as one, and whose each of them is. */
export interface Merged {
  readonly input: FederationInput
  readonly owners: RowOwners
}

/**
 * File, store and shipped rows become one input: the file's rows first (a place in a list of the file is the same place
 * in the result), then the store's, then the shipped ones. A row of the file and one of the store never hide each other: the same name or
 * the same domain is a conflict. A shipped row gives way to both. What conflicts within one source is left to
 * `buildSnapshot`.
 */
export const mergeSources = (file: SourceRows, store: StoreRows): Result<Merged, readonly Conflict[]> =>
  atOnce(mergeSteps(file, store))

/** As `mergeSources`, in steps. */
export function* mergeSteps(file: SourceRows, store: StoreRows): Steps<Result<Merged, readonly Conflict[]>> {
  const twice = NAMED.flatMap((list) => sameNames(list, file, store))
  if (twice.length > 0) return err(twice)
  yield

  const own = [...file.providers, ...store.providers]
  const shipped = remainingShipped(file, store)
  yield
  const owners = ownersOf(file, store, shipped)
  const stopped = suspensionsOf(store)
  const mark = <T extends Suspendable>(
    list: SuspendableList,
    rows: readonly T[],
    name: (row: T) => string,
  ): T[] =>
    rows.map((row) => {
      const suspended = stopped.has(`${list} ${name(row).toLowerCase()}`)
      return row.suspended === suspended ? row : { ...row, suspended }
    })
  const named = (row: { readonly name: string }): string => row.name

  const input: FederationInput = {
    federation: switchesOf(
      { ...DEFAULT_SETTINGS, ...store.settings, ...file.settings },
      stopped.has('federation federation'),
    ),
    homes: mark('homes', [...file.homes, ...store.homes], named),
    servedDomains: mark('servedDomains', [...file.servedDomains, ...store.servedDomains], named),
    links: mark('links', [...file.links, ...store.links], named),
    providers: mark('providers', [...own, ...shipped], named),
    allowedDomains: mark('allowedDomains', [...file.allowedDomains, ...store.allowedDomains], named),
    blockedDomains: [...file.blockedDomains, ...store.blockedDomains],
    policies: mark('policies', [...file.policies, ...store.policies], named),
    users: mark('users', [...file.users, ...store.users], (row) => textOfAddress(row.address)),
    contacts: mergeContacts(file.contacts, store.contacts),
  }
  yield
  const across =
    hasDomains(file) && hasDomains(store) ? acrossOwners(yield* checkDomains(input), file, store) : []
  return across.length > 0 ? err(across) : ok({ input, owners })
}

const hasDomains = (rows: SourceRows): boolean =>
  [rows.servedDomains, rows.providers, rows.allowedDomains, rows.blockedDomains].some(
    (list) => list.length > 0,
  )

const NAMED = [
  'homes',
  'servedDomains',
  'links',
  'providers',
  'allowedDomains',
  'blockedDomains',
  'policies',
  'users',
] as const satisfies readonly RowList[]

type NamedList = (typeof NAMED)[number]

/** The noun of the commands for the rows of a list. */
const COMMAND = {
  homes: 'home',
  servedDomains: 'domain',
  links: 'link',
  providers: 'provider',
  allowedDomains: 'domain',
  blockedDomains: 'domain',
  policies: 'policy',
  users: 'user',
} as const satisfies Record<NamedList, string>

const namesOf = (rows: SourceRows, list: NamedList): string[] =>
  list === 'users'
    ? rows.users.map((row) => textOfAddress(row.address))
    : rows[list].map((row: { readonly name: string }) => row.name)

function sameNames(list: NamedList, file: SourceRows, store: SourceRows): Conflict[] {
  const places = new Map(namesOf(file, list).map((name, index) => [name.toLowerCase(), { name, index }]))
  if (places.size === 0) return []
  return namesOf(store, list).flatMap((name, at) => {
    const first = places.get(name.toLowerCase())
    if (first === undefined) return []
    return [
      conflict(
        'two-owners',
        [
          { ...rowRef(list, first.index, first.name), owner: 'file' },
          { ...rowRef(list, places.size + at, name), owner: 'store' },
        ],
        `${NOUN[list]} "${first.name}" is in ${OWNER_TEXT.file}, and "${name}" is in ${OWNER_TEXT.store}`,
        `take it out of the file, or out of the store with: dragoman ${COMMAND[list]} remove ${quoted(name)}`,
      ),
    ]
  })
}

const quoted = (name: string): string => (/^[\w.@:-]+$/.test(name) ? name : `"${name}"`)

const STORES_ROW = "; the store's row is changed with: "

/** Of a row that is only about to be added: there is nothing to change yet. */
export const withoutStoresRow = (found: Conflict): Conflict => ({
  ...found,
  cure: found.cure.split(STORES_ROW, 1)[0] ?? found.cure,
})

/** Conflicts between rows of different owners, with the owners named. */
function acrossOwners(conflicts: readonly Conflict[], file: SourceRows, store: SourceRows): Conflict[] {
  return conflicts.flatMap((found) => {
    const rows = found.rows.map((row) => ({ ...row, owner: ownerAt(row.list, row.index, file, store) }))
    const [first, second] = rows
    if (first === undefined || second === undefined || first.owner === second.owner) return []
    const stored = first.owner === 'store' ? first : second
    const command = COMMAND[stored.list as NamedList]
    return [
      {
        ...found,
        rows,
        message: `${found.message} ("${first.name}" is in ${OWNER_TEXT[first.owner]}, "${second.name}" in ${OWNER_TEXT[second.owner]})`,
        cure: `${found.cure}${STORES_ROW}dragoman ${command} set ${quoted(stored.name)}, or remove`,
      },
    ]
  })
}

function ownerAt(list: RowList, index: number, file: SourceRows, store: SourceRows): Owner {
  if (index < file[list].length) return 'file'
  return index < file[list].length + store[list].length ? 'store' : 'shipped'
}

/** Shipped rows that were not removed and of whose name, domains and access edges nobody else has made use. */
export function remainingShipped(file: SourceRows, store: StoreRows): Provider[] {
  const own = [...file.providers, ...store.providers]
  const taken = new Set(
    [...own, ...store.removedShipped.map((name) => ({ name }))].map(({ name }) => name.toLowerCase()),
  )
  const edges = new Set<string>(own.flatMap((row) => (row.protocol === 'sip' ? row.accessEdges : [])))
  const domains = new PatternIndex<true>()
  for (const row of own) for (const pattern of row.domains) domains.add(pattern, true)
  for (const row of [...file.servedDomains, ...store.servedDomains]) {
    domains.add({ domain: row.name, below: false }, true)
  }
  return SHIPPED_PROVIDERS.filter(
    (row) =>
      !taken.has(row.name.toLowerCase()) &&
      !row.domains.some((pattern) => domains.covering(pattern) !== undefined) &&
      !(row.protocol === 'sip' && row.accessEdges.some((edge) => edges.has(edge))),
  )
}

const suspensionsOf = (store: StoreRows): ReadonlySet<string> =>
  new Set(store.suspensions.map(({ list, name }) => `${list} ${name.toLowerCase()}`))

function ownersOf(file: SourceRows, store: StoreRows, shipped: readonly Provider[]): RowOwners {
  const names = (list: NamedList): ReadonlySet<string> => new Set(namesOf(file, list))
  const settings = SETTING_KEYS.map((key): [SettingKey, RowOwners['settings'][SettingKey]] => [
    key,
    sets(file.settings, key) ? 'file' : sets(store.settings, key) ? 'store' : 'default',
  ])
  return {
    settings: Object.fromEntries(settings) as RowOwners['settings'],
    file: {
      homes: names('homes'),
      servedDomains: names('servedDomains'),
      links: names('links'),
      providers: names('providers'),
      allowedDomains: names('allowedDomains'),
      blockedDomains: names('blockedDomains'),
      policies: names('policies'),
      users: names('users'),
      contacts: new Set(
        file.contacts.flatMap(({ user, allow, block }) => [
          ...allow.map(({ match }) => contactKey(user, 'allow', match)),
          ...block.map(({ match }) => contactKey(user, 'block', match)),
        ]),
      ),
    },
    shipped: new Set(shipped.map((row) => row.name)),
  }
}

const sets = (settings: Partial<Settings>, key: SettingKey): boolean => settings[key] !== undefined
