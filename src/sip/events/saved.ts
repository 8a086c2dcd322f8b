import { err, ok, type Result } from '../../kernel/result.ts'
import { type Dialog, keptRoutes } from '../dialog.ts'
import { parseNameAddr } from '../name-addr.ts'
import { parseUri } from '../uri-parse.ts'
import type { Status } from './subscriber-state.ts'

/**
 * A subscription as it outlives the process: JSON keeps it. Its `dialog.localCSeq` is a number that may not have been
 * used yet; none below it is used again.
 */
export interface SavedSubscription {
  readonly version: 1
  readonly dialog: Dialog
  /** The value of Event. */
  readonly event: string
  readonly status: Status
  /** Milliseconds since the Unix epoch. */
  readonly until: number
  /** Of a subscriber: the seconds that it asks for. */
  readonly asked?: number
  /** Of a notifier, while it is pending: milliseconds since the Unix epoch. */
  readonly giveUpAt?: number
}

export type SavedError = 'other-version' | 'malformed'

/** What was saved, after its way through a store. */
export function readSaved(value: unknown): Result<SavedSubscription, SavedError> {
  if (!isObject(value)) return err('malformed')
  if (value.version !== 1) return err('other-version')
  const { dialog, event, status, until, asked, giveUpAt } = value
  const fits =
    isObject(dialog) &&
    isDialog(dialog) &&
    typeof event === 'string' &&
    (status === 'pending' || status === 'active') &&
    isNumber(until) &&
    (asked === undefined || isNumber(asked)) &&
    (giveUpAt === undefined || isNumber(giveUpAt))
  if (!fits) return err('malformed')
  const saved = value as unknown as SavedSubscription
  return ok({ ...saved, dialog: { ...saved.dialog, routes: keptRoutes(saved.dialog.routes) } })
}

function isDialog(value: Record<string, unknown>): boolean {
  const { routes, target, localTag, remoteCSeq } = value
  return (
    ['callId', 'localTag', 'remoteTag', 'localUri', 'remoteUri', 'target'].every(
      (name) => typeof value[name] === 'string',
    ) &&
    localTag !== '' &&
    isNumber(value.localCSeq) &&
    (remoteCSeq === undefined || isNumber(remoteCSeq)) &&
    typeof value.secure === 'boolean' &&
    Array.isArray(routes) &&
    routes.every((route) => typeof route === 'string' && parseNameAddr(route).ok) &&
    parseUri(target as string).ok
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
