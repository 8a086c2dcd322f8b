import { isToken, param, parseParams, skipSpace, trimSpace } from '../scan.ts'

/** The Event header field (RFC 6665 §8.2.1). */
export interface EventField {
  readonly package: string
  readonly id: string | undefined
}

/** Undefined where there is none, or it cannot be read. */
export function parseEvent(value: string | undefined): EventField | undefined {
  if (value === undefined) return undefined
  const at = value.indexOf(';')
  const name = trimSpace(at < 0 ? value : value.slice(0, at))
  const params = at < 0 ? [] : parseParams(value, at)
  return isToken(name) && params !== undefined ? { package: name, id: param(params, 'id') } : undefined
}

/** Compared octet by octet; no other parameters count. */
export const sameEvent = (a: EventField, b: EventField): boolean => a.package === b.package && a.id === b.id

export const eventText = ({ package: name, id }: EventField): string =>
  id === undefined ? name : `${name};id=${id}`

/** The Subscription-State header field (RFC 6665 §8.2.3). */
export interface SubscriptionState {
  /** `undefined`: a value of some extension. */
  readonly state: 'pending' | 'active' | 'terminated' | undefined
  /** Seconds. */
  readonly expires: number | undefined
  readonly reason: string | undefined
  /** Seconds. */
  readonly retryAfter: number | undefined
}

/** Undefined where there is none, or it cannot be read. Numbers that cannot be read count as absent. */
export function parseSubscriptionState(value: string | undefined): SubscriptionState | undefined {
  if (value === undefined) return undefined
  const at = value.indexOf(';')
  const state = trimSpace(at < 0 ? value : value.slice(0, at)).toLowerCase()
  const params = at < 0 ? [] : parseParams(value, at)
  if (!isToken(state) || params === undefined) return undefined
  return {
    state: state === 'pending' || state === 'active' || state === 'terminated' ? state : undefined,
    expires: seconds(param(params, 'expires')),
    reason: param(params, 'reason')?.toLowerCase(),
    retryAfter: seconds(param(params, 'retry-after')),
  }
}

/** Without numbers that have no meaning there: `expires` only where the subscription goes on (§4.2.2). */
export function subscriptionStateText(state: SubscriptionState & { readonly state: string }): string {
  let text: string = state.state
  if (state.expires !== undefined && state.state !== 'terminated') text += `;expires=${state.expires}`
  if (state.reason !== undefined) text += `;reason=${state.reason}`
  if (state.retryAfter !== undefined) text += `;retry-after=${state.retryAfter}`
  return text
}

/** RFC 3261 §20.19: 2³²−1 at most; a larger number means that. */
const MOST_SECONDS = 0xffff_ffff

/** `delta-seconds`, as Expires, Min-Expires and Retry-After (§20.33) begin with. Undefined where there are none. */
export function seconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const digits = /^[0-9]{1,20}(?=$|[ \t;(])/.exec(value.slice(skipSpace(value, 0)))
  return digits === null ? undefined : Math.min(Number(digits[0]), MOST_SECONDS)
}
