import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSigned } from './certificates.ts'
import type { TlsIdentity } from './identity.ts'

/**
 * How a real XMPP server federates. `certificate`: TLS, and the other's certificate must name its domain; Prosody then also
 * does dialback, where SASL is not offered. `dialback-tls`: TLS, but it shows a certificate signed by itself and trusts nobody's,
 * so only dialback is left. `clear`: no TLS at all.
 */
export type S2sSecurity = 'certificate' | 'dialback-tls' | 'clear'

export interface S2sSettings {
  /** The DNS server that it asks, and no other. */
  readonly dns: { readonly address: string; readonly port: number }
  /** `certificate` unless told. */
  readonly secure?: S2sSecurity
  /** What it shows, and the roots that it believes (its `ca`): for `certificate` only. */
  readonly identity?: TlsIdentity
  /** It also listens for direct TLS (XEP-0368), on `s2sDirectPort`. */
  readonly directTls?: boolean
  /** XEP-0288. */
  readonly bidi?: boolean
}

export interface S2sFiles {
  /** Certificate, chain and key. */
  readonly chain: string
  readonly key: string
  /** The only roots it believes. */
  readonly roots: string
}

/** Writes what the setting needs below `directory`; nothing for streams in clear. */
export async function writeS2sFiles(
  directory: string,
  domain: string,
  { secure = 'certificate', identity }: S2sSettings,
): Promise<S2sFiles | undefined> {
  if (secure === 'clear') return undefined
  const own = selfSigned({ commonName: domain, dns: [domain], purposes: ['server', 'client'] })
  const shown = secure === 'dialback-tls' ? { cert: own.cert, key: own.key, ca: own.cert } : identity
  if (shown === undefined) throw new Error(`s2s of ${domain}: "certificate" needs an identity`)
  // Prosody finds a certificate by the name of its file.
  const place = join(directory, 'certs')
  await mkdir(place, { recursive: true })
  const files = {
    chain: join(place, `${domain}.crt`),
    key: join(place, `${domain}.key`),
    roots: join(directory, 'roots.pem'),
  }
  await writeFile(files.chain, shown.cert)
  await writeFile(files.key, shown.key, { mode: 0o600 })
  await writeFile(files.roots, shown.ca)
  return files
}
