import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { Inbox } from './inbox.ts'
import { freePort } from './ports.ts'
import { Child, type Exit, type Finished, run } from './process.ts'
import { ROOT } from './root.ts'
import { tempDir } from './temp.ts'

/** The built command; `build.ts` makes it once per run of the interop tests. */
const MAIN = join(ROOT, 'dist/main.js')

/** One line of the log: pino's JSON. */
export type LogLine = { readonly msg?: string; readonly level?: number } & Readonly<Record<string, unknown>>

export interface DragomanOptions {
  /** The configuration: as text, or as a value that is written as YAML. */
  readonly config: string | object
  readonly env?: Readonly<Record<string, string>>
  /** Where the configuration is written; in a directory of its own unless told. */
  readonly configFile?: string
  /** Milliseconds it may take to say that it is ready; 30 s unless told. */
  readonly within?: number
}

export interface Dragoman extends AsyncDisposable {
  readonly pid: number
  readonly configFile: string
  /** Log lines as values, those that are JSON. */
  readonly log: Inbox<LogLine>
  readonly exited: Promise<Exit>
  /** Everything it wrote, as text. */
  output(): string
  /** Writes a configuration, without telling the gateway. */
  write(config: string | object): Promise<void>
  /** SIGHUP, after writing the configuration if one is given. Resolves with the log line that says how it went. */
  reload(config?: string | object): Promise<LogLine>
  /** SIGTERM; resolves when it has gone. */
  stop(within?: number): Promise<Exit>
  /** SIGKILL. */
  kill(): Promise<Exit>
  signal(signal: NodeJS.Signals): void
}

/** The log lines by which a reload ends. */
const RELOADED = /^(configuration reloaded|configuration refused)/

/** Starts the built gateway on a configuration of its own and waits for its line `ready`. */
export async function startDragoman(options: DragomanOptions): Promise<Dragoman> {
  const directory = await tempDir('gateway')
  const configFile = options.configFile ?? join(directory.path, 'gateway.config.yaml')
  const write = (config: string | object): Promise<void> => writeFile(configFile, yamlOf(config))
  await write(options.config)

  const child = new Child(process.execPath, [MAIN, 'run', '--config', configFile], {
    name: 'dragoman',
    cwd: directory.path,
    ...(options.env && { env: options.env }),
  })
  const log = new Inbox<LogLine>('dragoman', (line) => JSON.stringify(line))
  child.onLine((line) => {
    const value = jsonOf(line)
    if (value !== undefined) log.push(value)
  })
  void child.exited.then(() => log.close('the gateway has gone'))
  const dispose = async (): Promise<void> => {
    await child.stop()
    await directory[Symbol.asyncDispose]()
  }
  try {
    await log.next(({ msg }) => msg === 'ready', {
      within: options.within ?? 30_000,
      what: 'it was not ready',
    })
  } catch (cause) {
    await dispose()
    throw new Error(`dragoman did not start:\n${child.tail()}`, { cause })
  }
  return {
    pid: child.pid,
    configFile,
    log,
    exited: child.exited,
    output: () => child.output(),
    write,
    async reload(config) {
      if (config !== undefined) await write(config)
      child.signal('SIGHUP')
      return await log.next(({ msg }) => RELOADED.test(msg ?? ''), { what: 'the reload had no end' })
    },
    stop: (within) => child.stop(within),
    kill: () => child.kill(),
    signal: (signal) => child.signal(signal),
    [Symbol.asyncDispose]: dispose,
  }
}

/** Runs the command once, as `dragoman('check', '--config', file)`. */
export function dragoman(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<Finished> {
  return run(process.execPath, [MAIN, ...args], options)
}

export interface GatewaySetup {
  /** Prosody's component port. */
  readonly componentPort: number
  /** The home server's address on 127.0.0.1. */
  readonly homePort: number
  readonly homeTransport?: 'udp' | 'tcp'
  /** Port of the inside listeners, UDP and TCP; a free one unless told. */
  readonly sipPort?: number
  readonly providerEnabled?: boolean
  readonly congestionSafePath?: boolean
}

export interface GatewayConfig {
  readonly sipPort: number
  readonly config: object
  /** The same with other settings. */
  with(changes: Partial<GatewaySetup>): object
}

/** The configuration of the interop tests: sip.example inside, xmpp.example behind one component link. */
export async function gatewayConfig(setup: GatewaySetup): Promise<GatewayConfig> {
  const sipPort = setup.sipPort ?? (await freePort())
  const build = (changes: Partial<GatewaySetup>): object => configOf({ ...setup, ...changes, sipPort })
  return { sipPort, config: build({}), with: build }
}

function configOf(setup: GatewaySetup & { readonly sipPort: number }): object {
  const listener = (transport: 'udp' | 'tcp'): object => ({
    name: `inside-${transport}`,
    transport,
    address: '127.0.0.1',
    port: setup.sipPort,
    side: 'inside',
  })
  return {
    log: { level: 'debug', format: 'json' },
    sip: { listeners: [listener('udp'), listener('tcp')] },
    xmpp: { reconnect: { first: '200ms', ceiling: '1s' } },
    federation: {
      enabled: true,
      sip: true,
      publicIm: true,
      xmpp: true,
      homes: [
        {
          name: 'main',
          nextHop: `sip:127.0.0.1:${setup.homePort};transport=${setup.homeTransport ?? 'udp'}`,
          addresses: ['127.0.0.1'],
          enforce: 'edge',
          congestionSafePath: setup.congestionSafePath ?? false,
        },
      ],
      servedDomains: [{ name: 'sip.example', home: 'main', users: 'any', links: ['prosody'] }],
      links: [
        {
          name: 'prosody',
          kind: 'component',
          host: '127.0.0.1',
          port: setup.componentPort,
          domain: 'sip.example',
          secret: { env: 'DRAGOMAN_PROSODY_SECRET' },
          remote: ['xmpp.example'],
          vouches: 'unverified',
          addressing: 'straight',
        },
      ],
      providers: [
        {
          name: 'Example XMPP',
          type: 'partner',
          protocol: 'xmpp',
          enabled: setup.providerEnabled ?? true,
          verification: 'all',
          domains: ['xmpp.example'],
          link: 'prosody',
        },
      ],
    },
  }
}

function yamlOf(config: string | object): string {
  return typeof config === 'string' ? config : stringify(config)
}

function jsonOf(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as LogLine
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
