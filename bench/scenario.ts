import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type DnsServer, startDnsServer } from '../test/support/dns-server.ts'
import { gatewayConfig } from './gateway-config.ts'
import type { NullGateway } from './load/null-proxy.ts'
import {
  DEAF_DOMAIN,
  edgeOf,
  type FromGenerator,
  HOME_HOST,
  type Load,
  type Outcome,
  type Ports,
  PROVIDER_DOMAIN,
  type ToGenerator,
} from './load/run.ts'
import { freePort, nodeOn } from './machine.ts'
import { providerGatewayConfig } from './provider-config.ts'
import { type ProviderFiles, writeProviderFiles } from './provider-files.ts'

const READY_MS = 20_000
const STOP_MS = 15_000
const compiled = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

export interface ScenarioOptions {
  readonly load: Omit<Load, 'gatewayPort' | 'provider'>
  /** Between the gateway and a SIP provider. */
  readonly outside: 'udp' | 'tls'
  /** TLS connections that a SIP provider keeps open. */
  readonly connections: number
  /** Peers of each kind that is a nuisance. */
  readonly trouble: number
  /** They are as many and do as much, but are none. */
  readonly behaved: boolean
  /** The gateway's entry script and the flags of its Node. */
  readonly entry: string
  readonly nodeFlags: readonly string[]
  readonly onWatch?: (message: FromGenerator & { readonly kind: 'watch' }) => void
}

/** Tells the stand-in what the gateway reads from its configuration. */
const PLACE = 'DRAGOMAN_BENCH_PLACE'

/** The stand-in that shows the generator's own ceiling. */
export const NULL_GATEWAY = compiled('./load/null-gateway.js')
export const NULL_PROXY = compiled('./load/null-proxy.js')
export const BARE_PROXY = compiled('./load/bare-proxy.js')

/** Starts the load generator and a gateway, waits for the figures, stops both. Throws if there are none. */
export async function runScenario(options: ScenarioOptions): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'dragoman-bench-'))
  const log = join(directory, 'gateway.log')
  const children: ChildProcess[] = []
  const killAll = (): void => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.on('exit', killAll)
  try {
    const files = writeProviderFiles(directory)
    const load = await loadOf(options, files)
    const [command, ...args] = nodeOn(1, compiled('./load/generator.js'), JSON.stringify(load))
    const generator = spawn(command, args, { stdio: ['ignore', 2, 2, 'ipc'] })
    children.push(generator)
    const ports = await answer(generator, 'listening', options)

    await using names = await zone(ports)
    const config = join(directory, 'gateway.config.yaml')
    writeFileSync(
      config,
      load.provider === undefined
        ? gatewayConfig(load, ports.xmppPort, ports.sipPort)
        : providerGatewayConfig(load, ports, files, names.port),
    )
    const gateway = startGateway(options, config, log, { load, ports, files: files.gateway })
    children.push(gateway)
    await ready(gateway, log)

    generator.send({ kind: 'start', pid: gateway.pid ?? 0 } satisfies ToGenerator)
    return await Promise.race([answer(generator, 'outcome', options), died(gateway)])
  } catch (cause) {
    const tail = readLog(log).split('\n').slice(-12).join('\n')
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${tail}`, { cause })
  } finally {
    await Promise.all(children.reverse().map(stop))
    process.off('exit', killAll)
    rmSync(directory, { recursive: true, force: true })
  }
}

async function loadOf(options: ScenarioOptions, files: ProviderFiles): Promise<Load> {
  const { outside: transport, connections, trouble, behaved } = options
  const load = { ...options.load, gatewayPort: await freePort() }
  if (load.direction === 'xmpp-to-sip' || load.direction === 'sip-to-xmpp') return load
  const provider = {
    ...{ transport, gatewayPort: await freePort(), connections, trouble, behaved },
    ...{ files: files.provider, homeFiles: files.home, deafFiles: files.deaf },
  }
  return { ...load, provider }
}

/** Where the access edges are, and the home server if it has a name. */
function zone({ sipPort, providerPort, deafPort }: Ports): Promise<DnsServer> {
  const hosts = [
    [edgeOf(PROVIDER_DOMAIN), providerPort],
    [edgeOf(DEAF_DOMAIN), deafPort],
    [HOME_HOST, sipPort],
  ] as const
  const entries = hosts.flatMap(([host, port]) => [
    [host, { A: ['127.0.0.1'] }] as const,
    [`_sips._tcp.${host}`, { SRV: [{ target: host, port }] }] as const,
  ])
  return startDnsServer(Object.fromEntries(entries))
}

function startGateway(
  options: ScenarioOptions,
  config: string,
  log: string,
  place: NullGateway,
): ChildProcess {
  const file = openSync(log, 'a')
  const [command, ...args] = nodeOn(0, ...options.nodeFlags, options.entry, 'run', '--config', config)
  return spawn(command, args, {
    stdio: ['ignore', file, file],
    env: { ...process.env, DRAGOMAN_BENCH_SECRET: 'bench', [PLACE]: JSON.stringify(place) },
  })
}

/** Resolves with the generator's message of that kind. */
async function answer<K extends FromGenerator['kind']>(
  generator: ChildProcess,
  kind: K,
  options: ScenarioOptions,
): Promise<FromGenerator & { readonly kind: K }> {
  const isWanted = (message: FromGenerator): message is FromGenerator & { readonly kind: K } =>
    message.kind === kind
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the load generator stopped'))
    const onMessage = (message: FromGenerator): void => {
      if (message.kind === 'watch') options.onWatch?.(message)
      if (!isWanted(message)) return
      generator.off('message', onMessage)
      generator.off('exit', onExit)
      resolve(message)
    }
    generator.on('message', onMessage)
    generator.on('exit', onExit)
  })
}

async function died(gateway: ChildProcess): Promise<never> {
  if (gateway.exitCode === null && gateway.signalCode === null) await once(gateway, 'exit')
  throw new Error(`the gateway stopped (${gateway.exitCode ?? gateway.signalCode})`)
}

async function ready(gateway: ChildProcess, log: string): Promise<void> {
  for (let waited = 0; waited < READY_MS; waited += 20) {
    if (readLog(log).includes('"msg":"ready"')) return
    if (gateway.exitCode !== null || gateway.signalCode !== null) await died(gateway)
    await sleep(20)
  }
  throw new Error(`the gateway was not ready within ${READY_MS} ms`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await gone
  clearTimeout(killer)
}

function readLog(log: string): string {
  try {
    return readFileSync(log, 'utf8')
  } catch {
    return '(no log)'
  }
}
