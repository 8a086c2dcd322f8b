import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NextOptions } from './inbox.ts'
import { freePorts } from './ports.ts'
import { Child } from './process.ts'
import { type ProsodyS2s, prosodyS2s, type S2sPorts } from './prosody-s2s.ts'
import type { S2sSettings } from './s2s-settings.ts'
import { tempDir } from './temp.ts'

export interface ProsodyOptions {
  /** The virtual host whose users log in. */
  readonly host: string
  readonly components?: readonly { readonly domain: string; readonly secret: string }[]
  readonly users?: readonly { readonly name: string; readonly password: string }[]
  /** Modules beyond those a chat between users needs. */
  readonly modules?: readonly string[]
  /** Federation with other servers; without, what goes to an unknown domain comes back as an error. */
  readonly s2s?: S2sSettings
  /** Lines put into the global section of the configuration. */
  readonly extra?: string
  readonly log?: 'debug' | 'info' | 'warn' | 'error'
  /** Where configuration and data live; a directory of its own, removed at the end, unless told. */
  readonly directory?: string
  /** Client and component port; free ones unless told. */
  readonly c2sPort?: number
  readonly componentPort?: number
  /** Ports for S2S, where there is S2S; free ones unless told. */
  readonly s2sPort?: number
}

export interface Prosody extends AsyncDisposable {
  readonly host: string
  readonly c2sPort: number
  readonly componentPort: number
  /** Where it takes S2S streams, and those of direct TLS, as far as its settings have them. */
  readonly s2sPort: number
  readonly s2sDirectPort: number
  readonly directory: string
  /** Starts it again, on the same ports and data. Resolves when the ports are open. */
  start(): Promise<void>
  /** SIGTERM: it says goodbye on every stream. */
  stop(): Promise<void>
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void
  resume(): void
  /** The next line of its log that matches; lines already there count unless they were taken. */
  line(pattern: RegExp, options?: NextOptions): Promise<string>
  /** What it wrote, over all its lives. */
  log(): string
}

/**
 * A real Prosody on 127.0.0.1, with its own directory and ports. Users log in without TLS. S2S only by its settings.
 */
export async function startProsody(options: ProsodyOptions): Promise<Prosody> {
  const temporary = options.directory === undefined ? await tempDir('prosody') : undefined
  const directory = options.directory ?? (temporary?.path as string)
  const [freeC2s, freeComponent, freeS2s, freeDirect] = await freePorts(4)
  const c2sPort = options.c2sPort ?? (freeC2s as number)
  const componentPort = options.componentPort ?? (freeComponent as number)
  const s2s: S2sPorts = { s2s: options.s2sPort ?? (freeS2s as number), direct: freeDirect as number }
  const configFile = join(directory, 'prosody.cfg.lua')

  await mkdir(join(directory, 'data'), { recursive: true })
  await mkdir(join(directory, 'certs'), { recursive: true })
  const federation = options.s2s && (await prosodyS2s(directory, options.host, options.s2s, s2s))
  await writeFile(configFile, configuration(options, { directory, c2sPort, componentPort }, federation))
  await writeAccounts(join(directory, 'data'), options)

  let child: Child | undefined
  let earlier = ''

  const start = async (): Promise<void> => {
    const next = new Child('prosody', ['--config', configFile, '-F'], { cwd: directory, name: 'prosody' })
    child = next
    try {
      const activated = (service: string, port: number): Promise<string> =>
        next.line(new RegExp(`Activated service '${service}' on .*:${port}\\b`), { within: 30_000 })
      await activated('c2s', c2sPort)
      if (options.components?.length) await activated('component', componentPort)
      if (options.s2s) await activated('s2s', s2s.s2s)
      if (options.s2s?.directTls) await activated('s2s_direct_tls', s2s.direct)
    } catch (cause) {
      await next.kill()
      throw new Error(`prosody did not start:\n${next.tail()}`, { cause })
    }
  }
  const end = async (how: (running: Child) => Promise<unknown>): Promise<void> => {
    if (child === undefined) return
    const running = child
    child = undefined
    await how(running)
    earlier += `${running.output()}\n`
  }

  try {
    await start()
  } catch (error) {
    await temporary?.[Symbol.asyncDispose]()
    throw error
  }
  return {
    host: options.host,
    c2sPort,
    componentPort,
    s2sPort: s2s.s2s,
    s2sDirectPort: s2s.direct,
    directory,
    start,
    stop: () => end((running) => running.stop()),
    kill: () => end((running) => running.kill()),
    pause: () => child?.signal('SIGSTOP'),
    resume: () => child?.signal('SIGCONT'),
    async line(pattern, waiting) {
      if (child === undefined) throw new Error('prosody does not run')
      return await child.line(pattern, waiting)
    },
    log: () => earlier + (child?.output() ?? ''),
    async [Symbol.asyncDispose]() {
      await end((running) => running.stop(2000))
      await temporary?.[Symbol.asyncDispose]()
    },
  }
}

interface Place {
  readonly directory: string
  readonly c2sPort: number
  readonly componentPort: number
}

function configuration(options: ProsodyOptions, place: Place, s2s: ProsodyS2s | undefined): string {
  const modules = ['roster', 'saslauth', 'disco', 'ping', 'version', 'posix', ...(options.modules ?? [])]
  const federation = s2s?.lines ?? ['modules_disabled = { "s2s", "s2s_auth_certs", "tls" }']
  return [
    'run_as_root = true',
    `data_path = ${lua(join(place.directory, 'data'))}`,
    `pidfile = ${lua(join(place.directory, 'prosody.pid'))}`,
    'interfaces = { "127.0.0.1" }',
    `c2s_ports = { ${place.c2sPort} }`,
    `component_ports = { ${place.componentPort} }`,
    `modules_enabled = { ${[...modules, ...(s2s?.modules ?? [])].map(lua).join(', ')} }`,
    ...federation,
    'authentication = "internal_plain"',
    'c2s_require_encryption = false',
    'allow_unencrypted_plain_auth = true',
    'limits = {}',
    `log = { { to = "stdout", levels = { min = ${lua(options.log ?? 'info')} } } }`,
    options.extra ?? '',
    `VirtualHost ${lua(options.host)}`,
    ...(options.components ?? []).flatMap(({ domain, secret }) => [
      `Component ${lua(domain)}`,
      `  component_secret = ${lua(secret)}`,
    ]),
    '',
  ].join('\n')
}

/** Accounts written as Prosody's own storage writes them: prosodyctl would cost a fifth of a second each. */
async function writeAccounts(data: string, options: ProsodyOptions): Promise<void> {
  const accounts = join(data, storageName(options.host), 'accounts')
  await mkdir(accounts, { recursive: true })
  for (const { name, password } of options.users ?? []) {
    const text = `return {\n\t["password"] = ${lua(password)};\n};\n`
    await writeFile(join(accounts, `${storageName(name)}.dat`), text)
  }
}

/** util.datamanager: everything but ASCII letters and digits as %xx of its UTF-8 bytes. */
function storageName(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}

function lua(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`
}
