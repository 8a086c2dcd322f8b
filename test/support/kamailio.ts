import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TlsIdentity } from './identity.ts'
import { Inbox, type NextOptions } from './inbox.ts'
import { type KamailioPlace, kamailioConfig, kamailioTlsConfig, PASSED, READY } from './kamailio-config.ts'
import { freePorts } from './ports.ts'
import { Child } from './process.ts'
import { ProcessGroup } from './process-group.ts'
import { tempDir } from './temp.ts'

export interface KamailioOptions {
  /** Its only domain: `sip.example` makes it our home server, `provider.example` somebody else's edge. */
  readonly domain: string
  /** Who may register; with a password only against a digest (MD5). */
  readonly users?: readonly { readonly name: string; readonly password?: string }[]
  /** Dragoman's listener on 127.0.0.1: the way to every other domain. */
  readonly gateway: {
    readonly port: number
    readonly transport: 'udp' | 'tcp' | 'tls'
    /** What the TLS client asks for by SNI. */
    readonly name?: string
  }
  /** Mutual TLS both ways. `name` is its own, written into Via and Record-Route. */
  readonly tls?: TlsIdentity & { readonly name: string }
  /** A header line that it adds to what its users send, as `P-Asserted-Verification: verified`; theirs is removed. */
  readonly asserts?: string
  /** Requests from other domains are answered 407 until they carry a digest for its domain. */
  readonly challenges?: {
    readonly username: string
    readonly password: string
    readonly algorithm?: 'MD5' | 'SHA-256'
  }
  /**
   * Answers SUBSCRIBE and PUBLISH for its users itself (package presence). Everyone may watch, unless `rules` says that its
   * users decide: then a watcher is pending until they do, by XCAP (`rule`).
   */
  readonly presence?: boolean | 'rules'
}

/** A request that came in, each transmission once. */
export interface PassedRequest {
  readonly method: string
  readonly requestUri: string
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly transport: string
  readonly sourcePort: number
  /** Over TLS, from the client's certificate: subject CN, and the first DNS name of subjectAltName. */
  readonly peerName: string
  readonly peerDnsName: string
}

export interface Kamailio extends AsyncDisposable {
  readonly domain: string
  /** UDP and TCP on 127.0.0.1. */
  readonly port: number
  /** Only with `tls`. */
  readonly tlsPort: number
  readonly passed: Inbox<PassedRequest>
  /** What one of its users decides about who watches, as a document of RFC 5025 that XCAP brings; only with `rules`. */
  rule(user: string, document: string): Promise<void>
  /** Starts it again on the same ports; registrations are gone. */
  start(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL for all its processes. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void
  resume(): void
  /** The next line of its log that matches; lines already there count unless they were taken. */
  line(pattern: RegExp, options?: NextOptions): Promise<string>
  /** What it wrote, over all its lives. */
  log(): string
}

/** Empty tables as Debian ships them. */
const TABLES = '/usr/share/kamailio/dbtext/kamailio'

/** A real Kamailio on 127.0.0.1, registrar and proxy of one domain, with its own directory and ports. */
export async function startKamailio(options: KamailioOptions): Promise<Kamailio> {
  const temporary = await tempDir('kamailio')
  const [port, tlsPort] = (await freePorts(2)) as [number, number]
  const place = { directory: temporary.path, port, tlsPort }
  const passed = new Inbox<PassedRequest>(
    `kamailio of ${options.domain}`,
    (request) => `${request.method} ${request.requestUri} from ${request.from} over ${request.transport}`,
  )
  await writeFiles(options, place)

  let running: { readonly child: Child; readonly group: ProcessGroup } | undefined
  let earlier = ''
  const start = async (): Promise<void> => {
    const file = join(place.directory, 'kamailio.cfg')
    const child = new Child(
      'kamailio',
      ['-f', file, '-DD', '-E', '-m', '32', '-M', '8', '-w', place.directory, '-Y', place.directory],
      { cwd: place.directory, name: `kamailio of ${options.domain}` },
    )
    running = { child, group: new ProcessGroup(child.pid) }
    child.onLine((line) => {
      const request = passedRequest(line)
      if (request !== undefined) passed.push(request)
    })
    try {
      await child.line(new RegExp(READY), { within: 30_000 })
    } catch (cause) {
      await end((group) => group.signal('SIGKILL'))
      throw new Error(`kamailio did not start:\n${child.tail()}`, { cause })
    }
  }
  const end = async (how: (group: ProcessGroup, child: Child) => unknown): Promise<void> => {
    if (running === undefined) return
    const { child, group } = running
    running = undefined
    await how(group, child)
    await child.exited
    await group[Symbol.asyncDispose]()
    earlier += `${child.output()}\n`
  }
  const stop = (): Promise<void> =>
    end(async (group, child) => {
      group.signal('SIGCONT')
      await child.stop(3000)
    })

  try {
    await start()
  } catch (error) {
    await temporary[Symbol.asyncDispose]()
    throw error
  }
  return {
    domain: options.domain,
    port,
    tlsPort,
    passed,
    rule: async (user, document) => {
      const place = `xcap-root/pres-rules/users/sip:${user}@${options.domain}/index`
      const { status } = await fetch(`http://127.0.0.1:${port}/${place}`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/auth-policy+xml' },
        body: document,
      })
      if (status !== 200 && status !== 201) throw new Error(`XCAP: ${status}`)
    },
    start,
    stop,
    kill: () => end((group) => group.signal('SIGKILL')),
    pause: () => running?.group.signal('SIGSTOP'),
    resume: () => running?.group.signal('SIGCONT'),
    async line(pattern, waiting) {
      if (running === undefined) throw new Error('kamailio does not run')
      return await running.child.line(pattern, waiting)
    },
    log: () => earlier + (running?.child.output() ?? ''),
    async [Symbol.asyncDispose]() {
      await stop()
      passed.close('kamailio was ended')
      await temporary[Symbol.asyncDispose]()
    },
  }
}

async function writeFiles(options: KamailioOptions, place: KamailioPlace): Promise<void> {
  const { tls } = options
  const files = {
    'kamailio.cfg': kamailioConfig(options, place),
    ...(tls && {
      'tls.cfg': kamailioTlsConfig(options, place),
      'certificate.pem': tls.cert,
      'key.pem': tls.key,
      'authorities.pem': tls.ca,
    }),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(place.directory, name), text)
  if (!options.presence) return
  const tables = join(place.directory, 'presence')
  await mkdir(tables)
  for (const table of ['version', 'presentity', 'active_watchers', 'watchers', 'xcap', 'pua'])
    await copyFile(join(TABLES, table), join(tables, table))
}

function passedRequest(line: string): PassedRequest | undefined {
  const at = line.indexOf(PASSED)
  if (at < 0) return undefined
  const fields = line.slice(at + PASSED.length).split('\t')
  const field = (index: number): string => (fields[index] ?? '').replace('<null>', '')
  return {
    method: field(0),
    requestUri: field(1),
    from: field(2),
    to: field(3),
    callId: field(4),
    transport: field(5),
    sourcePort: Number(field(6)),
    peerName: field(7),
    peerDnsName: field(8),
  }
}
