import type { Brand } from '../kernel/brand.ts'
import { type Domain, parseDomain } from '../kernel/domain.ts'
import { err, ok, type Result } from '../kernel/result.ts'

/** The user part of an address as both protocols compare it. Compare with `===`. Empty for a bare domain. */
export type UserKey = Brand<string, 'UserKey'>

/** Who speaks or is spoken to: the bare address, without resource, port or parameters. */
export interface Address {
  readonly user: UserKey
  readonly domain: Domain
}

const PLAIN = /^[a-z0-9._+-]*$/
/** Halfwidth and Fullwidth Forms, the width-mapped characters of RFC 8265 §3.3.1. */
const WIDE = /[\uff01-\uffee]/g

/**
 * The key of a decoded user part: what `%xx` (SIP) or `\xx` (XEP-0106) stood for. Width, case and NFC as in
 * UsernameCaseMapped (RFC 8265 §3.3.1), so that an XMPP localpart and the SIP user made from it have one key,
 * and no spelling of a blocked address slips by. Never refuses: checking the text is the protocols' matter.
 */
export const userKey = (decoded: string): UserKey =>
  (PLAIN.test(decoded)
    ? decoded
    : decoded
        .replace(WIDE, (c) => c.normalize('NFKC'))
        .toLowerCase()
        .normalize('NFC')) as UserKey

export type AddressError = 'no-user' | 'bad-user' | 'bad-domain'

/**
 * An address as a person writes it in a file or on a command line: `user@domain`, `sip:user@domain` (with `%xx`),
 * `xmpp:user@domain`. Ports, parameters, resources and headers are refused: rules are about people, not devices.
 */
export function parseAddress(text: string): Result<Address, AddressError> {
  const scheme = /^(sips?|xmpp|im|pres):/i.exec(text)
  const bare = scheme === null ? text : text.slice(scheme[0].length)
  const at = bare.lastIndexOf('@')
  if (at <= 0) return err('no-user')
  const user = scheme === null ? bare.slice(0, at) : decoded(bare.slice(0, at))
  if (user === undefined || user.length > 1023 || /[\u0000-\u001f\u007f]/.test(user)) return err('bad-user')
  const domain = parseDomain(bare.slice(at + 1))
  return domain.ok ? ok({ user: userKey(user), domain: domain.value }) : err('bad-domain')
}

export const sameAddress = (a: Address, b: Address): boolean => a.user === b.user && a.domain === b.domain

/** For people: logs, `explain`, messages. */
export const textOfAddress = (address: Address): string =>
  address.user === '' ? address.domain : `${address.user}@${address.domain}`

function decoded(user: string): string | undefined {
  if (!user.includes('%')) return user
  try {
    return decodeURIComponent(user)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
