import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { err, ok, type Result } from '../../kernel/result.ts'
import { type ChainFault, type ChainOptions, validateChain } from './chain.ts'
import { type PresentedNames, presentedNames } from './presented-names.ts'

/** Certificates that a peer may present; the search has a limit of its own. */
const MOST = 12

export interface ValidatedPeer extends PresentedNames {
  /** Milliseconds since 1970: the first end among the certificates of its path. */
  readonly until: number
}

/** The names that the peer's certificate proves, where the certificate is one that we trust. After the handshake. */
export function validatedPeer(socket: TLSSocket, options: ChainOptions): Result<ValidatedPeer, ChainFault> {
  const path = validateChain(presented(socket), options)
  if (!path.ok) return path
  const [leaf] = path.value
  const names = leaf === undefined ? undefined : presentedNames(leaf)
  if (names === undefined) return err({ reason: 'unreadable', subject: undefined })
  return ok({ ...names, until: Math.min(...path.value.map(({ notAfter }) => notAfter)) })
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
