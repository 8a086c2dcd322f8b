import { type Address, textOfAddress, type UserKey } from '../federation/address.ts'
import type { ContactEntry, ContactMatch } from '../federation/model.ts'
import type { Domain } from '../kernel/domain.ts'
import type { ContactTable } from './tables.ts'

/** The column `target`: what an entry means, as one text that is compared byte by byte. */
export function targetOf(match: ContactMatch): string {
  switch (match.kind) {
    case 'address':
      return `address:${textOfAddress(match.address)}`
    case 'domain':
      return `domain:${match.domain}`
    case 'provider':
      return `provider:${match.provider}`
    case 'everyone':
      return 'everyone'
    default:
      return match satisfies never
  }
}

/** Every target that means this remote side; at most one for each label of its domain, and three. */
export function targetsOf(remote: Address, provider: string | undefined): string[] {
  const targets = ['everyone', `address:${textOfAddress(remote)}`, `domain:${remote.domain}`]
  for (let dot = remote.domain.indexOf('.'); dot !== -1; dot = remote.domain.indexOf('.', dot + 1)) {
    targets.push(`domain:${remote.domain.slice(dot + 1)}`)
  }
  if (provider !== undefined) targets.push(`provider:${provider}`)
  return targets
}

/** What was written by `targetOf`; undefined: it was not. */
function matchOf(target: string): ContactMatch | undefined {
  if (target === 'everyone') return { kind: 'everyone' }
  const colon = target.indexOf(':')
  const rest = target.slice(colon + 1)
  switch (target.slice(0, colon)) {
    case 'address':
      return { kind: 'address', address: addressOf(rest) }
    case 'domain':
      return { kind: 'domain', domain: rest as Domain }
    case 'provider':
      return { kind: 'provider', provider: rest }
    default:
      return undefined
  }
}

/** What was written by `textOfAddress`. */
export function addressOf(text: string): Address {
  const at = text.lastIndexOf('@')
  return { user: text.slice(0, Math.max(at, 0)) as UserKey, domain: text.slice(at + 1) as Domain }
}

const ORIGINS: Readonly<Record<string, ContactEntry['by'] | undefined>> = {
  user: 'user',
  admin: 'admin',
  learned: 'learned',
}

type Columns = Pick<ContactTable, 'target' | 'origin' | 'expires'>

/** Undefined: no row of ours. */
export function entryOf(row: Columns): ContactEntry | undefined {
  const match = matchOf(row.target)
  const by = ORIGINS[row.origin]
  return match === undefined || by === undefined
    ? undefined
    : { match, by, expires: row.expires ?? undefined }
}

/** Entries of one user, by list. */
export function entriesOf(rows: readonly (Columns & Pick<ContactTable, 'list'>)[]): {
  readonly allow: readonly ContactEntry[]
  readonly block: readonly ContactEntry[]
} {
  const allow: ContactEntry[] = []
  const block: ContactEntry[] = []
  for (const row of rows) {
    const entry = entryOf(row)
    // What cannot be read must not open a door: an entry of the block list that is unknown to us is worth an error.
    if (entry === undefined)
      throw new Error(`contact entry ${row.list} ${row.target} by ${row.origin}: no such thing`)
    ;(row.list === 'block' ? block : allow).push(entry)
  }
  return { allow, block }
}

export const rowOfEntry = (owner: Address, list: string, entry: ContactEntry): ContactTable => ({
  owner: textOfAddress(owner),
  list,
  target: targetOf(entry.match),
  origin: entry.by,
  expires: entry.expires ?? null,
})
