import type { Authority } from './certificates.ts'

/** Who one is, and whom one trusts: PEM texts, as node:tls takes them. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** For server and client alike, with these DNS names. */
export function identityOf(authority: Authority, ...names: readonly [string, ...string[]]): TlsIdentity {
  const { cert, key } = authority.issue({ commonName: names[0], dns: names, purposes: ['server', 'client'] })
  return { cert, key, ca: authority.pem }
}
