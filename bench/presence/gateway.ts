import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { cpuSecondsOf } from '../load/process-stat.ts'
import { nodeOn } from '../machine.ts'
import type { Held } from './probe.ts'

const PROBE = new URL('./probe.js', import.meta.url).href

export interface Ready {
  /** From the start of the process to the log line `ready`: milliseconds by the clock, seconds of CPU. */
  readonly milliseconds: number
  readonly cpuSeconds: number
}

/** The gateway as a process, with its log in a file. */
export class GatewayProcess {
  readonly ready: Promise<Ready>
  readonly #child: ChildProcess
  readonly #startedAt = performance.now()
  #expected = false
  /** The line of the log that says what was resumed. */
  resumed: string | undefined

  constructor(entry: string, config: string, log: string, flags: readonly string[] = []) {
    const [command, ...args] = nodeOn(0, '--import', PROBE, ...flags, entry, 'run', '--config', config)
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 2, 'ipc'],
      env: { ...process.env, DRAGOMAN_BENCH_SECRET: 'bench' },
    })
    const file = createWriteStream(log, { flags: 'a' })
    this.ready = new Promise((resolve, reject) => {
      let last = ''
      this.#child.stdout?.on('data', (chunk: Buffer) => {
        file.write(chunk)
        const lines = (last + chunk.toString()).split('\n')
        last = lines.pop() ?? ''
        for (const line of lines) {
          if (line.includes('"msg":"presence goes on"')) this.resumed = line
          if (line.includes('"msg":"ready"'))
            resolve({
              milliseconds: performance.now() - this.#startedAt,
              cpuSeconds: cpuSecondsOf(this.pid),
            })
        }
      })
      this.#child.on('exit', (code, signal) => {
        const error = new Error(`the gateway ended (${code ?? signal})`)
        reject(error)
        if (!this.#expected)
          process.nextTick(() => {
            throw error
          })
      })
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async held(): Promise<Held> {
    const answer = once(this.#child, 'message')
    this.#child.send('')
    return (await answer)[0] as Held
  }

  async kill(): Promise<void> {
    this.#expected = true
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}
