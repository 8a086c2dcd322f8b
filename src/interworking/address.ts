import { type Domain, parseDomain, unicodeOf } from '../kernel/domain.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { escapeParamValue, escapeUser, unescapeText } from '../sip/escape.ts'
import type { ImUri, Params, SipUri, Uri } from '../sip/uri.ts'
import { parseUri } from '../sip/uri-parse.ts'
import { escapeLocalpart, unescapeLocalpart } from '../xmpp/escaping.ts'
import { domainOf, type Jid, type JidError, jid, localOf, resourceOf } from '../xmpp/jid.ts'
import { mapUsername } from '../xmpp/precis/profile.ts'

/** How one link writes the addresses of SIP users on its XMPP side. XMPP users keep their own address in every mode. */
export type Addressing =
  /** A domain has the same name on both sides. */
  | { readonly kind: 'straight' }
  /** The SIP domain `sip` is `xmpp` on the XMPP side; all other domains are straight. */
  | { readonly kind: 'pair'; readonly sip: Domain; readonly xmpp: Domain }
  /** `sip:user@host` is `user\40host@gateway` (XEP-0106); an internationalized host is written in A-labels. */
  | { readonly kind: 'escaped'; readonly gateway: Domain }

/** On which network the user behind an address lives: on SIP → XMPP, From is a `sip-user`, To an `xmpp-user`. */
export type Party = 'sip-user' | 'xmpp-user'

export type AddressError =
  /** RFC 7247 §8: `sips:` must not be translated. */
  | 'sips'
  /** `tel:`. Mapping telephone numbers is out of scope (RFC 7247 §6.1), and the URI names no domain. */
  | 'telephone-number'
  | 'unknown-scheme'
  /** Percent-escapes that are not UTF-8. */
  | 'bad-escape'
  | 'bad-host'
  /** A host that is an IP address: no domain, hence nothing that federation rules could judge. */
  | 'ip-literal'
  /** `escaped` needs a user part: `sip:host` has no form there. */
  | 'no-user'
  /** The other side's name of the pair, or the gateway's own: the result would be somebody else's address. */
  | 'shadowed-domain'
  /** At the gateway's domain, but nobody's: no `\40` and domain in the localpart, or no localpart at all. */
  | 'not-escaped'
  /** The way back would end at another address (`\5cfoo` and `\foo` both mean `\foo`). */
  | 'ambiguous'
  | JidError

/** More than any localpart may come from. */
const MAX_USER = 2046

/**
 * RFC 7247 §6.4. Password, port, headers and all parameters but `gr` are dropped; a temporary GRUU (`gr` without a
 * value) is not mapped (§6.3). `im:` and `pres:` are read like `sip:`; `sip:host` is the JID of the domain.
 */
export function uriToJid(uri: Uri, addressing: Addressing, party: Party): Result<Jid, AddressError> {
  if (uri.scheme === 'sips') return err('sips')
  if (uri.scheme === 'tel') return err('telephone-number')
  if (uri.scheme === 'other') return err('unknown-scheme')
  const { user: escaped, host } = uri as SipUri | ImUri
  const user = escaped === undefined ? undefined : unescapeText(escaped)
  if (user === undefined && escaped !== undefined) return err('bad-escape')
  let resource: string | undefined
  if (uri.scheme === 'sip') {
    const gruu = valueOfGr((uri as SipUri).params)
    if (gruu !== undefined) {
      resource = unescapeText(gruu)
      if (resource === undefined) return err('bad-escape')
    }
  }
  return partsToJid(user, host, resource, addressing, party)
}

/**
 * RFC 7247 §6.5. In `escaped`, addresses at the gateway are unwrapped and all others are straight; hosts become
 * A-labels; the resourcepart becomes `gr`.
 */
export function jidToUri(jid: Jid, addressing: Addressing): Result<SipUri, AddressError> {
  const domain = domainOf(jid)
  if (domain === undefined) return err('ip-literal')
  const local = localOf(jid)
  let user: string | undefined
  if (local !== undefined) {
    user = unescapeLocalpart(local)
    if (user !== local && (escapeLocalpart(user) !== local || mapUsername(user) !== user))
      return err('ambiguous')
  }
  let host = domain
  switch (addressing.kind) {
    case 'straight':
      break
    case 'pair':
      if (domain === addressing.xmpp) host = addressing.sip
      else if (domain === addressing.sip) return err('shadowed-domain')
      break
    case 'escaped': {
      if (domain !== addressing.gateway) break
      const at = user?.lastIndexOf('@') ?? -1
      if (user === undefined || at < 1) return err('not-escaped')
      const real = parseHost(user.slice(at + 1))
      if (!real.ok) return real
      if (real.value === domain) return err('shadowed-domain')
      host = real.value
      user = user.slice(0, at)
      break
    }
    default:
      return addressing satisfies never
  }
  const resource = resourceOf(jid)
  return ok({
    scheme: 'sip',
    user: user === undefined ? undefined : escapeUser(user),
    password: undefined,
    host,
    port: undefined,
    params: resource === undefined ? [] : [['gr', escapeParamValue(resource)]],
    headers: undefined,
  })
}

/**
 * What a user typed at the `jabber:iq:gateway` prompt (XEP-0100 §6.3): a URI, or `user@sip.domain` unescaped, where the
 * last `@` counts.
 */
export function gatewayJid(promptText: string, addressing: Addressing): Result<Jid, AddressError> {
  const text = promptText.trim()
  if (/^(?:sips?|im|pres|tel):/i.test(text)) {
    const uri = parseUri(text)
    return uri.ok ? uriToJid(uri.value, addressing, 'sip-user') : err('bad-host')
  }
  const at = text.lastIndexOf('@')
  return at < 1
    ? err('no-user')
    : partsToJid(text.slice(0, at), text.slice(at + 1), undefined, addressing, 'sip-user')
}

function partsToJid(
  user: string | undefined,
  host: string,
  resource: string | undefined,
  addressing: Addressing,
  party: Party,
): Result<Jid, AddressError> {
  const domain = parseHost(host)
  if (!domain.ok) return domain
  if (user !== undefined && user.length > MAX_USER) return err('localpart-too-long')
  switch (addressing.kind) {
    case 'straight':
      return assemble(user, domain.value, resource)
    case 'pair':
      if (domain.value === addressing.sip) return assemble(user, addressing.xmpp, resource)
      if (domain.value === addressing.xmpp) return err('shadowed-domain')
      return assemble(user, domain.value, resource)
    case 'escaped':
      if (domain.value === addressing.gateway) return err('shadowed-domain')
      if (party === 'xmpp-user') return assemble(user, domain.value, resource)
      if (user === undefined || user === '') return err('no-user')
      return assemble(`${user}@${domain.value}`, addressing.gateway, resource)
    default:
      return addressing satisfies never
  }
}

/**
 * Maps before it escapes, so that nothing turns into an escape sequence afterwards (`\3A`, fullwidth digits), and
 * accepts no change after it (`\3a` and a combining accent): different users never share a JID.
 */
function assemble(
  user: string | undefined,
  domain: Domain,
  resource: string | undefined,
): Result<Jid, AddressError> {
  if (user === undefined) return jid(undefined, unicodeOf(domain), resource)
  const mapped = mapUsername(user)
  if (mapped === undefined) return err('localpart-unstable')
  const local = escapeLocalpart(mapped)
  const address = jid(local, unicodeOf(domain), resource)
  return address.ok && localOf(address.value) !== local ? err('ambiguous') : address
}

function parseHost(text: string): Result<Domain, AddressError> {
  const domain = parseDomain(text)
  if (domain.ok) return domain
  return err(domain.error === 'ip-literal' ? 'ip-literal' : 'bad-host')
}

/** RFC 5627 §3.1; `gr=` without text is no instance either. */
function valueOfGr(params: Params): string | undefined {
  for (const [name, value] of params) if (name === 'gr') return value === '' ? undefined : value
  return undefined
}
