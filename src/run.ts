import { readFileSync } from 'node:fs'
import type { Config } from './config/config.ts'
import { type ConfigProblem, textOfProblem } from './config/problem.ts'
import { readConfig } from './config/read.ts'
import { Gateway } from './gateway.ts'
import { systemClock } from './kernel/clock.ts'
import { systemRandom } from './kernel/random.ts'
import { err, type Result } from './kernel/result.ts'
import { createLog, flushLog } from './logging.ts'
import { addressOfHost } from './net/next-hop.ts'
import { VERSION } from './version.ts'

/** Reads a configuration file; one that cannot be read is a problem like any other. */
export function loadConfig(file: string): Result<Config, readonly ConfigProblem[]> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return err([
      {
        file,
        line: 1,
        column: 1,
        path: '',
        message: `cannot be read: ${reason}`,
        cure: 'name an existing file with --config FILE, readable by this user',
      },
    ])
  }
  return readConfig(text, file, process.env)
}

/** What a person can do about a listener that cannot be bound. */
const BIND_CURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port: stop it, or change sip.listeners',
  EACCES: 'this user may not use this port: take one above 1023, or grant CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this machine has no such address: change sip.listeners',
}

/** Runs the gateway until a signal ends it. Resolves with the exit code. */
export async function run(file: string): Promise<number> {
  const read = loadConfig(file)
  if (!read.ok) {
    for (const problem of read.error) process.stderr.write(`${textOfProblem(problem)}\n`)
    return 1
  }
  const config = read.value
  const log = createLog(config.log, process.stdout.isTTY)
  const gateway = new Gateway({
    config,
    log,
    clock: systemClock,
    random: systemRandom,
    findAddress: addressOfHost,
    software: { name: 'Dragoman', version: VERSION },
  })
  const starting = gateway.start()
  // A signal that comes meanwhile has its effect afterwards, not the system's.
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })
  const reload = async (): Promise<void> => {
    const next = loadConfig(file)
    if (!next.ok) {
      log.error({ problems: next.error.map(textOfProblem) }, 'configuration refused, the old one stays')
      return
    }
    await gateway.reload(next.value)
    log.info({ config: file }, 'configuration reloaded')
  }
  process.on('SIGHUP', () => {
    starting
      .then(reload)
      .catch((error: unknown) => log.error({ err: error }, 'configuration refused, the old one stays'))
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
    // What a person can mend needs no stack.
    log.fatal(cure === undefined ? { err: error } : { reason, cure }, 'cannot start')
    await flushLog(log)
    process.stderr.write(`dragoman: cannot start: ${reason}${cure === undefined ? '' : ` (${cure})`}\n`)
    await gateway.stop()
    return 1
  }
  log.info({ version: VERSION, config: file, listeners: gateway.listeners }, 'ready')

  const signal = await signalled
  log.info({ signal }, 'stopping')
  const { finished } = await gateway.stop()
  log.info({ finished, ...gateway.stats() }, 'stopped')
  await flushLog(log)
  return 0
}
