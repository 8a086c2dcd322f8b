import type { Brand } from '../kernel/brand.ts'
import { type Domain, parseDomain } from '../kernel/domain.ts'
import { ok, type Result } from '../kernel/result.ts'
import {
  enforceDomainpart,
  enforceLocalpart,
  enforceResourcepart,
  type JidError,
  MAX_OCTETS,
} from './jid-parts.ts'

/** A canonical address (RFC 7622): enforced, U-labels in the domainpart. Compare with `===`; safe as a Map key. */
export type Jid = Brand<string, 'Jid'>
/** A `Jid` without resourcepart. */
export type BareJid = Jid & Brand<string, 'BareJid'>

export type { JidError }

/**
 * Any address a peer sent. The string is split before anything is mapped: fullwidth `＠` or `／` must not become
 * separators (RFC 7622 §3.1).
 */
export function parseJid(text: string): Result<Jid, JidError> {
  const slash = text.indexOf('/')
  const end = slash < 0 ? text.length : slash
  const firstAt = text.indexOf('@')
  const at = firstAt < end ? firstAt : -1
  const plain = plainJid(text, at, end)
  if (plain !== undefined) return ok(plain as Jid)
  return enforce(
    at < 0 ? undefined : text.slice(0, at),
    text.slice(at + 1, end),
    slash < 0 ? undefined : text.slice(slash + 1),
  )
}

/** An address from its parts, each of them as a peer might write it: nothing in a part acts as a separator. */
export function jid(
  localpart: string | undefined,
  domainpart: string,
  resourcepart?: string | undefined,
): Result<Jid, JidError> {
  const head = localpart === undefined ? domainpart : `${localpart}@${domainpart}`
  const text = resourcepart === undefined ? head : `${head}/${resourcepart}`
  const plain = plainJid(text, localpart === undefined ? -1 : localpart.length, head.length)
  return plain === undefined ? enforce(localpart, domainpart, resourcepart) : ok(plain as Jid)
}

export function localOf(jid: Jid): string | undefined {
  const at = jid.indexOf('@')
  if (at < 0) return undefined
  const slash = jid.indexOf('/')
  return slash >= 0 && slash < at ? undefined : jid.slice(0, at)
}

/** The domainpart: U-labels, or the literal of an IPv4 or (in brackets) IPv6 address. */
export function domainTextOf(jid: Jid): string {
  const slash = jid.indexOf('/')
  const at = jid.indexOf('@')
  return jid.slice(slash >= 0 && slash < at ? 0 : at + 1, slash < 0 ? undefined : slash)
}

export function resourceOf(jid: Jid): string | undefined {
  const slash = jid.indexOf('/')
  return slash < 0 ? undefined : jid.slice(slash + 1)
}

export function bareOf(jid: Jid): BareJid {
  const slash = jid.indexOf('/')
  return (slash < 0 ? jid : jid.slice(0, slash)) as BareJid
}

export const isBare = (jid: Jid): jid is BareJid => !jid.includes('/')

/** The domainpart as a domain name (A-labels); `undefined` where it is an IP literal, which is no domain. */
export function domainOf(jid: Jid): Domain | undefined {
  const domain = parseDomain(domainTextOf(jid))
  return domain.ok ? domain.value : undefined
}

/** ASCII code points: may stand in a localpart; in a domainpart; is a capital. */
const LOCAL = 1
const DOMAIN = 2
const CAPITAL = 4
const KIND = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  const local = code > 0x20 && code < 0x7f && !'"&\'/:<>@'.includes(char)
  return (local ? LOCAL : 0) | (/[A-Za-z0-9_.-]/.test(char) ? DOMAIN : 0) | (/[A-Z]/.test(char) ? CAPITAL : 0)
})
const DOT = 0x2e
const HYPHEN = 0x2d
const SPACE = 0x20
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

/**
 * The canonical form of an address of plain ASCII, in one scan; `undefined` for anything that needs a second look,
 * right or wrong. Where it answers, `enforce` gives the same answer (property test).
 */
function plainJid(text: string, at: number, end: number): string | undefined {
  if (at === 0 || at > MAX_OCTETS || text.length - end > MAX_OCTETS + 1) return undefined
  let seen = 0
  for (let i = 0; i < at; i++) {
    const kind = KIND[text.charCodeAt(i)] ?? 0
    if ((kind & LOCAL) === 0) return undefined
    seen |= kind
  }
  if (at >= 3 && (text.startsWith('\\20') || text.startsWith('\\20', at - 3))) return undefined

  const start = at + 1
  if (end === start || end - start > 253) return undefined
  let label = start
  let code = DOT
  for (let i = start; i < end; i++) {
    const before = code
    code = text.charCodeAt(i)
    const kind = KIND[code] ?? 0
    if ((kind & DOMAIN) === 0) return undefined
    seen |= kind
    // Empty labels, hyphens at an edge or in pairs (A-labels), labels over 63 octets.
    if (code === DOT || code === HYPHEN) {
      if (before === DOT || before === HYPHEN) return undefined
      if (code === DOT) {
        if (i - label > 63) return undefined
        label = i + 1
      }
    }
  }
  // A final digit may be that of an IPv4 address.
  if (code === DOT || code === HYPHEN || end - label > 63 || (code >= DIGIT_0 && code <= DIGIT_9))
    return undefined

  if (end < text.length) {
    if (text.length === end + 1 || text.charCodeAt(end + 1) === SPACE) return undefined
    for (let i = end + 1; i < text.length; i++) {
      const char = text.charCodeAt(i)
      if (char < SPACE || char > 0x7e) return undefined
    }
  }
  return (seen & CAPITAL) === 0 ? text : text.slice(0, end).toLowerCase() + text.slice(end)
}

/** The rules in full. */
function enforce(
  localpart: string | undefined,
  domainpart: string,
  resourcepart: string | undefined,
): Result<Jid, JidError> {
  const domain = enforceDomainpart(domainpart)
  if (!domain.ok) return domain
  let text = domain.value
  if (localpart !== undefined) {
    const local = enforceLocalpart(localpart)
    if (!local.ok) return local
    text = `${local.value}@${text}`
  }
  if (resourcepart !== undefined) {
    const resource = enforceResourcepart(resourcepart)
    if (!resource.ok) return resource
    text = `${text}/${resource.value}`
  }
  return ok(text as Jid)
}
