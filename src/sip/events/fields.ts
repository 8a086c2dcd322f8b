import { flat } from '../../kernel/flat.ts'
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

const KEPT = new Map<string, EventField>()
/** Packages whose value is shared; more than anybody supports. */
const MOST_KEPT = 100

/** The same, for very many that are kept: one for each package where there is no id, and nothing of a message. */
export function keptEvent({ package: name, id }: EventField): EventField {
  if (id !== undefined) return { package: flat(name), id: flat(id) }
  let event = KEPT.get(name)
  if (event === undefined) {
    event = { package: flat(name), id }
    if (KEPT.size < MOST_KEPT) KEPT.set(event.package, event)
  }
  return event
}

export const eventText = ({ package: name, id }: EventField): string =>
  id === undefined ? name : `${name};id=${id}`

/** RFC 3261 §20.19: 2³²−1 at most; a larger number means that. */
const MOST_SECONDS = 0xffff_ffff

/** `delta-seconds`, as Expires, Min-Expires and Retry-After (§20.33) begin with. Undefined where there are none. */
export function seconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const digits = /^[0-9]{1,20}(?=$|[ \t;(])/.exec(value.slice(skipSpace(value, 0)))
  return digits === null ? undefined : Math.min(Number(digits[0]), MOST_SECONDS)
}
