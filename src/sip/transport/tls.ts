import { connect, type TLSSocket } from 'node:tls'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { ChainFault } from '../../net/tls/chain.ts'
import type { Shown } from '../../net/tls/credentials.ts'
import { validatedPeer } from '../../net/tls/peer.ts'
import { provesSip, sipIdentities } from '../../net/tls/sip-identity.ts'
import type { ListenerTls } from './place.ts'

/** Whom a request may go to over TLS. */
export interface TlsTarget {
  /** The peer's certificate must prove one of them; the first is asked for by SNI. */
  readonly names?: readonly string[] | undefined
  /** The domain of ours on whose behalf we connect. */
  readonly as?: string | undefined
}

/** The SIP domains that the peer proves, once the handshake is done (RFC 5922 §7.1). */
export function provedBy(
  socket: TLSSocket,
  { credentials, sipPurposeOnly = false }: ListenerTls,
  role: 'client' | 'server',
  now: number,
): Result<readonly string[], ChainFault> {
  const purpose = { role, sip: sipPurposeOnly ? 'only' : 'too' } as const
  const names = validatedPeer(socket, { trust: credentials.trust, now, purpose })
  return names.ok ? ok(sipIdentities(names.value)) : names
}

/** The identity of a server that we have connected to, or why nothing may be sent there (RFC 5922 §7.3). */
export function provedServer(
  socket: TLSSocket,
  tls: ListenerTls,
  names: readonly string[],
  now: number,
): Result<readonly string[], string> {
  const proved = provedBy(socket, tls, 'server', now)
  if (!proved.ok) return err(`the certificate is not trusted: ${textOfFault(proved.error)}`)
  if (provesSip(proved.value, names)) return proved
  return err(`the certificate is for ${proved.value.join(', ') || 'no domain'}, not for ${names.join(', ')}`)
}

export const textOfFault = ({ reason, subject }: ChainFault): string =>
  subject === undefined ? reason : `${reason} (${subject})`

/** Connects, showing our certificate. What the peer shows is judged when `secureConnect` comes. */
export function dial(
  place: { readonly host: string; readonly port: number; readonly localAddress?: string },
  { context }: Shown,
  servername: string,
): TLSSocket {
  return connect({
    ...place,
    servername,
    secureContext: context,
    rejectUnauthorized: false,
    // Not Node's comparison, which knows wildcards and may throw.
    checkServerIdentity: () => undefined,
  })
}
