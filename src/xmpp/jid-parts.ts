import { parseDomain, unicodeOf } from '../kernel/domain.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { opaqueString, type PrecisError, usernameCaseMapped } from './precis/profile.ts'

/** RFC 7622 §3: octets of UTF-8, for each part. */
export const MAX_OCTETS = 1023
/** UTF-16 units before the mappings, which may take some away; more are not looked at. */
const MAX_UNITS = 2 * MAX_OCTETS

type PartError = PrecisError | 'too-long'
/** Which part is wrong, and how. Every one of them is a `<jid-malformed/>` (RFC 6120 §8.3.3.8). */
export type JidError =
  | 'domainpart-empty'
  | 'domainpart-malformed'
  | `localpart-${PartError}`
  /** `\20` is its first or last character (XEP-0106 §4). */
  | 'localpart-edge-space'
  | `resourcepart-${PartError}`
  /** Its first character is a space (RFC 7622 §3.5, example 18). */
  | 'resourcepart-edge-space'

const FORBIDDEN_IN_LOCALPART = /["&'/:<>@]/

/** RFC 7622 §3.3, XEP-0106 §4. */
export function enforceLocalpart(text: string): Result<string, JidError> {
  if (text.length > MAX_UNITS) return err('localpart-too-long')
  const local = usernameCaseMapped(text)
  if (!local.ok) return err(`localpart-${local.error}` as const)
  if (FORBIDDEN_IN_LOCALPART.test(local.value)) return err('localpart-disallowed')
  if (local.value.startsWith('\\20') || local.value.endsWith('\\20')) return err('localpart-edge-space')
  return fits(local.value) ? local : err('localpart-too-long')
}

/** RFC 7622 §3.4. */
export function enforceResourcepart(text: string): Result<string, JidError> {
  if (text.length > MAX_UNITS) return err('resourcepart-too-long')
  const resource = opaqueString(text)
  if (!resource.ok) return err(`resourcepart-${resource.error}` as const)
  if (resource.value.startsWith(' ')) return err('resourcepart-edge-space')
  return fits(resource.value) ? resource : err('resourcepart-too-long')
}

const ASCII = /^[\0-\x7f]*$/
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/** RFC 7622 §3.2. A final dot goes first; what is left is a domain name or an IP literal. */
export function enforceDomainpart(text: string): Result<string, JidError> {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name === '') return err('domainpart-empty')
  if (name.endsWith('.')) return err('domainpart-malformed')
  if (name.startsWith('[')) return enforceIpv6(name)
  if (IPV4.test(name)) return ok(name)
  const domain = parseDomain(ASCII.test(name) ? name.toLowerCase() : name)
  if (!domain.ok) return err('domainpart-malformed')
  const labels = unicodeOf(domain.value)
  // An A-label that does not come back from its U-label has no place here.
  const again = labels === domain.value ? domain : parseDomain(labels)
  return again.ok && again.value === domain.value ? ok(labels) : err('domainpart-malformed')
}

const IPV6_REFERENCE = /^\[[0-9A-Fa-f:.]{2,45}\]$/

/** In brackets (RFC 3986 §3.2.2); canonical as RFC 5952 writes it, which is what the URL standard does. */
function enforceIpv6(text: string): Result<string, JidError> {
  const url = `http://${text}/`
  return IPV6_REFERENCE.test(text) && URL.canParse(url)
    ? ok(new URL(url).hostname)
    : err('domainpart-malformed')
}

function fits(text: string): boolean {
  return text.length * 3 <= MAX_OCTETS || new TextEncoder().encode(text).length <= MAX_OCTETS
}
