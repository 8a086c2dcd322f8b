import { setImmediate } from 'node:timers/promises'
import type { StoredPresence } from '../edge/presence/store.ts'
import type { Clock } from '../kernel/clock.ts'
import { authorizationOf, dialogOf, type PairColumns, type PresenceRows } from './presence-rows.ts'

/** Rows in one part: a few milliseconds of the process's one thread on SQLite. */
const PART = 1000

/**
 * Part by part, each found by the key of the last row before it; what waits to be written is not in it.
 * @throws StoreFault
 */
export async function* loadPresence(rows: PresenceRows, clock: Clock): AsyncGenerator<StoredPresence> {
  let pair: PairColumns | undefined = { direction: '', xmpp: '', sip: '' }
  while (pair !== undefined) {
    const found = await rows.authorizations(pair, PART)
    if (found.length > 0) yield { authorizations: found.map(authorizationOf), dialogs: [] }
    pair = found.length < PART ? undefined : found.at(-1)
    await setImmediate()
  }
  let id: string | undefined = ''
  while (id !== undefined) {
    const found = await rows.dialogs(id, PART)
    const now = clock.wall()
    // Not by the database, which might pass over any number of them for one part.
    const dialogs = found.filter(({ until }) => until > now).map(dialogOf)
    if (dialogs.length > 0) yield { authorizations: [], dialogs }
    id = found.length < PART ? undefined : found.at(-1)?.id
    await setImmediate()
  }
}
