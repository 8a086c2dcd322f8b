/** `tls`: TLS over TCP. */
export type Transport = 'udp' | 'tcp' | 'tls'

export const DEFAULT_PORTS = { udp: 5060, tcp: 5060, tls: 5061 } as const satisfies Record<Transport, number>

/** A place to send a request to. */
export interface Target {
  readonly transport: Transport
  /** IP literal without brackets. */
  readonly address: string
  readonly port: number
  /** The domain that was asked for: over TLS the peer must prove to be this one (RFC 5922 §7.3), whatever DNS said. */
  readonly host: string
  /** The name that had this address, for the log: that of the server (SRV), or `host`. */
  readonly server: string
}

/** `not-found`: there is decidedly nothing. `unavailable`: could not look, and may try later. */
export interface LocateFailure {
  readonly kind: 'not-found' | 'unavailable'
  /** For the log; may hold text from DNS. */
  readonly reason: string
}

export const notFound = (reason: string): LocateFailure => ({ kind: 'not-found', reason })
export const unavailable = (reason: string): LocateFailure => ({ kind: 'unavailable', reason })
