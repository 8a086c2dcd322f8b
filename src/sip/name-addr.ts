import { err, ok, type Result } from '../kernel/result.ts'
import {
  isTokenCode,
  paramsText,
  parseParams,
  quote,
  skipQuoted,
  skipSpace,
  splitList,
  trimSpace,
  unquote,
} from './scan.ts'
import type { Params, Uri } from './uri.ts'
import { parseUri, type UriError } from './uri-parse.ts'
import { uriText } from './uri-write.ts'

/** From, To, Contact, Route and the like: RFC 3261 §20.10. */
export interface NameAddr {
  /** Plain text: quotes and their escapes are taken away. Undefined where there is none. */
  readonly display: string | undefined
  readonly uri: Uri
  /** Header parameters, not those of the URI. */
  readonly params: Params
}

export type NameAddrError = 'bad-display-name' | 'unclosed' | 'bad-params' | 'uri-needs-brackets' | UriError

/**
 * One `name-addr` or `addr-spec` with its parameters. A display name without space before `<` is read
 * (RFC 4475 §3.1.1.6); a URI without brackets ends at its first `;` and must hold no `?` or `,` (§20.10).
 */
export function parseNameAddr(value: string): Result<NameAddr, NameAddrError> {
  const start = skipSpace(value, 0)
  let open = start
  let display: string | undefined
  if (value.charCodeAt(start) === 0x22) {
    const close = skipQuoted(value, start)
    if (close < 0) return err('unclosed')
    display = unquote(value.slice(start, close))
    open = skipSpace(value, close)
    if (value.charCodeAt(open) !== 0x3c) return err('bad-display-name')
  } else if (value.charCodeAt(start) !== 0x3c) {
    open = value.indexOf('<', start)
    // A `<` in a parameter's value does not open an address.
    const semicolon = value.indexOf(';', start)
    if (open < 0 || (semicolon >= 0 && semicolon < open)) return parseAddrSpec(value, start, semicolon)
    display = trimSpace(value.slice(start, open))
    for (let i = 0; i < display.length; i++) {
      const code = display.charCodeAt(i)
      if (!isTokenCode(code) && code !== 0x20 && code !== 0x09) return err('bad-display-name')
    }
  }
  const close = value.indexOf('>', open)
  if (close < 0) return err('unclosed')
  const uri = parseUri(value.slice(open + 1, close))
  if (!uri.ok) return uri
  const params = parseParams(value, close + 1)
  return params === undefined ? err('bad-params') : ok({ display, uri: uri.value, params })
}

function parseAddrSpec(value: string, start: number, semicolon: number): Result<NameAddr, NameAddrError> {
  const text = trimSpace(value.slice(start, semicolon < 0 ? value.length : semicolon))
  if (text.includes('?') || text.includes(',')) return err('uri-needs-brackets')
  const uri = parseUri(text)
  if (!uri.ok) return uri
  const params = semicolon < 0 ? [] : parseParams(value, semicolon)
  return params === undefined ? err('bad-params') : ok({ display: undefined, uri: uri.value, params })
}

/** Every address of a header field that may hold a list, such as Contact or Route. `*` is not an address. */
export function parseNameAddrs(value: string): Result<readonly NameAddr[], NameAddrError> {
  const parts = splitList(value)
  if (parts === undefined) return err('unclosed')
  const addresses: NameAddr[] = []
  for (const part of parts) {
    const address = parseNameAddr(part)
    if (!address.ok) return address
    addresses.push(address.value)
  }
  return ok(addresses)
}

/** Always with angle brackets, so that no parameter changes its owner; the display name is always quoted. */
export function nameAddrText(address: NameAddr): string {
  const display = address.display === undefined || address.display === '' ? '' : `${quote(address.display)} `
  return `${display}<${uriText(address.uri)}>${paramsText(address.params)}`
}
