import { textOfAddress } from '../federation/address.ts'
import { type Conflict, type ConflictCode, conflict, NOUN, rowRef } from '../federation/conflicts.ts'
import type { Owner, RowList, SourceRows } from '../federation/sources.ts'
import { quoted } from './plan/find.ts'
import type { Bereaved, Mutation } from './store.ts'

/** A row that was taken away although another names it. */
interface Gone {
  readonly list: RowList
  readonly name: string
}

interface Use {
  readonly list: RowList
  readonly name: string
  /** The command that ends it, if the row is the store's. */
  readonly free: string
}

export interface Sources {
  readonly file: SourceRows
  /** The path of the file, for people. */
  readonly fileName: string
  /** What the change makes of the store; of its users and contact entries see `bereaved`. */
  readonly store: SourceRows
  readonly bereaved: readonly Bereaved[]
}

/** What is said of the row that names one that is not there: of no help to whoever has just taken that one away. */
const DANGLING: ReadonlySet<ConflictCode> = new Set([
  'unknown-home',
  'unknown-link',
  'unknown-provider',
  'unknown-policy',
  'user-not-served',
])

/**
 * The conflicts of a change, where those that come of a removed row tell who still uses it, and how to end that.
 * @param found what the rules have found
 */
export function withUses(
  found: readonly Conflict[],
  sources: Sources,
  mutations: readonly Mutation[],
): readonly Conflict[] {
  const gone = mutations.flatMap((each): Gone[] =>
    each.do === 'remove' ? [{ list: each.list, name: each.name }] : [],
  )
  const uses = [
    ...gone.flatMap((row) => usesOf(row, sources)),
    ...sources.bereaved.map((each) => bereft(each)),
  ]
  const told = new Set(uses.flatMap(({ rows }) => rows.slice(1).map(({ list, name }) => `${list} ${name}`)))
  const rest = found.filter(
    ({ code, rows: [first] }) => !DANGLING.has(code) || !told.has(`${first?.list} ${first?.name}`),
  )
  return [...uses, ...rest]
}

function usesOf(gone: Gone, { file, fileName, store }: Sources): Conflict[] {
  // Put back in the same change, or the file has one of that name.
  const isThere = [file, store].some((rows) =>
    (rows[gone.list] as readonly { readonly name?: string }[]).some(({ name }) => name === gone.name),
  )
  if (isThere) return []
  const told = (owner: Owner) => (use: Use) =>
    conflict(
      'in-use',
      [rowRef(gone.list, -1, gone.name), rowRef(use.list, -1, use.name)],
      `${NOUN[gone.list]} "${gone.name}" is in use: ${NOUN[use.list]} "${use.name}" names it`,
      owner === 'file'
        ? `take it out of ${use.list} "${use.name}" in ${fileName}, and reload the gateway (SIGHUP)`
        : use.free,
    )
  return [...uses(gone, file).map(told('file')), ...uses(gone, store).map(told('store'))]
}

function uses({ list, name }: Gone, rows: SourceRows): Use[] {
  const own = quoted(name)
  const users = (free: string, names: (user: SourceRows['users'][number]) => boolean): Use[] =>
    rows.users
      .filter(names)
      .map(({ address }) => textOfAddress(address))
      .map((user) => ({ list: 'users', name: user, free: free.replace('ADDRESS', user) }))
  switch (list) {
    case 'homes':
      return [
        ...rows.servedDomains
          .filter(({ home }) => home === name)
          .map((row): Use => {
            const free = `give it another home first: dragoman domain set ${row.name} --home NAME`
            return { list: 'servedDomains', name: row.name, free }
          }),
        ...users('give it another first: dragoman user set ADDRESS --home NAME', ({ home }) => home === name),
      ]
    case 'links':
      return [
        ...rows.servedDomains
          .filter(({ links }) => links.includes(name))
          .map((row): Use => {
            const free = `free it first: dragoman domain set ${row.name} --drop-link ${own}`
            return { list: 'servedDomains', name: row.name, free }
          }),
        ...rows.providers
          .filter((row) => row.protocol === 'xmpp' && row.link === name)
          .map((row): Use => {
            const provider = quoted(row.name)
            const free = `name another link first: dragoman provider set ${provider} --link NAME; or disable it and let it go without: dragoman provider set ${provider} --enabled off --unset link`
            return { list: 'providers', name: row.name, free }
          }),
      ]
    case 'servedDomains':
      return users(
        'remove the user first: dragoman user remove ADDRESS',
        ({ address }) => address.domain === name,
      )
    case 'policies':
      return users(
        `take it back first: dragoman policy revoke ${own} ADDRESS`,
        ({ policy }) => policy === name,
      )
    case 'providers':
      return rows.contacts.flatMap(({ user, allow, block }) =>
        (['allow', 'block'] as const).flatMap((side): Use[] => {
          const entries = side === 'allow' ? allow : block
          if (!entries.some(({ match }) => match.kind === 'provider' && match.provider === name)) return []
          const owner = textOfAddress(user)
          const free = `take the entry away first: dragoman contact remove ${owner} ${side} ${quoted(`provider:${name}`)}`
          return [{ list: 'contacts', name: owner, free }]
        }),
      )
    case 'allowedDomains':
    case 'blockedDomains':
    case 'users':
    case 'contacts':
      return []
    default:
      return list satisfies never
  }
}

const REFER = {
  homes: [
    'is the home of',
    (name) => `user set ADDRESS --home NAME; see them with: dragoman user list --home ${name}`,
  ],
  servedDomains: [
    'is the domain of',
    (name) => `user remove ADDRESS; see them with: dragoman user list --domain ${name}`,
  ],
  providers: ['is on the contact lists of', (name) => `contact remove ADDRESS allow|block ${name}`],
  policies: [
    'is granted to',
    (name) => `policy revoke ${name} ADDRESS; see them with: dragoman user list --policy ${name}`,
  ],
} as const satisfies Record<Bereaved['list'], readonly [string, (name: string) => string]>

/** Of users of the store, who may be many. */
function bereft({ list, name, count, example }: Bereaved): Conflict {
  const [refers, command] = REFER[list]
  const users = count === 1 ? 'a user' : `${count} users`
  const named = quoted(list === 'providers' ? `provider:${name}` : name)
  return conflict(
    'in-use',
    [rowRef(list, -1, name)],
    `${NOUN[list]} "${name}" ${refers} ${users} (${textOfAddress(example)}${count === 1 ? '' : ', …'})`,
    `change them first: dragoman ${command(named)}`,
  )
}
