import type { Brand } from '../kernel/brand.ts'
import { has } from './scan.ts'
import type { Params, SipUri, Uri } from './uri.ts'
import { uriText } from './uri-write.ts'

/**
 * Whom a URI means: a key for maps, to be compared with `===`. `sip:` and `sips:` of one user are one identity, and so
 * are `im:` and `pres:`; port, password, parameters and headers are left out. Equal by `sameUri` gives the same key.
 */
export type Aor = Brand<string, 'Aor'>

export function aorOf(uri: Uri): Aor {
  switch (uri.scheme) {
    case 'sip':
    case 'sips':
    case 'im':
    case 'pres':
      return (uri.user === undefined ? uri.host : `${normal(uri.user)}@${uri.host.toLowerCase()}`) as Aor
    case 'tel':
      return `tel:${telNumber(uri.number)}` as Aor
    case 'other':
      return uri.text as Aor
  }
}

/** RFC 3261 §19.1.4 for `sip` and `sips`, RFC 3966 §4 for `tel`; text for schemes that we do not know. */
export function sameUri(a: Uri, b: Uri): boolean {
  switch (a.scheme) {
    case 'sip':
    case 'sips':
      return b.scheme === a.scheme && sameSip(a, b)
    case 'im':
    case 'pres':
      return b.scheme === a.scheme && normal(a.user) === normal(b.user) && sameText(a.host, b.host)
    case 'tel':
      return (
        b.scheme === 'tel' &&
        telNumber(a.number) === telNumber(b.number) &&
        a.params.length === b.params.length &&
        a.params.every(([name, value]) => has(b.params, name) && sameValue(value, parameter(b.params, name)))
      )
    case 'other':
      return b.scheme === 'other' && uriText(a) === uriText(b)
  }
}

function sameSip(a: SipUri, b: SipUri): boolean {
  return (
    sameEscaped(a.user, b.user) &&
    sameEscaped(a.password, b.password) &&
    sameText(a.host, b.host) &&
    a.port === b.port &&
    sameParams(a.params, b.params) &&
    sameParams(b.params, a.params) &&
    sameHeaders(a.headers, b.headers)
  )
}

/**
 * Never equal when in one URI alone. The text lists user, ttl, method and maddr; its examples (`sip:bob@biloxi.com`
 * against `;transport=udp`) add transport.
 */
const DECISIVE: ReadonlySet<string> = new Set(['user', 'ttl', 'method', 'maddr', 'transport'])

function sameParams(a: Params, b: Params): boolean {
  for (const [name, value] of a) {
    if (!has(b, name)) {
      if (DECISIVE.has(name)) return false
    } else if (!sameValue(value, parameter(b, name))) return false
  }
  return true
}

const parameter = (params: Params, name: string): string | undefined =>
  params.find((entry) => entry[0] === name)?.[1]

const sameValue = (a: string | undefined, b: string | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && sameText(normal(a), normal(b)))

const sameText = (a: string, b: string): boolean => a === b || a.toLowerCase() === b.toLowerCase()

const sameEscaped = (a: string | undefined, b: string | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && normal(a) === normal(b))

/** Header components must be there in both, in any order; the names fold case. */
function sameHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return sortedHeaders(a) === sortedHeaders(b)
}

const sortedHeaders = (text: string): string =>
  text
    .split('&')
    .map((piece) => {
      const equals = piece.indexOf('=')
      const name = equals < 0 ? piece : piece.slice(0, equals)
      return normal(name).toLowerCase() + (equals < 0 ? '' : normal(piece.slice(equals)))
    })
    .sort()
    .join('&')

const UNRESERVED = /[A-Za-z0-9\-_.!~*'()]/

/** Escapes of unreserved characters equal the characters; the others only differ in the case of their digits. */
function normal(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return UNRESERVED.test(char) ? char : escaped.toUpperCase()
  })
}

/** RFC 3966 §5.1.1: visual separators do not count. */
const telNumber = (number: string): string => number.replace(/[-.()]/g, '').toLowerCase()
