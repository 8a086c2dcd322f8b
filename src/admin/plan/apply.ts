import { textOfAddress } from '../../federation/address.ts'
import type { ContactEntry, ContactList, User } from '../../federation/model.ts'
import { textOfMatch } from '../../federation/owners.ts'
import { SETTING_KEYS } from '../../federation/settings.ts'
import { inChunks } from '../../kernel/chunks.ts'
import { err, ok } from '../../kernel/result.ts'
import { aTurn } from '../../kernel/turns.ts'
import type { Fault, Written } from '../forms.ts'
import type { Answer } from '../problem.ts'
import type { Mutation, SetSetting, StoredList } from '../store.ts'
import { type Found, nameOf, rowsOf, storeRows } from '../view.ts'
import type { Plan, Scene } from './plan.ts'
import { readInParts } from './read-parts.ts'
import { faulty } from './read-row.ts'
import { removal } from './rows.ts'

const LISTS = [
  'homes',
  'servedDomains',
  'links',
  'providers',
  'policies',
  'allowedDomains',
  'blockedDomains',
  'users',
] as const satisfies readonly StoredList[]

const PAGE = 1000
/** Contact lists that are read one by one before others have a turn. */
const LISTS_AT_ONCE = 20

/** Rows of a section, put over those of the store; what changes nothing is left to the store to find out. */
export async function planApply(
  scene: Scene,
  section: Readonly<Record<string, unknown>>,
  prune: boolean,
): Promise<Answer<Plan>> {
  const read = await readInParts(scene.forms, section)
  if (!read.ok) return err(faulty('the federation', read.error))
  const { rows, secrets } = read.value
  const twice = namedTwice(rows)
  if (twice.length > 0) return err(faulty('the federation', twice))
  const owned = ownedByFile(scene, read.value)
  if (owned.length > 0) {
    return err({
      ...faulty('the federation', owned),
      code: 'file-owned',
      cure: 'take these out of what you apply, or out of the configuration file',
    })
  }
  const mutations: Mutation[] = SETTING_KEYS.flatMap((key) =>
    rows.settings[key] === undefined ? [] : [{ do: 'set', key, value: rows.settings[key] } as SetSetting],
  )
  for (const list of LISTS) {
    for (const row of rows[list]) {
      const name = nameOf(list, row)
      mutations.push({
        do: 'put',
        list,
        row,
        ...(list === 'links' && { secret: secrets.get(name) }),
      } as Mutation)
    }
  }
  // A user's contact list goes with the user: what the file names of it is put after that, as if nothing had been there.
  const gone = prune && section.users !== undefined ? await goneUsers(scene, rows.users) : []
  const leaving = new Set(gone.map(({ name }) => name))
  const filed = new Map(scene.view.file.contacts.map((list) => [textOfAddress(list.user), list]))
  await inChunks(
    rows.contacts,
    async (lists) => {
      for (const list of lists) {
        const name = textOfAddress(list.user)
        const stored = leaving.has(name) ? undefined : await scene.store?.contacts(list.user)
        mutations.push(...contactMutations(list, filed.get(name), stored, prune))
      }
    },
    LISTS_AT_ONCE,
  )
  if (prune) mutations.push(...(await removals(scene, section, read.value, leaving)))
  return ok({ mutations: [...gone.map(removal), ...mutations] })
}

/** One of two rows of a name would get lost. */
function namedTwice(rows: Written['rows']): Fault[] {
  const names = [
    ...LISTS.map((list) => [list, rows[list].map((row) => nameOf(list, row))] as const),
    ['contacts', rows.contacts.map(({ user }) => textOfAddress(user))] as const,
  ]
  return names.flatMap(([list, all]) => {
    const first = new Map<string, number>()
    return all.flatMap((name, index): Fault[] => {
      const key = name.toLowerCase()
      const other = first.get(key)
      if (other === undefined) {
        first.set(key, index)
        return []
      }
      return [
        {
          path: `${list}[${index}] "${name}"`,
          message: `is there already, as ${list}[${other}]`,
          cure: 'keep one of the two, or give one of them another name',
        },
      ]
    })
  })
}

function ownedByFile({ view }: Scene, { rows }: Written): Fault[] {
  const fault = (path: string): Fault => ({
    path,
    message: `belongs to ${view.fileName}`,
    cure: 'take it out of one of the two',
  })
  return [
    ...SETTING_KEYS.filter(
      (key) => rows.settings[key] !== undefined && view.file.settings[key] !== undefined,
    ).map(fault),
    ...LISTS.flatMap((list) => {
      const names = new Set(view.file[list].map((row) => nameOf(list, row).toLowerCase()))
      return rows[list].flatMap((row, index) => {
        const name = nameOf(list, row)
        return names.has(name.toLowerCase()) ? [fault(`${list}[${index}] "${name}"`)] : []
      })
    }),
  ]
}

function contactMutations(
  list: ContactList,
  inFile: ContactList | undefined,
  stored: ContactList | undefined,
  prune: boolean,
): Mutation[] {
  const { user } = list
  return (['allow', 'block'] as const).flatMap((side) => {
    const there = new Map((stored?.[side] ?? []).map((entry) => [textOfMatch(entry.match), entry]))
    const files = new Set((inFile?.[side] ?? []).map((entry) => textOfMatch(entry.match)))
    const wanted = new Map(list[side].map((entry) => [textOfMatch(entry.match), entry]))
    const put = [...wanted].flatMap(([who, entry]): Mutation[] =>
      files.has(who) || stays(there.get(who)) ? [] : [{ do: 'put-contact', user, list: side, entry }],
    )
    if (!prune) return put
    const dropped = [...there].flatMap(([who, entry]): Mutation[] =>
      wanted.has(who) || !stays(entry)
        ? []
        : [{ do: 'remove-contact', user, list: side, match: entry.match }],
    )
    return [...put, ...dropped]
  })
}

/** Learned entries come and go of themselves: they are neither exported nor pruned. */
const stays = (entry: ContactEntry | undefined): boolean => entry !== undefined && entry.by !== 'learned'

/**
 * What the lists of the section do not name, other than users; a list that the section leaves out is not looked at.
 * @param leaving users who go, with their contact lists
 */
async function removals(
  scene: Scene,
  section: Readonly<Record<string, unknown>>,
  { rows }: Written,
  leaving: ReadonlySet<string>,
): Promise<Mutation[]> {
  const found: Mutation[] = []
  for (const list of LISTS) {
    if (section[list] === undefined || list === 'users') continue
    const named = new Set(rows[list].map((row) => nameOf(list, row)))
    for (const row of rowsOf(scene.view, list)) {
      if (row.owner === 'store' && !named.has(row.name)) found.push(removal(row))
    }
  }
  if (section.contacts !== undefined) {
    const named = new Set(rows.contacts.map(({ user }) => textOfAddress(user)))
    for await (const { user, allow, block } of allContacts(scene)) {
      if (named.has(textOfAddress(user)) || leaving.has(textOfAddress(user))) continue
      for (const { match } of allow) found.push({ do: 'remove-contact', user, list: 'allow', match })
      for (const { match } of block) found.push({ do: 'remove-contact', user, list: 'block', match })
    }
  }
  const settings = storeRows(scene.view).settings
  for (const key of SETTING_KEYS) {
    if (settings[key] !== undefined && rows.settings[key] === undefined) found.push({ do: 'unset', key })
  }
  return found
}

/** The users of the store that are not among `named`. */
async function goneUsers(scene: Scene, named: readonly User[]): Promise<Found[]> {
  const names = new Set(named.map(({ address }) => textOfAddress(address)))
  const found: Found[] = []
  for await (const row of allUsers(scene)) {
    const name = textOfAddress(row.address)
    if (names.has(name)) continue
    found.push({ list: 'users', name, owner: 'store', row, secret: undefined, revision: undefined })
  }
  return found
}

/** The users of the store, page by page. */
export async function* allUsers({ store }: Scene): AsyncGenerator<User> {
  let after: User['address'] | undefined
  while (store !== undefined) {
    const page = await store.users({ limit: PAGE, after })
    yield* page.rows
    if (page.next === undefined) return
    after = page.next
    await aTurn()
  }
}

/** The contact lists of the store without what was learned, page by page. */
export async function* allContacts({ store }: Scene): AsyncGenerator<ContactList> {
  let after: ContactList['user'] | undefined
  while (store !== undefined) {
    const page = await store.contactLists({ limit: PAGE, after })
    yield* page.rows
    if (page.next === undefined) return
    after = page.next
    await aTurn()
  }
}
