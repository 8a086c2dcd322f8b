import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TlsIdentity } from './identity.ts'
import { freePort, portTaken } from './ports.ts'
import { Child } from './process.ts'
import { tempDir } from './temp.ts'
import { type TlsTunnel, tlsDoor, tlsWay } from './tls-tunnel.ts'

export type SippScenario =
  | 'cancel-uac'
  | 'cancel-uas'
  | 'challenge-uas'
  | 'dialog-uac'
  | 'dialog-uas'
  | 'fork-uas'
  | 'hangup-uac'
  | 'hangup-uas'
  | 'invite-uac'
  | 'invite-uas'
  | 'malformed-uac'
  | 'message-odd-bodies'
  | 'message-uac'
  | 'message-uas'
  | 'options-uac'
  | 'options-uas'
  | 'publish-uac'
  | 'silent-uas'
  | 'subscribe-uac'
  | 'subscribe-uas'
  | 'unavailable-uas'

export interface SippOptions {
  readonly scenario: SippScenario
  /** Calls after which it ends. */
  readonly calls: number
  /** Calls begun in a second (10 unless told); only for scenarios that begin. */
  readonly rate?: number
  /** Where it sends to on 127.0.0.1; a UAS needs none. */
  readonly target?: number
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** With TLS. A client without an identity shows no certificate. */
  readonly tls?: {
    readonly identity?: TlsIdentity
    /** Host of its Contact; 127.0.0.1 unless told. */
    readonly name?: string
    /** What a client asks for by SNI. */
    readonly servername?: string
    /** A client's Via says `alias` (RFC 5923 §8). */
    readonly alias?: boolean
  }
  /** Its own port; a free one unless told. */
  readonly port?: number
  /** Values for the scenario's `[name]` fields (sipp -key). */
  readonly keys?: Readonly<Record<string, string>>
  /** What a UAS answers; `200 OK` unless told. SIPp wants it written out in the scenario. */
  readonly status?: string
  /** Milliseconds, for the scenarios that wait; `silent-uas` waits 40 s, the others not at all, unless told. */
  readonly pause?: number
  /** What `challenge-uas` wants. */
  readonly digest?: { readonly realm: string; readonly username: string; readonly password: string }
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
  /** What went wrong with TLS. */
  readonly tlsErrors: readonly string[]
}

export interface Sipp extends AsyncDisposable {
  readonly port: number
  readonly finished: Promise<SippResult>
}

const SCENARIOS = fileURLToPath(new URL('./sipp/', import.meta.url))

/**
 * Starts a SIPp scenario of `test/support/sipp/`, without terminal or privileges. Debian builds SIPp without OpenSSL: for
 * TLS it speaks TCP to a tunnel of ours, and its Via and Contact say what is on the other side of that.
 */
export async function startSipp(options: SippOptions): Promise<Sipp> {
  const directory = await tempDir('sipp')
  const port = options.port ?? (await freePort())
  const own = options.transport === 'tls' ? await freePort() : port
  const control = await freePort()
  const statistics = join(directory.path, 'statistics.csv')
  const errorFile = join(directory.path, 'errors.log')
  const scenario = join(directory.path, `${options.scenario}.xml`)
  const tunnel = await tunnelFor(options, port, own)
  const target = options.target === undefined ? undefined : (tunnel?.port ?? options.target)
  await writeFile(scenario, await scenarioText(options, port))
  const within = options.within ?? 20_000
  const args = [
    ...(target === undefined ? [] : [`127.0.0.1:${target}`]),
    ...['-sf', scenario],
    ...['-m', String(options.calls), '-r', String(options.rate ?? 10)],
    ...['-i', '127.0.0.1', '-p', String(own), '-cp', String(control)],
    ...['-t', (options.transport ?? 'udp') === 'udp' ? 'u1' : 't1'],
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
      tlsErrors: tunnel?.errors ?? [],
    }
  }
  const finished = result()
  if (options.target === undefined)
    await Promise.race([
      finished,
      portTaken(own, options.transport === 'tls' ? 'tcp' : (options.transport ?? 'udp')),
    ])
  return {
    port,
    finished,
    async [Symbol.asyncDispose]() {
      await child.kill()
      await finished
      await tunnel?.[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Runs a SIPp scenario to its end. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  await using sipp = await startSipp(options)
  return await sipp.finished
}

async function tunnelFor(options: SippOptions, port: number, own: number): Promise<TlsTunnel | undefined> {
  if (options.transport !== 'tls') return undefined
  const { identity, servername } = options.tls ?? {}
  if (options.target !== undefined)
    return await tlsWay({
      target: options.target,
      ...(identity && { identity }),
      ...(servername !== undefined && { servername }),
    })
  if (identity === undefined) throw new Error('a TLS server needs a certificate')
  return await tlsDoor({ identity, port, target: own })
}

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 0']

/** The scenario with what is in braces filled in; what is in brackets is SIPp's own. */
async function scenarioText(options: SippOptions, port: number): Promise<string> {
  const text = await readFile(join(SCENARIOS, `${options.scenario}.xml`), 'utf8')
  const { tls, digest, transport = 'udp' } = options
  const values: Readonly<Record<string, string>> = {
    status: options.status ?? '200 OK',
    via:
      transport === 'tls'
        ? `SIP/2.0/TLS 127.0.0.1:${port}${tls?.alias ? ';alias' : ''}`
        : 'SIP/2.0/[transport] [local_ip]:[local_port]',
    contact: `sip:sipp@${tls?.name ?? '127.0.0.1'}:${port};transport=${transport}`,
    sdp: [...SDP, ''].join('\n    '),
    pause: String(options.pause ?? (options.scenario === 'silent-uas' ? 40_000 : 0)),
    realm: digest?.realm ?? '',
    username: digest?.username ?? '',
    password: digest?.password ?? '',
  }
  return text.replace(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole)
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
