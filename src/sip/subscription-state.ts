import { err, ok, type Result } from '../kernel/result.ts'
import { parseDeltaSeconds } from './delta-seconds.ts'
import { isToken, param, parseParams, skipSpace, trimSpace } from './scan.ts'
import type { Params } from './uri.ts'

/** The state of a subscription, as a NOTIFY tells it (RFC 6665 §4.1.3). Parameters without meaning for a state are left out. */
export type SubscriptionState =
  | {
      readonly kind: 'active' | 'pending'
      /** Seconds that remain; the authoritative duration where it is given. */
      readonly expires: number | undefined
    }
  | {
      readonly kind: 'terminated'
      /** Lower case: one of `TERMINATION_REASONS`, or another's own. */
      readonly reason: string | undefined
      /** Seconds before which nobody should subscribe again. */
      readonly retryAfter: number | undefined
    }
  /** A state that another specification defines (`extension-substate`). */
  | { readonly kind: 'other'; readonly name: string; readonly expires: number | undefined }

export const TERMINATION_REASONS = [
  'deactivated',
  'probation',
  'rejected',
  'timeout',
  'giveup',
  'noresource',
  'invariant',
] as const
export type TerminationReason = (typeof TERMINATION_REASONS)[number]

export type SubscriptionStateError = 'bad-state' | 'bad-params' | 'bad-seconds' | 'bad-reason'

/** RFC 6665 §8.4. A parameter that comes twice, or a time that is no number of seconds, is an error. */
export function parseSubscriptionState(value: string): Result<SubscriptionState, SubscriptionStateError> {
  const semicolon = value.indexOf(';')
  const name = trimSpace(semicolon < 0 ? value : value.slice(0, semicolon)).toLowerCase()
  if (!isToken(name)) return err('bad-state')
  const params = parseParams(value, semicolon < 0 ? value.length : skipSpace(value, semicolon))
  if (params === undefined) return err('bad-params')
  const expires = seconds(params, 'expires')
  const retryAfter = seconds(params, 'retry-after')
  if (expires === null || retryAfter === null) return err('bad-seconds')
  const reason = param(params, 'reason')?.toLowerCase()
  if (reason !== undefined && !isToken(reason)) return err('bad-reason')
  if (name === 'terminated') return ok({ kind: 'terminated', reason, retryAfter })
  // Not the name that was read: it is kept for each of very many subscriptions.
  if (name === 'active' || name === 'pending')
    return ok({ kind: name === 'active' ? 'active' : 'pending', expires })
  return ok({ kind: 'other', name, expires })
}

/** Null: not a number of seconds. */
function seconds(params: Params, name: string): number | undefined | null {
  const value = param(params, name)
  return value === undefined ? undefined : (parseDeltaSeconds(value) ?? null)
}

/** As it goes into the header field (§4.2.2): no `expires` where the subscription has ended. */
export function subscriptionStateText(state: SubscriptionState): string {
  switch (state.kind) {
    case 'terminated': {
      const reason = state.reason === undefined ? '' : `;reason=${state.reason}`
      return `terminated${reason}${state.retryAfter === undefined ? '' : `;retry-after=${state.retryAfter}`}`
    }
    case 'other':
      return `${state.name}${expiresText(state.expires)}`
    default:
      return `${state.kind}${expiresText(state.expires)}`
  }
}

const expiresText = (expires: number | undefined): string =>
  expires === undefined ? '' : `;expires=${expires}`
