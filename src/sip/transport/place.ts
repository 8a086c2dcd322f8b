import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Credentials } from '../../net/tls/credentials.ts'

export type Side = 'inside' | 'outside'

export type Transport = 'udp' | 'tcp' | 'tls'

/** Where a request came from. */
export interface Source {
  readonly transport: Transport
  /** IP literal. */
  readonly address: string
  readonly port: number
  /** Name of the listener. */
  readonly listener: string
  readonly side: Side
  /**
   * TLS: the domains that the peer's validated certificate proves (RFC 5922 §7.1), in canonical form. Undefined: no TLS,
   * or no certificate that we trust.
   */
  readonly identity?: readonly string[]
}

/** Where to send a request: an IP literal, for names are located before (RFC 3263). */
export interface Hop {
  readonly transport: Transport
  readonly address: string
  readonly port: number
  /** The listener to send from; by default the first of that transport and address family. */
  readonly listener?: string
  /** Listeners of this side come first: a host that is only reached from there may not answer the others. */
  readonly side?: Side
  /**
   * TLS: domains in canonical form; the peer's certificate must prove one of them (RFC 5922 §7.3), and the first is asked
   * for by SNI. Without any, nothing is sent.
   */
  readonly names?: readonly string[]
  /**
   * TLS: the domain on whose behalf the request goes. It chooses our certificate, and connections for other domains are
   * not used (RFC 5923 §9.3). By default the listener's first certificate.
   */
  readonly as?: string
}

export interface ListenerOptions {
  readonly name: string
  readonly transport: Transport
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  readonly side: Side
  /** Host for Via where the bound address is not the one that others use: a name or an IP literal. */
  readonly advertise?: string
  /** Of a TLS listener, which cannot be without. */
  readonly tls?: ListenerTls
}

export interface ListenerTls {
  readonly credentials: Credentials
  /** Which of our certificates are shown here; the first to whoever asks for none of them. Default: all. */
  readonly certificates?: readonly string[]
  /** Peers that show no certificate we trust are closed; otherwise they merely have no identity. */
  readonly demand?: boolean
  /** Believe only certificates for SIP (RFC 5924 §5), not those for TLS servers in general. */
  readonly sipPurposeOnly?: boolean
}

/** What a Via written by this listener says: lower case, IPv6 in brackets, always with its port. */
export function sentBy(options: ListenerOptions, boundPort: number): string {
  const host =
    options.advertise ?? (isWildcard(options.address) ? ownAddress(options.address) : options.address)
  return `${isIPv6(host) ? `[${host}]` : host}:${boundPort}`.toLowerCase()
}

export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::'

function ownAddress(wildcard: string): string {
  const family = isIPv6(wildcard) ? 'IPv6' : 'IPv4'
  for (const addresses of Object.values(networkInterfaces()))
    for (const entry of addresses ?? [])
      if (entry.family === family && !entry.internal && !entry.address.startsWith('fe80'))
        return entry.address
  return family === 'IPv6' ? '::1' : '127.0.0.1'
}
