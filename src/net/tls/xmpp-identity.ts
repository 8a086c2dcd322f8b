import { type Domain, unicodeOf } from '../../kernel/domain.ts'
import type { PresentedNames } from './presented-names.ts'

/** The name by which a certificate proves a domain, for the log. */
export interface XmppProof {
  readonly by: 'xmpp-addr' | 'srv-id' | 'dns-id' | 'wildcard' | 'common-name'
  /** As it stands in the certificate. */
  readonly name: string
}

/**
 * Whether a certificate proves a domain to an XMPP server, and by what (RFC 6120 §13.7.2.1, by the rules of RFC 6125 §6):
 * XmppAddr, `_xmpp-server` as SRV-ID, DNS-ID, and DNS-ID with `*` as its whole leftmost label, which stands for just one
 * label below a domain of two or more. A certificate without subjectAltName proves its common name, without wildcard.
 * The certificate itself must have been validated before.
 *
 * Each is compared with what must stand there: nothing that a certificate says is prepared, decoded or cut, so that no
 * name that looks alike or ends early can become the domain.
 */
export function xmppProof(
  { alternatives, commonNames }: PresentedNames,
  domain: Domain,
): XmppProof | undefined {
  const is =
    (wanted: string) =>
    (name: string): boolean =>
      lower(name) === wanted
  const proof = (by: XmppProof['by'], name: string | undefined): XmppProof | undefined =>
    name === undefined ? undefined : { by, name }
  if (alternatives === undefined) return proof('common-name', commonNames.slice(-1).find(is(domain)))
  const { xmppAddr, srv, dns } = alternatives
  const unicode = unicodeOf(domain)
  const wildcard = wildcardOf(domain)
  return (
    proof('xmpp-addr', xmppAddr.find(is(domain)) ?? xmppAddr.find(is(unicode))) ??
    proof('srv-id', srv.find(is(`_xmpp-server.${domain}`))) ??
    proof('dns-id', dns.find(is(domain))) ??
    (wildcard === undefined ? undefined : proof('wildcard', dns.find(is(wildcard))))
  )
}

/** For choosing a certificate of ours. */
export const provesXmpp = (names: PresentedNames, domain: Domain): boolean =>
  xmppProof(names, domain) !== undefined

/** The one name with a wildcard that stands for this domain (RFC 6125 §6.4.3). None is believed for all of `*.com`. */
function wildcardOf(domain: Domain): string | undefined {
  const above = domain.slice(domain.indexOf('.') + 1)
  return domain.includes('.') && above.includes('.') ? `*.${above}` : undefined
}

/** Letters of ASCII alone (RFC 6125 §6.4.1): the Kelvin sign is no k. */
const lower = (name: string): string => name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
