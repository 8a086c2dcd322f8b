import { isIPv6 } from 'node:net'
import { err, ok, type Result } from '../kernel/result.ts'
import { unescapeText } from './escape.ts'
import { has, joined, MAX_PARAMS } from './scan.ts'
import type { Params, TelUri, Uri } from './uri.ts'

export type UriError =
  | 'no-scheme'
  | 'bad-user'
  | 'bad-host'
  | 'bad-port'
  | 'bad-params'
  | 'bad-headers'
  | 'bad-character'

const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/
const PASSWORD = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*$/
/** Wider than RFC 3261 in the underscore, which names in real networks have. */
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/
const PARAMS =
  /^(?:;(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+(?:=(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+)?)*$/
const HEADERS = /^(?:[A-Za-z0-9\-_.!~*'()[\]/?:+$&=]|%[0-9A-Fa-f]{2})+$/
const TEL = /^\+?[0-9A-Fa-f*#\-.()]+$/
/** RFC 3986 characters; anything else cannot stand in a request line. */
const OTHER = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
const NONE: Params = []

/** RFC 3261 §19.1.1, RFC 3860, RFC 3859, RFC 3966; a URI of another scheme keeps its text. No space is stripped. */
export function parseUri(text: string): Result<Uri, UriError> {
  if (text.startsWith('sip:')) return parseSip('sip', text, 4)
  const colon = text.indexOf(':')
  if (colon < 1) return err('no-scheme')
  const scheme = text.slice(0, colon).toLowerCase()
  switch (scheme) {
    case 'sip':
    case 'sips':
      return parseSip(scheme, text, colon + 1)
    case 'im':
    case 'pres':
      return parseIm(scheme, text.slice(colon + 1))
    case 'tel':
      return parseTel(text.slice(colon + 1))
    default:
      if (!SCHEME.test(scheme)) return err('no-scheme')
      return colon + 1 < text.length && OTHER.test(text)
        ? ok({ scheme: 'other', text })
        : err('bad-character')
  }
}

function parseSip(scheme: 'sip' | 'sips', text: string, start: number): Result<Uri, UriError> {
  // No part but the user may hold an unescaped `@`; the user may hold `;` and `?` (RFC 4475 §3.1.1.9).
  const at = text.indexOf('@', start)
  let user: string | undefined
  let password: string | undefined
  if (at >= 0) {
    const colon = text.indexOf(':', start)
    if (colon >= 0 && colon < at) {
      user = text.slice(start, colon)
      password = text.slice(colon + 1, at)
      if (!PASSWORD.test(password)) return err('bad-user')
    } else user = text.slice(start, at)
    if (!USER.test(user)) return err('bad-user')
  }

  const hostAt = at >= 0 ? at + 1 : start
  const question = text.indexOf('?', hostAt)
  const end = question < 0 ? text.length : question
  const semicolon = text.indexOf(';', hostAt)
  const hostEnd = semicolon < 0 || semicolon > end ? end : semicolon
  const place = parseHostPort(text.slice(hostAt, hostEnd))
  if (!place.ok) return place

  let params: Params | undefined = NONE
  if (hostEnd < end) {
    params = parseUriParams(text.slice(hostEnd, end))
    if (params === undefined) return err('bad-params')
  }
  let headers: string | undefined
  if (question >= 0) {
    headers = text.slice(question + 1)
    if (!HEADERS.test(headers)) return err('bad-headers')
  }
  return ok({ scheme, user, password, host: place.value.host, port: place.value.port, params, headers })
}

/** Host in lower case (an IPv6 reference in brackets) and port, as they stand in URIs and Via. */
export interface HostPort {
  readonly host: string
  readonly port: number | undefined
}

export function parseHostPort(text: string): Result<HostPort, 'bad-host' | 'bad-port'> {
  let host = text
  let portText: string | undefined
  if (text.charCodeAt(0) === 0x5b) {
    const close = text.indexOf(']')
    if (close < 0) return err('bad-host')
    // The grammar of RFC 3261 allowed a third colon before an IPv4 part (RFC 5118 §4.10).
    const address = text.slice(1, close).replace(':::', '::')
    if (!isIPv6(address) || address.includes('%')) return err('bad-host')
    host = `[${address}]`
    if (close + 1 < text.length) {
      if (text.charCodeAt(close + 1) !== 0x3a) return err('bad-host')
      portText = text.slice(close + 2)
    }
  } else {
    const colon = text.indexOf(':')
    if (colon >= 0) {
      host = text.slice(0, colon)
      portText = text.slice(colon + 1)
    }
    if (!HOST.test(host)) return err('bad-host')
  }
  if (portText === undefined) return ok({ host: host.toLowerCase(), port: undefined })
  const port = parsePort(portText)
  return port === undefined ? err('bad-port') : ok({ host: host.toLowerCase(), port })
}

/** 1 to 65535. */
export function parsePort(text: string): number | undefined {
  let port = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9 || port > 65535) return undefined
    port = port * 10 + digit
  }
  return port > 0 && port < 65536 ? port : undefined
}

function parseUriParams(text: string): Params | undefined {
  if (!PARAMS.test(text)) return undefined
  let params: Params = NONE
  for (const piece of text.slice(1).split(';')) {
    const equals = piece.indexOf('=')
    const written = equals < 0 ? piece : piece.slice(0, equals)
    const name = parameterName(written)
    if (params.length === MAX_PARAMS || has(params, name)) return undefined
    params = joined(params, [name, equals < 0 ? undefined : piece.slice(equals + 1)])
  }
  return params
}

/** An escaped name equals the plain one (RFC 4475 §3.1.1.3: `%6C%72` is `lr`), where it can be written plainly. */
function parameterName(written: string): string {
  if (!written.includes('%')) return written.toLowerCase()
  const plain = unescapeText(written)
  return plain !== undefined && /^[A-Za-z0-9\-_.!~*'()[\]/:&+$]+$/.test(plain)
    ? plain.toLowerCase()
    : written.toLowerCase()
}

function parseIm(scheme: 'im' | 'pres', rest: string): Result<Uri, UriError> {
  const question = rest.indexOf('?')
  const address = question < 0 ? rest : rest.slice(0, question)
  const at = address.lastIndexOf('@')
  const user = address.slice(0, at)
  if (at < 1 || !USER.test(user)) return err('bad-user')
  const place = parseHostPort(address.slice(at + 1))
  if (!place.ok) return place
  if (place.value.port !== undefined) return err('bad-port')
  return ok({ scheme, user, host: place.value.host })
}

function parseTel(rest: string): Result<TelUri, UriError> {
  const semicolon = rest.indexOf(';')
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon)
  if (!TEL.test(number)) return err('bad-user')
  const params = semicolon < 0 ? NONE : parseUriParams(rest.slice(semicolon))
  return params === undefined ? err('bad-params') : ok({ scheme: 'tel', number, params })
}
