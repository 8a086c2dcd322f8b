import type { Params } from './uri.ts'

/** RFC 3261 §25.1 `token`. */
export const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

const CLASS = new Uint8Array(256)
const TOKEN_CHAR = 1
const VALUE_CHAR = 2
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
  CLASS[char.charCodeAt(0)] = TOKEN_CHAR | VALUE_CHAR
// gen-value is token, host or quoted-string; addresses bring colons and brackets (RFC 5118 §4.5), URIs in values the rest.
for (const char of '[]:/@?&$#(){}|\\^')
  CLASS[char.charCodeAt(0)] = (CLASS[char.charCodeAt(0)] as number) | VALUE_CHAR

/** @internal */
export const isTokenCode = (code: number): boolean =>
  code < 256 && ((CLASS[code] as number) & TOKEN_CHAR) !== 0
/** As `TOKEN` does, and faster for short text. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isTokenCode(text.charCodeAt(i))) return false
  return text.length > 0
}

const isValueCode = (code: number): boolean => code < 256 && ((CLASS[code] as number) & VALUE_CHAR) !== 0

/** Index of the first octet at or after `at` that is neither SP nor HTAB. */
export function skipSpace(text: string, at: number): number {
  let i = at
  for (;;) {
    const code = text.charCodeAt(i)
    if (code !== 0x20 && code !== 0x09) return i
    i++
  }
}

/** Without SP and HTAB at both ends: `String.trim` would take more than LWS away. */
export function trimSpace(text: string): string {
  const start = skipSpace(text, 0)
  let end = text.length
  while (end > start) {
    const code = text.charCodeAt(end - 1)
    if (code !== 0x20 && code !== 0x09) break
    end--
  }
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

/** Index behind the quoted string that opens at `at`, or -1 where it never closes. */
export function skipQuoted(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x5c) i++
    else if (code === 0x22) return i + 1
  }
  return -1
}

/** Splits at commas outside quoted strings and angle brackets (RFC 3261 §7.3.1); undefined where one stays open. */
export function splitList(value: string): readonly string[] | undefined {
  if (!value.includes(',')) return isClosed(value) ? [trimSpace(value)] : undefined
  const parts: string[] = []
  let start = 0
  let i = 0
  while (i < value.length) {
    const code = value.charCodeAt(i)
    if (code === 0x22) {
      i = skipQuoted(value, i)
      if (i < 0) return undefined
      continue
    }
    if (code === 0x3c) {
      i = value.indexOf('>', i)
      if (i < 0) return undefined
    } else if (code === 0x2c) {
      parts.push(trimSpace(value.slice(start, i)))
      start = i + 1
    }
    i++
  }
  parts.push(trimSpace(value.slice(start)))
  return parts
}

function isClosed(value: string): boolean {
  let i = 0
  while (i < value.length) {
    const code = value.charCodeAt(i)
    if (code === 0x22) {
      i = skipQuoted(value, i)
      if (i < 0) return false
    } else if (code === 0x3c) {
      i = value.indexOf('>', i)
      if (i < 0) return false
    } else i++
  }
  return true
}

/** More of them in one place are refused: looking for repeated names takes squared time. */
export const MAX_PARAMS = 100

const NONE: Params = []

/**
 * Header parameters, `*( SEMI generic-param )`, from `at` to the end of the text. Names come in lower case, values
 * as on the wire (a quoted string with its quotes). Undefined where malformed or where a name comes twice (§7.3.1).
 */
export function parseParams(text: string, at: number): Params | undefined {
  let i = skipSpace(text, at)
  if (i === text.length) return NONE
  let params: Params = NONE
  while (i < text.length) {
    if (text.charCodeAt(i) !== 0x3b) return undefined
    const start = skipSpace(text, i + 1)
    i = start
    while (isTokenCode(text.charCodeAt(i))) i++
    if (i === start) return undefined
    const name = text.slice(start, i).toLowerCase()
    i = skipSpace(text, i)
    let value: string | undefined
    if (text.charCodeAt(i) === 0x3d) {
      const from = skipSpace(text, i + 1)
      i = from
      if (text.charCodeAt(i) === 0x22) {
        i = skipQuoted(text, i)
        if (i < 0) return undefined
      } else while (isValueCode(text.charCodeAt(i))) i++
      if (i === from) return undefined
      value = text.slice(from, i)
      i = skipSpace(text, i)
    }
    if (params.length === MAX_PARAMS || has(params, name)) return undefined
    params = joined(params, [name, value])
  }
  return params
}

/** An array that grows by `push` gets room for seventeen, and most have one or two. @internal */
export function joined(params: Params, param: Params[number]): Params {
  switch (params.length) {
    case 0:
      return [param]
    case 1:
      return [params[0] as Params[number], param]
    default:
      return params.concat([param])
  }
}

/** Is there a parameter of that name (lower case)? */
export function has(params: Params, name: string): boolean {
  for (const entry of params) if (entry[0] === name) return true
  return false
}

/** The value of a parameter as on the wire; `''` for a flag, undefined where there is none. */
export function param(params: Params, name: string): string | undefined {
  for (const entry of params) if (entry[0] === name) return entry[1] ?? ''
  return undefined
}

/** `;name=value;flag`, as it goes on the wire. */
export function paramsText(params: Params): string {
  let text = ''
  for (const entry of params) text += paramText(entry)
  return text
}

export const paramText = (entry: Params[number]): string =>
  entry[1] === undefined ? `;${entry[0]}` : `;${entry[0]}=${entry[1]}`

/** The text that a quoted string stands for; any other value as it is. */
export function unquote(value: string): string {
  if (value.length < 2 || value.charCodeAt(0) !== 0x22) return value
  const inner = value.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner
}

/** A quoted string (RFC 3261 §25.1) that stands for this text. CR, LF and NUL are for the header writer to refuse. */
export const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
