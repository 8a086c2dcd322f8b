import { appendFileSync, chownSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from './ports.ts'
import { Child, run } from './process.ts'
import { tempDir } from './temp.ts'

export interface Postgres extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** PEM of the authority that signed its certificate. */
  readonly ca: string
  /** May do everything, without a password. */
  readonly user: string
  readonly database: string
  /** One statement, over a connection of its own. */
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Ends all sessions and stops. */
  stop(): Promise<void>
  log(): string
}

const LIBRARY = '/usr/lib/postgresql'
const USER = 'dragoman'
const HOST = '127.0.0.1'

/**
 * A PostgreSQL of Debian's packages with a cluster of its own, over TLS for whoever asks for it. It refuses to run as root: root runs it as `postgres`.
 */
export async function startPostgres(): Promise<Postgres> {
  const directory = await tempDir('postgres')
  const data = join(directory.path, 'data')
  const port = await freePort()
  const root = process.getuid?.() === 0
  if (root) await giveAway(directory.path)
  const as = root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
  const command = (name: string, ...args: string[]): [string, string[]] => {
    // The kernel forgets the parent's death signal when the user changes: it is set after that.
    const [file, ...rest] = [
      ...as,
      ...(root ? ['--pdeathsig', 'KILL', '--'] : []),
      join(binaries(), name),
      ...args,
    ]
    return [file as string, rest]
  }

  const initdb = await run(
    ...command('initdb', '-D', data, '-U', USER, '-A', 'trust', '-N', '--locale=C.UTF-8'),
  )
  if (initdb.code !== 0) throw new Error(`initdb failed:\n${initdb.stdout}${initdb.stderr}`)

  const [certificate, key] = [join(directory.path, 'server.crt'), join(directory.path, 'server.key')]
  const openssl = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...[
      '-subj',
      '/CN=postgres',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
  ])
  if (openssl.code !== 0) throw new Error(`openssl failed:\n${openssl.stderr}`)
  if (root) await giveAway(key)

  let child: Child | undefined
  let earlier = ''
  const settings = ['fsync=off', 'max_connections=60', 'shared_buffers=16MB', 'log_min_messages=warning']
  // In the file, not on the command line, so that a test can change it.
  appendFileSync(
    join(data, 'postgresql.conf'),
    `ssl = on
ssl_cert_file = '${certificate}'
ssl_key_file = '${key}'
`,
  )
  const start = async (): Promise<void> => {
    const args = ['-D', data, '-h', HOST, '-p', String(port), '-k', directory.path]
    const next = new Child(...command('postgres', ...args, ...settings.flatMap((each) => ['-c', each])), {
      name: 'postgres',
    })
    child = next
    try {
      await next.line(/database system is ready to accept connections/, { within: 30_000 })
    } catch (cause) {
      await next.kill()
      throw new Error(`postgres did not start:\n${next.tail()}`, { cause })
    }
  }
  const stop = async (): Promise<void> => {
    if (child === undefined) return
    const running = child
    child = undefined
    // Fast shutdown: sessions are ended, nothing is left to recover.
    running.signal('SIGINT')
    await running.exited
    earlier += `${running.output()}\n`
  }

  try {
    await start()
  } catch (error) {
    await directory[Symbol.asyncDispose]()
    throw error
  }
  return {
    host: HOST,
    port,
    ca: readFileSync(certificate, 'utf8'),
    user: USER,
    database: 'postgres',
    async query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      const client = new pg.Client({ host: HOST, port, user: USER, database: 'postgres' })
      await client.connect()
      try {
        return (await client.query<R>(text, [...values])).rows
      } finally {
        await client.end()
      }
    },
    start,
    stop,
    log: () => earlier + (child?.output() ?? ''),
    async [Symbol.asyncDispose]() {
      await stop()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Of the newest version that is installed. */
function binaries(): string {
  const [newest] = readdirSync(LIBRARY).sort((a, b) => Number(b) - Number(a))
  if (newest === undefined) throw new Error(`no PostgreSQL in ${LIBRARY}: apt-get install postgresql`)
  return join(LIBRARY, newest, 'bin')
}

async function giveAway(path: string): Promise<void> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (which) => (await run('id', [which, 'postgres'])).stdout),
  )
  chownSync(path, Number(uid), Number(gid))
}
