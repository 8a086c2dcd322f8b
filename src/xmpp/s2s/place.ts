import type { Domain } from '../../kernel/domain.ts'
import type { Result } from '../../kernel/result.ts'

/**
 * How TLS begins. `direct`: with the first octet (XEP-0368), and STARTTLS must not follow. `starttls`: the stream begins
 * in clear and asks for it (RFC 6120 §5).
 */
export type TlsStart = 'direct' | 'starttls'

/** A place to connect to. */
export interface Place {
  readonly tls: TlsStart
  /** IP literal without brackets. */
  readonly address: string
  readonly port: number
  /** The domain that was asked for: the peer must prove to be this one (RFC 6125 §6.2.1), whatever DNS said. */
  readonly domain: Domain
  /** The name that had this address, for the log: that of the server (SRV), the fixed host, or the domain. */
  readonly server: string
}

/**
 * `not-offered`: the domain says itself that there is no XMPP for servers (RFC 2782: a target of `.`). `not-found`: there
 * is no such domain, or no address of its servers. `unknown`: it could not be found out, and may be later.
 */
export interface LocateFailure {
  readonly kind: 'not-offered' | 'not-found' | 'unknown'
  /** On one line; names in it are host names. */
  readonly reason: string
}

/** Never empty, in the order in which to try. */
export type Located = Result<readonly Place[], LocateFailure>

/** What the TLS handshake with a place says of whom it wants, as `node:tls` takes it. */
export interface Greeting {
  readonly servername: Domain
  readonly ALPNProtocols?: readonly ['xmpp-server']
}

/**
 * SNI is the domain, not the server's name (XEP-0368 §3; RFC 7590 §3.5 for STARTTLS). ALPN tells servers of several
 * protocols on one port which is meant; on a port of STARTTLS the stream has told already.
 */
export const greetingOf = ({ domain, tls }: Place): Greeting =>
  tls === 'direct' ? { servername: domain, ALPNProtocols: ['xmpp-server'] } : { servername: domain }
