import { type Domain, parseDomain } from '../../kernel/domain.ts'
import type { PresentedNames } from './presented-names.ts'

/**
 * The SIP domains that a certificate proves (RFC 5922 §7.1): its `sip:` URIs without a user; its DNS names only where it
 * has no such URI; its common name only where it has no subjectAltName at all. A wildcard is no domain, so that none
 * ever comes out, and `sips:` is another scheme.
 */
export function sipIdentities({ alternatives, commonNames }: PresentedNames): readonly Domain[] {
  if (alternatives === undefined) return domains(commonNames.slice(-1))
  const hosts = alternatives.uri.flatMap(sipHost)
  return domains(hosts.length > 0 ? hosts : alternatives.dns)
}

/**
 * Whether one of the names is among the identities: as a whole, in any case of letters, which the canonical form has
 * settled for both (RFC 5922 §7.2). No suffix, no wildcard.
 */
export const provesSip = (identities: readonly string[], names: readonly string[]): boolean =>
  names.some((name) => identities.includes(name))

const SIP_URI = /^sip:([^@]*)$/i

/** The host of a `sip:` URI without user; port and parameters have no part in the comparison (RFC 5922 §7.2). */
function sipHost(uri: string): readonly string[] {
  const rest = SIP_URI.exec(uri)?.[1]
  return rest === undefined ? [] : [(/^[^:;?/]*/.exec(rest) as RegExpExecArray)[0]]
}

function domains(texts: readonly string[]): readonly Domain[] {
  const found = texts.map(parseDomain).flatMap((parsed) => (parsed.ok ? [parsed.value] : []))
  return [...new Set(found)]
}
