import { execFileSync, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

/** What a run ran on. */
export interface Machine {
  readonly kind: 'machine'
  readonly cpu: string
  readonly cores: number
  readonly memoryGigabytes: number
  readonly kernel: string
  readonly node: string
  /** With `+` where tracked files differ from it. */
  readonly commit: string
  /** True: the gateway has core 0 for itself and the load generator core 1. */
  readonly pinned: boolean
  readonly loadAverage: number
  readonly at: string
}

/** Pinning needs `taskset` (util-linux) and a second core. */
export const canPin =
  process.platform === 'linux' &&
  availableParallelism() >= 2 &&
  spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** The command line that runs Node on that core, or anywhere if pinning is not possible. */
export const nodeOn = (core: number, ...args: readonly string[]): readonly [string, ...string[]] =>
  canPin ? ['taskset', '-c', String(core), process.execPath, ...args] : [process.execPath, ...args]

export function machine(loadAverage: number): Machine {
  const git = (...args: string[]): string => {
    try {
      return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    } catch {
      return 'unknown'
    }
  }
  const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
  return {
    kind: 'machine',
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    commit: `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`,
    pinned: canPin,
    loadAverage,
    at: new Date().toISOString(),
  }
}

/** A port on 127.0.0.1 that is free for UDP and TCP at this moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const socket = createSocket('udp4')
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false))
      socket.bind(port, '127.0.0.1', () => resolve(true))
    })
    socket.close()
    await new Promise((resolve) => server.close(resolve))
    if (free) return port
  }
}
