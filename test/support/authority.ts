import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './process.ts'
import { type TempDir, tempDir } from './temp.ts'
import type { TlsIdentity } from './tls-tunnel.ts'

export interface Authority {
  /** The root certificate as PEM. */
  readonly ca: string
  /** A certificate for server and client with these DNS names. */
  issue(...names: readonly string[]): Promise<TlsIdentity>
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** A certificate authority of its own. */
export async function startAuthority(): Promise<Authority & AsyncDisposable> {
  const directory = await tempDir('authority')
  const own = ['-x509', '-subj', '/CN=Test authority', '-days', '2']
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  await openssl(directory, 'req', ...KEY, ...own, ...usage, '-keyout', 'ca.key', '-out', 'ca.pem')
  const ca = await readFile(join(directory.path, 'ca.pem'), 'utf8')
  return {
    ca,
    async issue(...names) {
      const name = names[0] ?? 'nobody'
      await openssl(
        directory,
        ...[
          'req',
          '-x509',
          '-CA',
          'ca.pem',
          '-CAkey',
          'ca.key',
          ...KEY,
          '-subj',
          `/CN=${name}`,
          '-days',
          '1',
        ],
        ...['-addext', `subjectAltName=${names.map((dns) => `DNS:${dns}`).join(',')}`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
        ...['-keyout', 'leaf.key', '-out', 'leaf.pem'],
      )
      const [cert, key] = await Promise.all(
        ['leaf.pem', 'leaf.key'].map((file) => readFile(join(directory.path, file), 'utf8')),
      )
      return { cert: cert as string, key: key as string, ca }
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

async function openssl(directory: TempDir, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run('openssl', args, { cwd: directory.path })
  if (code !== 0) throw new Error(`openssl ${args[0]} failed:\n${stderr}`)
}
