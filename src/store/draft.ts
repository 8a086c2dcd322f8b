import { isDeepStrictEqual } from 'node:util'
import type {
  AuditAction,
  AuditedKind,
  Change,
  ChangeRefusal,
  Expected,
  Json,
  Mutation,
  PutRow,
  StoredList,
} from '../admin/store.ts'
import { textOfAddress } from '../federation/address.ts'
import type { ContactEntry, Provider, User } from '../federation/model.ts'
import { SHIPPED_PROVIDERS } from '../federation/shipped.ts'
import { targetOf } from './contact-rows.ts'
import { type Contents, type Stored, suspensionKey, withSetting } from './contents.ts'
import { type BodyList, jsonOf } from './row-bodies.ts'

/** Entries of one user, by `contactKey`. */
export type Entries = ReadonlyMap<string, ContactEntry>

/** What a change starts from. Users and entries are those alone that its mutations name. */
export interface Before {
  readonly contents: Contents
  readonly users: ReadonlyMap<string, Stored<User>>
  readonly contacts: ReadonlyMap<string, Entries>
}

export interface Surroundings {
  readonly actor: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The revision that the change will have. */
  readonly revision: number
}

type Refusal = ChangeRefusal<never>
type NameOf<L extends StoredList> = { readonly list: L; readonly name: string }

const SHIPPED: ReadonlyMap<string, Provider> = new Map(SHIPPED_PROVIDERS.map((row) => [row.name, row]))

export const contactKey = (list: 'allow' | 'block', target: string): string => `${list} ${target}`

/** A change under way: mutations one after the other, each on what those before it have made. Nothing is written here. */
export class Draft {
  readonly #now: Surroundings
  readonly #owned = new Map<BodyList, Map<string, Stored<object>>>()
  contents: Contents
  readonly users: Map<string, Stored<User>>
  readonly contacts: Map<string, Map<string, ContactEntry>>
  readonly changes: Change[] = []
  /** What is to be written: names in the table `rows`, users, and keys of entries by their user. */
  readonly touchedRows: NameOf<BodyList>[] = []
  readonly touchedUsers = new Set<string>()
  readonly touchedEntries = new Map<string, Set<string>>()

  constructor(before: Before, now: Surroundings) {
    this.#now = now
    this.contents = before.contents
    this.users = new Map(before.users)
    this.contacts = new Map([...before.contacts].map(([owner, entries]) => [owner, new Map(entries)]))
  }

  /** @returns why it cannot be done; undefined: done */
  apply(mutation: Mutation): Refusal | undefined {
    switch (mutation.do) {
      case 'put':
        return mutation.list === 'users' ? this.#putUser(mutation) : this.#putRow(mutation)
      case 'remove':
        return mutation.list === 'users'
          ? this.#removeUser(mutation.name, mutation.expected)
          : this.#removeRow(mutation.list, mutation.name, mutation.expected)
      case 'restore-shipped':
        return this.#restoreShipped(mutation.name)
      case 'put-contact': {
        const { user, list, entry } = mutation
        this.#setEntry(textOfAddress(user), list, targetOf(entry.match), entry)
        return undefined
      }
      case 'remove-contact': {
        const owner = textOfAddress(mutation.user)
        const target = targetOf(mutation.match)
        if (!this.#entriesOf(owner).has(contactKey(mutation.list, target))) return absent('contacts', owner)
        this.#setEntry(owner, mutation.list, target, undefined)
        return undefined
      }
      case 'clear-contacts':
        this.#clear(textOfAddress(mutation.user), mutation.only)
        return undefined
      case 'set':
        this.#setSetting(mutation.key, mutation.value)
        return undefined
      case 'unset':
        this.#setSetting(mutation.key, undefined)
        return undefined
      case 'suspend':
        return this.#suspend(mutation)
      case 'resume':
        return this.#resume(mutation)
      default:
        return mutation satisfies never
    }
  }

  #putRow(mutation: Exclude<PutRow, { list: 'users' }>): Refusal | undefined {
    const { list, row, expected } = mutation
    const secret = mutation.list === 'links' ? mutation.secret : undefined
    const rows: ReadonlyMap<string, Stored<object>> = this.contents[list]
    const stored = rows.get(row.name)
    const stale = staleness(list, row.name, stored, expected)
    if (stale !== undefined) return stale
    const before = stored === undefined ? this.#shipped(list, row.name) : jsonOf(stored.row, stored.secret)
    const after = jsonOf(row, secret)
    if (isDeepStrictEqual(before, after)) return undefined
    this.#own(list).set(row.name, { row, revision: this.#now.revision, secret })
    this.#bringBack(list, row.name)
    this.touchedRows.push({ list, name: row.name })
    this.#note(before === undefined ? 'add' : 'set', list, row.name, before, after)
    return undefined
  }

  #removeRow(list: BodyList, name: string, expected: Expected): Refusal | undefined {
    const rows: ReadonlyMap<string, Stored<object>> = this.contents[list]
    const stored = rows.get(name)
    const before = stored === undefined ? this.#shipped(list, name) : jsonOf(stored.row, stored.secret)
    if (before === undefined) return absent(list, name)
    const stale = staleness(list, name, stored, expected)
    if (stale !== undefined) return stale
    this.#own(list).delete(name)
    if (list === 'providers' && SHIPPED.has(name)) {
      const removedShipped = new Set(this.contents.removedShipped).add(name)
      this.contents = { ...this.contents, removedShipped }
    }
    this.touchedRows.push({ list, name })
    this.#note('remove', list, name, before, undefined)
    return undefined
  }

  /** The list's rows, copied once so that what the change starts from stays as it is. */
  #own(list: BodyList): Map<string, Stored<object>> {
    const known = this.#owned.get(list)
    if (known !== undefined) return known
    const copy = new Map<string, Stored<object>>(this.contents[list])
    this.contents = { ...this.contents, [list]: copy }
    this.#owned.set(list, copy)
    return copy
  }

  #bringBack(list: BodyList, name: string): void {
    if (list !== 'providers' || !this.contents.removedShipped.has(name)) return
    const removedShipped = new Set(this.contents.removedShipped)
    removedShipped.delete(name)
    this.contents = { ...this.contents, removedShipped }
  }

  /** The row that is there although the store has none of that name. */
  #shipped(list: BodyList, name: string): Json | undefined {
    const row =
      list === 'providers' && !this.contents.removedShipped.has(name) ? SHIPPED.get(name) : undefined
    return row === undefined ? undefined : jsonOf(row)
  }

  #restoreShipped(name: string): Refusal | undefined {
    const row = SHIPPED.get(name)
    if (row === undefined) return absent('providers', name)
    const stored = this.contents.providers.get(name)
    if (stored === undefined && !this.contents.removedShipped.has(name)) return undefined
    this.#own('providers').delete(name)
    this.#bringBack('providers', name)
    this.touchedRows.push({ list: 'providers', name })
    this.#note(
      'restore',
      'providers',
      name,
      stored === undefined ? undefined : jsonOf(stored.row),
      jsonOf(row),
    )
    return undefined
  }

  #putUser({ row, expected }: Extract<PutRow, { list: 'users' }>): Refusal | undefined {
    const name = textOfAddress(row.address)
    const stored = this.users.get(name)
    const stale = staleness('users', name, stored, expected)
    if (stale !== undefined) return stale
    const before = stored === undefined ? undefined : jsonOf(stored.row)
    const after = jsonOf(row)
    if (isDeepStrictEqual(before, after)) return undefined
    this.users.set(name, { row, revision: this.#now.revision, secret: undefined })
    this.touchedUsers.add(name)
    this.#note(before === undefined ? 'add' : 'set', 'users', name, before, after)
    return undefined
  }

  #removeUser(name: string, expected: Expected): Refusal | undefined {
    const stored = this.users.get(name)
    if (stored === undefined) return absent('users', name)
    const stale = staleness('users', name, stored, expected)
    if (stale !== undefined) return stale
    this.users.delete(name)
    this.touchedUsers.add(name)
    this.#note('remove', 'users', name, jsonOf(stored.row), undefined)
    this.#clear(name, undefined)
    return undefined
  }

  #setEntry(owner: string, list: 'allow' | 'block', target: string, entry: ContactEntry | undefined): void {
    const entries = this.#entriesOf(owner)
    const key = contactKey(list, target)
    const before = entries.get(key)
    if (isDeepStrictEqual(before && jsonOfEntry(key, before), entry && jsonOfEntry(key, entry))) return
    if (entry === undefined) entries.delete(key)
    else entries.set(key, entry)
    this.#touchEntry(owner, key)
    this.#note(
      before === undefined ? 'add' : entry === undefined ? 'remove' : 'set',
      'contacts',
      owner,
      before && jsonOfEntry(key, before),
      entry && jsonOfEntry(key, entry),
    )
  }

  #clear(owner: string, only: 'learned' | undefined): void {
    const entries = this.#entriesOf(owner)
    const gone = [...entries].filter(([, entry]) => only === undefined || entry.by === only)
    if (gone.length === 0) return
    for (const [key] of gone) {
      entries.delete(key)
      this.#touchEntry(owner, key)
    }
    this.#note(
      'remove',
      'contacts',
      owner,
      gone.map(([key, entry]) => jsonOfEntry(key, entry)),
      undefined,
    )
  }

  #entriesOf(owner: string): Map<string, ContactEntry> {
    const entries = this.contacts.get(owner) ?? new Map<string, ContactEntry>()
    this.contacts.set(owner, entries)
    return entries
  }

  #touchEntry(owner: string, key: string): void {
    const touched = this.touchedEntries.get(owner) ?? new Set<string>()
    this.touchedEntries.set(owner, touched.add(key))
  }

  #setSetting(key: keyof Contents['settings'], value: Contents['settings'][typeof key]): void {
    const before = this.contents.settings[key]
    if (before === value) return
    this.contents = { ...this.contents, settings: withSetting(this.contents.settings, key, value) }
    this.#note(
      before === undefined ? 'add' : value === undefined ? 'remove' : 'set',
      'settings',
      key,
      before,
      value,
    )
  }

  #suspend({ list, name, reason }: Extract<Mutation, { do: 'suspend' }>): Refusal | undefined {
    const key = suspensionKey(list, name)
    if (this.contents.suspensions.has(key)) return undefined
    const mark = { list, name, by: this.#now.actor, since: this.#now.at, reason }
    this.contents = { ...this.contents, suspensions: new Map(this.contents.suspensions).set(key, mark) }
    this.#note('suspend', list, name, undefined, { reason })
    return undefined
  }

  #resume({ list, name }: Extract<Mutation, { do: 'resume' }>): Refusal | undefined {
    const key = suspensionKey(list, name)
    const mark = this.contents.suspensions.get(key)
    if (mark === undefined) return absent(list, name)
    const suspensions = new Map(this.contents.suspensions)
    suspensions.delete(key)
    this.contents = { ...this.contents, suspensions }
    const { by, since, reason } = mark
    this.#note('resume', list, name, { by, since, reason }, undefined)
    return undefined
  }

  #note(
    action: AuditAction,
    kind: AuditedKind,
    name: string,
    before: Json | undefined,
    after: Json | undefined,
  ): void {
    this.changes.push({ action, kind, name, before, after })
  }
}

const absent = (kind: AuditedKind, name: string): Refusal => ({ code: 'absent', kind, name })

function staleness(
  list: StoredList,
  name: string,
  stored: Stored<unknown> | undefined,
  expected: Expected,
): Refusal | undefined {
  const found = stored?.revision ?? 'absent'
  return expected === undefined || expected === found
    ? undefined
    : { code: 'stale', list, name, expected, found }
}

/** For the audit log: in the words of the table, which are shorter than those of the model. */
function jsonOfEntry(key: string, entry: ContactEntry): Json {
  const space = key.indexOf(' ')
  return {
    list: key.slice(0, space),
    match: key.slice(space + 1),
    by: entry.by,
    ...(entry.expires === undefined ? {} : { expires: entry.expires }),
  }
}
