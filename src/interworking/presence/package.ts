import type { HeaderField, Headers } from '../../sip/headers.ts'
import { parseContentType } from '../../sip/media-type.ts'
import { param, splitList, trimSpace } from '../../sip/scan.ts'
import { CATEGORIES_TYPE } from './categories.ts'
import { PIDF_TYPE } from './pidf.ts'

/** The event package of presence (RFC 3856 §6.1). */
export const PRESENCE_EVENT: HeaderField = ['Event', 'presence']
export const ALLOW_EVENTS: HeaderField = ['Allow-Events', 'presence']
/** RFC 3856 §6.5: it must be among the types that a SUBSCRIBE accepts. */
export const ACCEPT_PIDF: HeaderField = ['Accept', PIDF_TYPE]
/** For a home server that speaks of availability in numbers. */
export const ACCEPT_CATEGORIES: HeaderField = ['Accept', `${PIDF_TYPE}, ${CATEGORIES_TYPE}`]
/** Seconds a subscription lasts where the SUBSCRIBE does not say (RFC 3856 §6.4). */
export const DEFAULT_EXPIRES = 3600

/** RFC 6665 §8.2.1: the type is compared octet by octet, its parameters are no part of it. */
export function isPresenceEvent(headers: Headers): boolean {
  const value = headers.get('Event')
  if (value === undefined) return false
  const semicolon = value.indexOf(';')
  return trimSpace(semicolon < 0 ? value : value.slice(0, semicolon)) === 'presence'
}

/** Whether a watcher takes our documents (RFC 3856 §6.5): with no Accept it does, with another it gets 406. */
export function acceptsPidf(headers: Headers): boolean {
  const values = headers.all('Accept')
  if (values.length === 0) return true
  const ranges = values.flatMap((value) => splitList(value) ?? [])
  return ranges.some((range) => {
    const media = parseContentType(range)
    if (!media.ok || isZero(param(media.value.params, 'q'))) return false
    const { type, subtype } = media.value
    return type === '*' || (type === 'application' && (subtype === 'pidf+xml' || subtype === '*'))
  })
}

const isZero = (quality: string | undefined): boolean => quality !== undefined && Number(quality) === 0
