import { createHash } from 'node:crypto'
import type { DiscoInfo, Identity } from './disco.ts'

export const CAPS = 'http://jabber.org/protocol/caps'

/** A form of an answer to disco#info (XEP-0128): its FORM_TYPE, and the values of each other field by its `var`. */
export interface InfoForm {
  readonly type: string
  readonly fields: Readonly<Record<string, readonly string[]>>
}

/**
 * The verification string of what somebody is and can (XEP-0115 §5.1): SHA-1 in Base64, whatever the order in which it is
 * given.
 */
export function verificationString(
  { identities, features }: DiscoInfo,
  forms: readonly InfoForm[] = [],
): string {
  const parts = [
    ...[...identities].sort(byIdentity).map(textOf),
    ...sorted(features),
    ...[...forms]
      .sort((a, b) => octets(a.type, b.type))
      .flatMap(({ type, fields }) => [
        type,
        ...sorted(Object.keys(fields)).flatMap((name) => [name, ...sorted(fields[name] ?? [])]),
      ]),
  ]
  return createHash('sha1')
    .update(parts.map((part) => `${part}<`).join(''), 'utf8')
    .digest('base64')
}

/** Collation i;octet (RFC 4790 §9.3); code units are in another order than octets beyond the basic plane. */
const octets = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const sorted = (texts: readonly string[]): string[] => [...texts].sort(octets)

const byIdentity = (a: Identity, b: Identity): number =>
  octets(a.category, b.category) || octets(a.type, b.type) || octets(a.lang ?? '', b.lang ?? '')

const textOf = ({ category, type, lang = '', name = '' }: Identity): string =>
  `${category}/${type}/${lang}/${name}`
