import { err, ok, type Result } from '../../kernel/result.ts'
import type { HeaderField, Headers } from '../headers.ts'
import { type EventField, parseEvent, seconds } from './fields.ts'

/** Something that can be subscribed to. */
export interface EventPackage {
  readonly name: string
  /** What its documents are written in, as `type/subtype`; what a SUBSCRIBE without Accept means (RFC 3856 §6.5). */
  readonly type: string
  /** Seconds of a SUBSCRIBE without Expires (3600 for presence: RFC 3856 §6.4). */
  readonly expires: number
}

export interface IntakeLimits {
  /** Seconds; shorter ones get 423, where that is allowed. */
  readonly shortest: number
  /** Seconds; longer ones are shortened. */
  readonly longest: number
}

export const DEFAULT_INTAKE: IntakeLimits = { shortest: 60, longest: 3600 }

/** A SUBSCRIBE that nothing is wrong with. */
export interface Asked {
  readonly event: EventField
  /** Seconds that it can have; 0: none. */
  readonly expires: number
}

export interface Refused {
  readonly status: number
  readonly headers: readonly HeaderField[]
}

const HOUR = 3600

export const allowEvents = (packages: readonly EventPackage[]): HeaderField => [
  'Allow-Events',
  packages.map(({ name }) => name).join(', '),
]

/** What a notifier looks at before it asks whether the watcher may (RFC 6665 §4.2.1.1). */
export function checkSubscribe(
  headers: Headers,
  packages: readonly EventPackage[],
  { shortest, longest }: IntakeLimits,
): Result<Asked, Refused> {
  const event = parseEvent(headers.get('Event'))
  const known = packages.find(({ name }) => name === event?.package)
  // §4.2.3: without Event it would be about PINT.
  if (event === undefined || known === undefined)
    return err({ status: 489, headers: [allowEvents(packages)] })
  if (!accepts(headers.all('Accept'), known.type))
    return err({ status: 406, headers: [['Accept', known.type]] })
  const wanted = seconds(headers.get('Expires')) ?? known.expires
  if (wanted > 0 && wanted < HOUR && wanted < shortest)
    return err({ status: 423, headers: [['Min-Expires', String(Math.min(shortest, HOUR))]] })
  return ok({ event, expires: Math.min(wanted, longest) })
}

function accepts(lines: readonly string[], type: string): boolean {
  if (lines.length === 0) return true
  const group = `${type.slice(0, type.indexOf('/'))}/*`
  return lines
    .flatMap((line) => line.split(','))
    .map((range) => (range.split(';', 1)[0] as string).trim().toLowerCase())
    .some((range) => range === type || range === group || range === '*/*')
}
