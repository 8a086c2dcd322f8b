import type {
  PresenceDirection,
  PresencePair,
  StoredAuthorization,
  StoredDialog,
} from '../edge/presence/store.ts'
import { unreadable } from './row-bodies.ts'
import { isStorable, isStorableKey } from './subject-record.ts'
import type { PresenceAuthorizationTable, PresenceDialogTable } from './tables.ts'

/** What names a row of authorizations, whatever it says. */
export type PairColumns = Pick<PresenceAuthorizationTable, 'direction' | 'xmpp' | 'sip'>

/** What one transaction writes: first it drops, then it keeps. */
export interface PresenceBatch {
  readonly droppedPairs: readonly PresencePair[]
  readonly droppedDialogs: readonly string[]
  readonly authorizations: readonly StoredAuthorization[]
  readonly dialogs: readonly StoredDialog[]
}

/** The tables of presence, in the manner of the product. All throw StoreFault. */
export interface PresenceRows {
  write(batch: PresenceBatch): Promise<void>
  /** Deletes some dialogs that are over. True: there are more. */
  sweep(now: number): Promise<boolean>
  /** By the key, those behind `after`. */
  authorizations(after: PairColumns, most: number): Promise<readonly PresenceAuthorizationTable[]>
  dialogs(after: string, most: number): Promise<readonly PresenceDialogTable[]>
}

/** NUL is in no text that is kept. */
export const pairKey = ({ direction, xmpp, sip }: PresencePair): string => `${direction}\0${xmpp}\0${sip}`

// Whether both products take it.

export const isKeepablePair = ({ xmpp, sip }: PresencePair): boolean => isStorableKey(xmpp, sip)

export const isKeepableAuthorization = (authorization: StoredAuthorization): boolean =>
  isKeepablePair(authorization) && Number.isSafeInteger(authorization.since)

export const isKeepableId = (id: string): boolean => isStorableKey(id)

export const isKeepableDialog = (dialog: StoredDialog): boolean =>
  isKeepablePair(dialog) &&
  isKeepableId(dialog.id) &&
  isStorable(dialog.body) &&
  Number.isSafeInteger(dialog.until)

/** @throws StoreFault where the row is none of ours */
export function authorizationOf(row: PresenceAuthorizationTable): StoredAuthorization {
  const { direction, xmpp, sip, state, since } = row
  const name = `presence_authorizations "${direction} ${xmpp} ${sip}"`
  if (state !== 'asked' && state !== 'granted') throw unreadable(name, `there is no state "${state}"`)
  return { direction: directionOf(name, direction), xmpp, sip, state, since }
}

/** @throws StoreFault where the row is none of ours */
export function dialogOf({ id, direction, xmpp, sip, until, body }: PresenceDialogTable): StoredDialog {
  return { id, direction: directionOf(`presence_dialogs "${id}"`, direction), xmpp, sip, until, body }
}

function directionOf(name: string, direction: string): PresenceDirection {
  if (direction === 'out' || direction === 'in') return direction
  throw unreadable(name, `there is no direction "${direction}"`)
}
