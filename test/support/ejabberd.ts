import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NextOptions } from './inbox.ts'
import { freePorts } from './ports.ts'
import { Child } from './process.ts'
import { type S2sFiles, type S2sSettings, writeS2sFiles } from './s2s-settings.ts'
import { tempDir } from './temp.ts'

export interface EjabberdOptions {
  readonly host: string
  readonly component?: { readonly domain: string; readonly secret: string }
  /** Federation with other servers. `bidi` only where `ejabberdHas('mod_s2s_bidi')`. */
  readonly s2s?: S2sSettings
  readonly users?: readonly { readonly name: string; readonly password: string }[]
}

export interface Ejabberd extends AsyncDisposable {
  readonly c2sPort: number
  readonly componentPort: number
  /** Where it takes S2S streams, and those of direct TLS, as far as its settings have them. */
  readonly s2sPort: number
  readonly s2sDirectPort: number
  /** The next line of its log that matches; lines already there count unless they were taken. */
  line(pattern: RegExp, options?: NextOptions): Promise<string>
  /** What it wrote, over all its lives. */
  log(): string
  /** Starts it again, on the same port and data. */
  start(): Promise<void>
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>
}

/**
 * A real ejabberd on 127.0.0.1 with its own directory. The Erlang machine is started directly: `ejabberdctl` would change
 * the user and need its node name for itself.
 */
export async function startEjabberd(options: EjabberdOptions): Promise<Ejabberd> {
  const temporary = await tempDir('ejabberd')
  const { path } = temporary
  const [component, c2s, s2s, direct] = (await freePorts(4)) as [number, number, number, number]
  const ports: Ports = { component, c2s, s2s, direct }
  const config = join(path, 'ejabberd.yml')
  const logFile = join(path, 'ejabberd.log')
  await mkdir(join(path, 'spool'))
  const files = options.s2s && (await writeS2sFiles(path, options.host, options.s2s))
  await writeFile(config, configuration(options, ports, files))
  const inetrc = join(path, 'inetrc')
  await writeFile(inetrc, options.s2s ? resolverOf(options.s2s) : '')
  const libraries = await installed()

  let child: Child | undefined
  let earlier = ''
  const start = async (): Promise<void> => {
    const place = `"${join(path, 'spool')}"`
    const users = ['-eval', registration(options)]
    child = new Child('erl', ['-noinput', '-mnesia', 'dir', place, '-s', 'ejabberd', ...users], {
      cwd: path,
      name: 'ejabberd',
      env: {
        HOME: path,
        ERL_LIBS: libraries,
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: logFile,
        ...(options.s2s && { ERL_INETRC: inetrc }),
      },
    })
    try {
      await child.line(/Start accepting TCP connections at/, { within: 30_000 })
      await child.line(/^users registered$/, { within: 30_000 })
    } catch (cause) {
      await child.kill()
      throw new Error(`ejabberd did not start:\n${child.tail()}`, { cause })
    }
  }
  const kill = async (): Promise<void> => {
    if (child === undefined) return
    await child.kill()
    earlier += `${child.output()}\n`
    child = undefined
  }
  try {
    await start()
  } catch (error) {
    await temporary[Symbol.asyncDispose]()
    throw error
  }
  return {
    c2sPort: c2s,
    componentPort: component,
    s2sPort: s2s,
    s2sDirectPort: direct,
    async line(pattern, waiting) {
      if (child === undefined) throw new Error('ejabberd does not run')
      return await child.line(pattern, waiting)
    },
    log: () => earlier + (child?.output() ?? ''),
    start,
    kill,
    async [Symbol.asyncDispose]() {
      await kill()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

/** What Erlang evaluates once ejabberd runs. */
function registration({ host, users = [] }: EjabberdOptions): string {
  const binary = (text: string): string => `<<${JSON.stringify(text)}/utf8>>`
  const calls = users.map(
    ({ name, password }) =>
      `ejabberd_auth:try_register(${binary(name)}, ${binary(host)}, ${binary(password)})`,
  )
  return `${[...calls, 'io:format("users registered~n")'].join(', ')}.`
}

/** Does the installed ejabberd have that module? Debian 12's has no bidi for S2S. */
export async function ejabberdHas(module: string): Promise<boolean> {
  const libraries = await installed()
  const [application] = (await readdir(libraries)).filter((entry) => entry.startsWith('ejabberd-'))
  const beams = await readdir(join(libraries, application as string, 'ebin'))
  return beams.includes(`${module}.beam`)
}

/** Debian puts the application under the architecture's library directory. */
async function installed(): Promise<string> {
  for (const name of await readdir('/usr/lib')) {
    const directory = join('/usr/lib', name)
    const entries = await readdir(directory).catch(() => [])
    if (entries.some((entry) => entry.startsWith('ejabberd-'))) return directory
  }
  throw new Error('ejabberd is not installed')
}

/** erts inetrc(5): names are asked of that DNS server alone. */
const resolverOf = ({ dns }: S2sSettings): string =>
  [
    '{resolv_conf, ""}.',
    '{hosts_file, ""}.',
    '{lookup, [dns]}.',
    `{nameserver, {${dns.address.replaceAll('.', ',')}}, ${dns.port}}.`,
    '',
  ].join('\n')

interface Ports {
  readonly component: number
  readonly c2s: number
  readonly s2s: number
  readonly direct: number
}

/** YAML has JSON in it. */
function configuration(options: EjabberdOptions, ports: Ports, files: S2sFiles | undefined): string {
  const { host, component, s2s } = options
  const listener = (port: number, module: string, more: object = {}): object => ({
    port,
    ip: '127.0.0.1',
    module,
    ...more,
  })
  const secure = s2s?.secure ?? 'certificate'
  return JSON.stringify({
    hosts: [host],
    loglevel: 'info',
    listen: [
      listener(ports.c2s, 'ejabberd_c2s', { access: 'all' }),
      ...(component
        ? [
            listener(ports.component, 'ejabberd_service', {
              access: 'all',
              hosts: { [component.domain]: { password: component.secret } },
            }),
          ]
        : []),
      ...(s2s ? [listener(ports.s2s, 'ejabberd_s2s_in')] : []),
      ...(s2s?.directTls ? [listener(ports.direct, 'ejabberd_s2s_in', { tls: true })] : []),
    ],
    ...(s2s && { s2s_use_starttls: secure === 'clear' ? false : 'required' }),
    ...(files && { certfiles: [files.chain, files.key], s2s_cafile: files.roots }),
    modules: {
      mod_disco: {},
      mod_ping: {},
      mod_roster: {},
      // With it, a certificate that is not believed would do: dialback follows.
      ...(s2s && secure !== 'certificate' && { mod_s2s_dialback: {} }),
      ...(s2s?.bidi && { mod_s2s_bidi: {} }),
    },
  })
}
