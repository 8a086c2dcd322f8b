import type { ImUri, SipUri, Uri } from './uri.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g

/** Decodes every `%hh` as UTF-8; undefined where the octets are not UTF-8. One pass: `%2541` gives `%41`. */
export function unescapeText(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return text.replace(ESCAPES, (run) => utf8.decode(Buffer.from(run.replaceAll('%', ''), 'hex')))
  } catch {
    return undefined
  }
}

/**
 * The user part as text: percent-decoded, read as UTF-8, and it may hold any character, NUL too.
 * Undefined where the URI has no user (`uri.user` tells) or its octets are not UTF-8.
 */
export function userOf(uri: Uri): string | undefined {
  if (uri.scheme === 'tel' || uri.scheme === 'other') return undefined
  const user = (uri as SipUri | ImUri).user
  return user === undefined ? undefined : unescapeText(user)
}

/** RFC 3261 §25.1: unreserved and user-unreserved stay. */
const NOT_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]+/gu
/** RFC 3261 §25.1: unreserved and param-unreserved stay. */
const NOT_PARAM = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]+/gu

/** Any text as the user part of a SIP URI. A lone surrogate becomes U+FFFD. */
export const escapeUser = (text: string): string => text.replace(NOT_USER, percent)

/** Any text as the value of a SIP URI parameter. */
export const escapeParamValue = (text: string): string => text.replace(NOT_PARAM, percent)

function percent(text: string): string {
  let escaped = ''
  for (const octet of Buffer.from(text, 'utf8'))
    escaped += `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  return escaped
}
