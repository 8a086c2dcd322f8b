import { domainToASCII, domainToUnicode } from 'node:url'
import { BoundedMap } from './bounded-map.ts'
import type { Brand } from './brand.ts'
import { err, ok, type Result } from './result.ts'

/**
 * A canonical domain name: A-labels (IDNA, RFC 5890), lower case, no final dot, at most 253 octets.
 * Compare with `===`. IP literals are hosts, not domains, and are refused.
 */
export type Domain = Brand<string, 'Domain'>

export type DomainError = 'empty' | 'too-long' | 'bad-label' | 'not-idna' | 'ip-literal'

const PLAIN = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
/** What domainToASCII would silently strip, cut at or percent-decode. */
const FOREIGN = /[\u0000-\u0020"#%/:<>?@[\\\]^`{|}\u007f]/

/** Underscores are let through: they occur in names that real networks use. */
export function parseDomain(text: string): Result<Domain, DomainError> {
  if (text.length === 0) return err('empty')
  if (text.length > 1023) return err('too-long')
  let name = text.endsWith('.') ? text.slice(0, -1) : text
  if (!PLAIN.test(name)) {
    if (FOREIGN.test(name)) return err(name.startsWith('[') ? 'ip-literal' : 'bad-label')
    name = domainToASCII(name)
    if (name === '') return err('not-idna')
    if (name.endsWith('.')) name = name.slice(0, -1)
    if (!PLAIN.test(name)) return err('bad-label')
  }
  if (name.includes('xn--') && !isDecodable(name)) return err('not-idna')
  if (name.length > 253) return err('too-long')
  if (IPV4.test(name)) return err('ip-literal')
  return ok(name as Domain)
}

/** Every A-label stands for a U-label, and for no other spelling of it. Newer lines of Node leave that to the caller. */
function isDecodable(name: string): boolean {
  const unicode = domainToUnicode(name)
  return unicode !== '' && !/(?:^|\.)xn--/.test(unicode) && domainToASCII(unicode) === name
}

/** The U-label form, as XMPP addresses carry it (RFC 7622 §3.2). */
export const unicodeOf = (domain: Domain): string =>
  domain.includes('xn--') ? domainToUnicode(domain) : domain

/** True for the domain itself and everything below it. */
export const isWithin = (name: Domain, parent: Domain): boolean =>
  name === parent ||
  (name.length > parent.length && name.endsWith(parent) && name[name.length - parent.length - 1] === '.')

const lineages = new BoundedMap<Domain, readonly Domain[]>(10_000)

/** The name itself and every name above it: `a.b.c`, `b.c`, `c`. The same array for the same name, while it is remembered. */
export function lineageOf(name: Domain): readonly Domain[] {
  const known = lineages.get(name, 0)
  if (known !== undefined) return known
  const names: Domain[] = [name]
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1))
    names.push(name.slice(dot + 1) as Domain)
  lineages.set(name, names, 0)
  return names
}
