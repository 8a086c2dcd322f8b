import { StoreFault } from './admin/store.ts'
import { startAdministration } from './administration.ts'
import type { Config } from './config/config.ts'
import { loadConfig } from './config/load.ts'
import { textOfProblem } from './config/problem.ts'
import { storePlace } from './config/store-place.ts'
import { Gateway } from './gateway.ts'
import { systemClock } from './kernel/clock.ts'
import { systemRandom } from './kernel/random.ts'
import { err, ok, type Result } from './kernel/result.ts'
import { TimerWheel } from './kernel/timer-wheel.ts'
import { LiveConfig, type MissingSecret } from './live-config.ts'
import { createLog, flushLog } from './logging.ts'
import { Resolver, type ResolverOptions } from './net/dns/resolver.ts'
import { Rules, tellDoubts } from './rules.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'
import { VERSION } from './version.ts'

/** What a person can do about a listener that cannot be bound. */
const BIND_CURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port: stop it, or change sip.listeners',
  EACCES: 'this user may not use this port: take one above 1023, or grant CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this machine has no such address: change sip.listeners',
}

type Log = ReturnType<typeof createLog>

/** Runs the gateway until a signal ends it. Resolves with the exit code. */
export async function run(file: string): Promise<number> {
  const first = loadConfig(file, process.env)
  if (!first.ok) return refuse(first.error.map(textOfProblem))
  const log = createLog(first.value.log, process.stdout.isTTY)
  const opened = await storeOf(first.value, log)
  if (!opened.ok) return await giveUp(log, opened.error)
  const store = opened.value
  const live = new LiveConfig(file, process.env, store)
  const read = await live.read('file').catch(faultOf)
  if (read instanceof StoreFault) {
    await store?.close()
    return await giveUp(log, read.problem)
  }
  if (!read.ok) {
    await store?.close()
    return refuse(read.error.map(textOfProblem))
  }
  const resolver = new Resolver({
    timers: new TimerWheel({ clock: systemClock }),
    ...dnsOf(read.value.config),
  })
  const gateway = new Gateway({
    config: read.value.config,
    log,
    clock: systemClock,
    random: systemRandom,
    lookups: resolver,
    software: { name: 'Dragoman', version: VERSION },
    people: store,
    presence: store,
  })
  tellMissing(log, read.value.missing)
  tellDoubts(log, read.value.config)
  const rules = new Rules({ live, gateway, config: read.value.config, log, tellMissing })
  const starting = gateway.start()
  // A signal that comes meanwhile has its effect afterwards, not the system's.
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })
  process.on('SIGHUP', () => {
    starting.then(
      () => rules.reload(),
      () => {},
    )
  })
  process.on('SIGUSR2', () => log.info(gateway.stats(), 'stats'))
  process.on('uncaughtException', (error) => log.error({ err: error }, 'uncaught exception'))
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))

  try {
    await starting
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason = error instanceof Error ? error.message : String(error)
    const cure = BIND_CURES[code]
    const exitCode = await giveUp(log, { message: reason, cure }, cure === undefined ? error : undefined)
    await gateway.stop()
    await store?.close()
    return exitCode
  }
  const administration = await startAdministration({
    gateway,
    config: () => rules.config,
    store,
    log,
    changed: () => rules.follow(),
  })
  if (!administration.ok) {
    await gateway.stop()
    await store?.close()
    return await giveUp(log, administration.error)
  }
  const unwatch = store?.watch((revision) => rules.changed(revision))
  log.info(
    {
      version: VERSION,
      config: file,
      listeners: gateway.listeners,
      store: store?.description,
      socket: administration.value?.socket,
    },
    'ready',
  )

  const signal = await signalled
  log.info({ signal }, 'stopping')
  unwatch?.()
  await administration.value?.close()
  const { finished, stats } = await gateway.stop()
  await store?.close()
  log.info({ finished, ...stats }, 'stopped')
  await flushLog(log)
  return 0
}

/** A row that cannot be read, say. */
function faultOf(error: unknown): StoreFault {
  if (error instanceof StoreFault) return error
  throw error
}

function refuse(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`)
  return 1
}

interface Trouble {
  readonly message: string
  readonly cure?: string | undefined
}

/** One line in the log and one on standard error; what a person can mend needs no stack. */
async function giveUp(log: Log, { message, cure }: Trouble, error?: unknown): Promise<number> {
  log.fatal(error === undefined ? { reason: message, cure } : { err: error }, 'cannot start')
  await flushLog(log)
  return refuse([`dragoman: cannot start: ${message}${cure === undefined ? '' : ` (${cure})`}`])
}

async function storeOf(config: Config, log: Log): Promise<Result<Store | undefined, Trouble>> {
  const place = storePlace(config, config.file, process.env)
  if (!place.ok) return err({ message: `store: ${place.error.message}`, cure: place.error.cure })
  if (place.value === undefined) return ok(undefined)
  return await openStore(place.value, {
    clock: systemClock,
    timers: new TimerWheel({ clock: systemClock }),
    onFault: (error) => log.error({ err: error }, 'the store fails'),
    auditKeep: config.store?.auditKeep,
  })
}

function tellMissing(log: Log, missing: readonly MissingSecret[]): void {
  for (const { of, name, message, cure } of missing)
    log.error({ [of]: name, message, cure }, 'a row of the store has no secret')
}

/** Servers that are named stand alone: what they do not know is not looked up elsewhere. */
const dnsOf = ({ dns: { servers } }: Config): Pick<ResolverOptions, 'servers' | 'hosts'> =>
  servers === undefined ? {} : { servers, hosts: false }
