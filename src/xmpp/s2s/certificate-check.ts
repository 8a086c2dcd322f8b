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
