import { flat } from '../../kernel/flat.ts'
import { readSaved, type SavedSubscription } from '../../sip/events/saved.ts'
import type { PresencePair, StoredDialog } from './store.ts'

/** A dialog as it is kept, with what of it is ours. */
export interface Kept {
  readonly saved: SavedSubscription
  /** Name of the home server of the SIP user. */
  readonly home: string
  /** The resources that the XMPP user was shown: those that are gone by the next start must be said to be gone. */
  readonly shown: readonly string[]
}

export const keptDialog = (pair: PresencePair, id: string, { saved, home, shown }: Kept): StoredDialog => ({
  ...pair,
  id,
  until: saved.until,
  body: JSON.stringify({ saved, home, shown }),
})

/** Undefined where it is of another version, or none of ours: the other side will begin anew. */
export function readKept({ body }: StoredDialog): Kept | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { saved: text, home, shown } = value as { readonly [name: string]: unknown }
  const saved = readSaved(text)
  if (!saved.ok || typeof home !== 'string' || !isTexts(shown)) return undefined
  return { saved: saved.value, home: flat(home), shown: shown.map(flat) }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
