import { textOfAddress } from './address.ts'
import type { ContactEntry, ContactList } from './model.ts'
import { textOfMatch } from './owners.ts'

/** Entry by entry: a user has the entries of both; where both have one, the file's counts. */
export function mergeContacts(
  file: readonly ContactList[],
  store: readonly ContactList[],
): readonly ContactList[] {
  if (store.length === 0) return file
  const stored = new Map(store.map((list) => [textOfAddress(list.user), list]))
  const merged = file.map((list) => {
    const key = textOfAddress(list.user)
    const other = stored.get(key)
    if (other === undefined) return list
    stored.delete(key)
    return {
      user: list.user,
      allow: union(list.allow, other.allow),
      block: union(list.block, other.block),
    }
  })
  return [...merged, ...stored.values()]
}

function union(first: readonly ContactEntry[], second: readonly ContactEntry[]): ContactEntry[] {
  const seen = new Set(first.map(({ match }) => textOfMatch(match)))
  return [...first, ...second.filter(({ match }) => !seen.has(textOfMatch(match)))]
}
