import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { err, ok, type Result } from '../../kernel/result.ts'
import { type ChainFault, type ChainOptions, validateChain } from './chain.ts'
import { type PresentedNames, presentedNames } from './presented-names.ts'

/** Certificates that a peer may present; the search has a limit of its own. */
const MOST = 12

/** The names that the peer's certificate proves, where the certificate is one that we trust. After the handshake. */
export function validatedPeer(socket: TLSSocket, options: ChainOptions): Result<PresentedNames, ChainFault> {
  const path = validateChain(presented(socket), options)
  if (!path.ok) return path
  const [leaf] = path.value
  const names = leaf === undefined ? undefined : presentedNames(leaf)
  return names === undefined ? err({ reason: 'unreadable', subject: undefined }) : ok(names)
}

/** As the peer sent them: Node strings them together in that order, whoever issued them. */
function presented(socket: TLSSocket): readonly X509Certificate[] {
  const found: X509Certificate[] = []
  for (let each = socket.getPeerX509Certificate(); each !== undefined; each = each.issuerCertificate) {
    found.push(each)
    if (found.length === MOST) break
  }
  return found
}
