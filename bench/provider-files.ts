import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Authority } from '../test/support/certificates.ts'
import { DEAF_DOMAIN, edgeOf, HOME_HOST, PROVIDER_DOMAIN, SIP_DOMAIN, type TlsFiles } from './load/run.ts'

/** PEM files of everyone who speaks TLS, all of one authority. */
export interface ProviderFiles {
  readonly gateway: TlsFiles
  readonly provider: TlsFiles
  readonly deaf: TlsFiles
  readonly home: TlsFiles
}

export function writeProviderFiles(directory: string): ProviderFiles {
  const authority = new Authority('Benchmark')
  const authorities = join(directory, 'authorities.pem')
  writeFileSync(authorities, authority.pem)
  const issue = (host: string): TlsFiles => {
    const { cert, key } = authority.issue({ commonName: host, dns: [host], purposes: ['server', 'client'] })
    const [certificate, keyFile] = [join(directory, `${host}.pem`), join(directory, `${host}.key`)]
    writeFileSync(certificate, cert)
    writeFileSync(keyFile, key, { mode: 0o600 })
    return { certificate, key: keyFile, authorities }
  }
  return {
    gateway: issue(edgeOf(SIP_DOMAIN)),
    provider: issue(edgeOf(PROVIDER_DOMAIN)),
    deaf: issue(edgeOf(DEAF_DOMAIN)),
    home: issue(HOME_HOST),
  }
}
