import type { Outcome } from '../admin/admin.ts'
import type { AuditAction, AuditedKind, Change, Json } from '../admin/store.ts'
import { textOfDuration } from '../config/row-forms.ts'
import { plain } from './table.ts'
import { fieldsOf } from './values.ts'

const SIGN = {
  add: '+',
  set: '~',
  remove: '-',
  restore: '+',
  suspend: '!',
  resume: '~',
} as const satisfies Record<AuditAction, string>

/** What a person calls what the audit log speaks of. */
export const KIND_TEXT = {
  homes: 'home',
  servedDomains: 'served domain',
  links: 'link',
  providers: 'provider',
  allowedDomains: 'allowed domain',
  blockedDomains: 'blocked domain',
  policies: 'policy',
  users: 'user',
  contacts: 'contacts of',
  settings: 'setting',
  federation: 'the federation',
} as const satisfies Record<AuditedKind, string>

/** One line for the object, then one for each field that changed: `verification: contacts → all`. */
export function textOfChange(change: Change): string {
  const name = change.kind === 'federation' ? '' : ` ${change.name}`
  const verb = change.action === 'suspend' || change.action === 'resume' ? `: ${change.action}` : ''
  const lines = [`${SIGN[change.action]} ${KIND_TEXT[change.kind]}${name}${verb}`, ...differences(change)]
  return `${lines.map(plain).join('\n')}\n`
}

/** A change of a row in one line, for tables. */
export const summaryOf = (change: Change): string =>
  differences(change)
    .map((line) => line.trim())
    .join('; ')

/** Rows hold milliseconds. */
const DURATIONS = new Set(['negotiation.keepAlive', 'learning.lifetime'])
/** What rows hold beside what people write: the limit on connections, a second time. */
const INNER = new Set(['negotiation.connections'])

/** Fields as the commands name them, not as the store keeps them. */
function fields({ kind, name }: Change, row: Change['before']): ReadonlyMap<string, string> {
  if (kind === 'contacts' && Array.isArray(row)) return entriesOf(row)
  const shown = fieldsOf(row).filter(([key]) => !INNER.has(key))
  return new Map(
    shown.map(([key, text]) => {
      if (kind === 'contacts' && key === 'match') return ['who', whoOf(text)]
      if (DURATIONS.has(kind === 'settings' ? name : key)) return [key, textOfDuration(Number(text))]
      return [key.replace(/^(?:flags|privacy)\./, ''), text]
    }),
  )
}

const whoOf = (target: string): string => target.replace(/^address:/, '').replace(/^domain:/, '@')

/** A whole contact list, which goes at once. */
const entriesOf = (entries: readonly Json[]): ReadonlyMap<string, string> =>
  new Map(
    entries.map((entry) => {
      const { list, match, by } = Object.fromEntries(fieldsOf(entry))
      return [`${list} ${whoOf(match ?? '')}`, `by ${by}`]
    }),
  )

function differences(change: Change): string[] {
  const { before, after, action } = change
  if (action === 'resume') return []
  const old = fields(change, before)
  const now = fields(change, after)
  const keys = [...new Set([...old.keys(), ...now.keys()])].filter(
    (key) => key !== 'name' && key !== 'address',
  )
  return keys.flatMap((key) => {
    const was = old.get(key)
    const is = now.get(key)
    if (was === is) return []
    if (before === undefined) return [`    ${key}: ${is}`]
    if (after === undefined) return [`    ${key}: ${was}`]
    return [`    ${key}: ${was ?? 'none'} → ${is ?? 'none'}`]
  })
}

/** @param where what a change needs to act: empty where the gateway has it already */
export function textOfOutcome({ changes, warnings, dryRun, note }: Outcome, where: string): string {
  const lines = changes.map(textOfChange)
  for (const { message, cure } of warnings) lines.push(plain(`warning: ${message} (${cure})`), '\n')
  if (changes.length > 0 && note !== undefined) lines.push(plain(`besides: ${note}`), '\n')
  if (changes.length === 0) lines.push(plain(`nothing to do: ${note ?? 'everything is so already'}`), '\n')
  else {
    const count = `${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`
    lines.push(dryRun ? `${count}, none of them made (dry run)\n` : `${count}${where}\n`)
  }
  return lines.join('')
}
