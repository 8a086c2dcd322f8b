import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, portTaken } from './ports.ts'
import { Child } from './process.ts'
import { tempDir } from './temp.ts'

export type SippScenario =
  | 'message-uac'
  | 'message-uas'
  | 'message-odd-bodies'
  | 'options-uac'
  | 'malformed-uac'

export interface SippOptions {
  readonly scenario: SippScenario
  /** Calls after which it ends. */
  readonly calls: number
  /** Calls begun in a second (10 unless told); only for scenarios that begin. */
  readonly rate?: number
  /** Where it sends to on 127.0.0.1; a UAS needs none. */
  readonly target?: number
  readonly transport?: 'udp' | 'tcp'
  /** Its own port; a free one unless told. */
  readonly port?: number
  /** Values for the scenario's `[name]` fields (sipp -key). */
  readonly keys?: Readonly<Record<string, string>>
  /** What a UAS answers; `200 OK` unless told. SIPp wants it written out in the scenario. */
  readonly status?: string
  /** Milliseconds until it is ended by force; 20 s unless told. */
  readonly within?: number
}

export interface SippResult {
  /** 0: every call went as written; 1: at least one failed; 97 and above, or null: it could not run. */
  readonly exitCode: number | null
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
  /** What went wrong, as SIPp says it. */
  readonly errors: string
}

export interface Sipp extends AsyncDisposable {
  readonly port: number
  readonly finished: Promise<SippResult>
}

const SCENARIOS = fileURLToPath(new URL('./sipp/', import.meta.url))

/** Starts a SIPp scenario of `test/support/sipp/`, without terminal or privileges. */
export async function startSipp(options: SippOptions): Promise<Sipp> {
  const directory = await tempDir('sipp')
  const port = options.port ?? (await freePort())
  const control = await freePort()
  const statistics = join(directory.path, 'statistics.csv')
  const errorFile = join(directory.path, 'errors.log')
  const scenario = join(directory.path, `${options.scenario}.xml`)
  const text = await readFile(join(SCENARIOS, `${options.scenario}.xml`), 'utf8')
  await writeFile(scenario, text.replaceAll('{status}', options.status ?? '200 OK'))
  const within = options.within ?? 20_000
  const args = [
    ...(options.target === undefined ? [] : [`127.0.0.1:${options.target}`]),
    ...['-sf', scenario],
    ...['-m', String(options.calls), '-r', String(options.rate ?? 10)],
    ...['-i', '127.0.0.1', '-p', String(port), '-cp', String(control)],
    ...['-t', options.transport === 'tcp' ? 't1' : 'u1'],
    ...['-recv_timeout', '5000', '-timeout', `${Math.ceil(within / 1000)}s`, '-timeout_error'],
    ...['-nostdin', '-trace_stat', '-stf', statistics, '-fd', '1', '-trace_err', '-error_file', errorFile],
    ...Object.entries(options.keys ?? {}).flatMap(([name, value]) => ['-key', name, value]),
  ]
  const child = new Child('sipp', args, { name: 'sipp', cwd: directory.path, env: { TERM: 'dumb' } })
  const result = async (): Promise<SippResult> => {
    const timer = setTimeout(() => child.signal('SIGKILL'), within + 2000)
    const exit = await child.exited
    clearTimeout(timer)
    const count = counters(await textOf(statistics))
    return {
      exitCode: exit.code,
      successful: count('SuccessfulCall(C)'),
      failed: count('FailedCall(C)'),
      retransmissions: count('Retransmissions(C)'),
      errors: (await textOf(errorFile)) || (exit.code === 0 ? '' : child.tail(60)),
    }
  }
  const finished = result()
  if (options.target === undefined)
    await Promise.race([finished, portTaken(port, options.transport ?? 'udp')])
  return {
    port,
    finished,
    async [Symbol.asyncDispose]() {
      await child.kill()
      await finished
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Runs a SIPp scenario to its end. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  await using sipp = await startSipp(options)
  return await sipp.finished
}

/** The last row of SIPp's statistics by column name; 0 where there is none. */
function counters(csv: string): (column: string) => number {
  const rows = csv.trim().split('\n')
  const names = rows[0]?.split(';') ?? []
  const values = rows.at(-1)?.split(';') ?? []
  return (column) => {
    const value = Number(values[names.indexOf(column)])
    return Number.isFinite(value) ? value : 0
  }
}

/** Empty where the file is not there: SIPp writes some only when it has something to say. */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
