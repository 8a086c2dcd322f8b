import type { Domain } from '../../kernel/domain.ts'
import { xmppProof } from '../../net/tls/xmpp-identity.ts'
import type { CertificateCheck } from './negotiation.ts'
import type { Secured } from './wire.ts'

/** Does what the other side showed prove that domain? By a chain that we trust, whatever else it may be good for. */
export function certificateCheck(secured: Secured | undefined, domain: Domain): CertificateCheck {
  if (secured === undefined) return 'absent'
  const { names } = secured
  if (!names.ok) return names.error.reason === 'no-certificate' ? 'absent' : 'mismatch'
  return xmppProof(names.value, domain) === undefined ? 'mismatch' : 'match'
}

/** Names that are told of. */
const NAMED = 3
/** What a domain looks like, or a wildcard: nothing else of a certificate is repeated. */
const NAME = /^[a-zA-Z0-9*_.-]{1,100}$/

/** In a few words, why it proves nothing of that domain; undefined: it does, or there is none. */
export function certificateFault(secured: Secured | undefined, domain: Domain): string | undefined {
  if (secured === undefined || certificateCheck(secured, domain) !== 'mismatch') return undefined
  const { names } = secured
  if (!names.ok) return names.error.reason
  const { alternatives, commonNames } = names.value
  const all = alternatives === undefined ? commonNames : [...alternatives.xmppAddr, ...alternatives.dns]
  const shown = all.filter((name) => NAME.test(name))
  if (shown.length === 0) return 'it names no domain'
  const more = shown.length - NAMED
  return `it is for ${shown.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
