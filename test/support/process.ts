import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { Inbox, type NextOptions } from './inbox.ts'

export interface ChildOptions {
  /** How failures call it; the command's name unless told. */
  readonly name?: string
  readonly cwd?: string
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>
  /** Stdin stays open with nothing in it, for a command that ends with it; closed unless told. */
  readonly stdin?: 'open'
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Output kept per process, in lines. */
const KEPT_LINES = 20_000

const live = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL')
})

/**
 * The kernel kills the child when its parent goes, however it goes: a test run that is killed leaves nothing behind.
 * setpriv belongs to util-linux, which every Debian and Ubuntu has; elsewhere the exit hook above must do.
 */
const SETPRIV = '/usr/bin/setpriv'
const REINS = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : []

/** A process of its own with captured output, ended for certain at the end. */
export class Child implements AsyncDisposable {
  readonly name: string
  readonly exited: Promise<Exit>
  readonly #process: ChildProcess
  readonly #lines: Inbox<string>
  readonly #out: string[] = []
  readonly #listeners: ((line: string) => void)[] = []
  #exit: Exit | undefined

  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    this.name = options.name ?? command.slice(command.lastIndexOf('/') + 1)
    this.#lines = new Inbox(this.name)
    const [file, ...rest] = [...REINS, command, ...args]
    this.#process = spawn(file as string, rest, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      // A group of its own: Ctrl-C goes to us, and we say when it ends.
      detached: true,
      stdio: [options.stdin === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    })
    live.add(this.#process)
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      let rest = ''
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) this.#line(line)
      })
      stream?.on('end', () => {
        if (rest) this.#line(rest)
      })
    }
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit, reason: string): void => {
        if (this.#exit) return
        this.#exit = exit
        live.delete(this.#process)
        this.#lines.close(reason)
        resolve(exit)
      }
      this.#process.on('error', (error) =>
        end({ code: 127, signal: null }, `did not start: ${error.message}`),
      )
      this.#process.on('close', (code, signal) => end({ code, signal }, `ended with ${signal ?? code}`))
    })
  }

  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw new Error(`${this.name} did not start`)
    return pid
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  /** Lines of stdout and stderr in the order of their coming. */
  get lines(): readonly string[] {
    return this.#out
  }

  output(): string {
    return this.#out.join('\n')
  }

  /** The last lines, for the text of a failure. */
  tail(count = 40): string {
    return this.#out.slice(-count).join('\n')
  }

  /** The next line that matches, an earlier one included unless it was taken; fails when the process ends first. */
  line(pattern: RegExp | ((line: string) => boolean), options: NextOptions = {}): Promise<string> {
    const match = typeof pattern === 'function' ? pattern : (line: string) => pattern.test(line)
    return this.#lines.next(match, { what: `no line like ${pattern}`, ...options })
  }

  /** Tells of every line, those before now included. */
  onLine(listener: (line: string) => void): void {
    for (const line of this.#out) listener(line)
    this.#listeners.push(listener)
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.kill(signal)
  }

  /** Asks with SIGTERM, insists with SIGKILL after `within` milliseconds; resolves when it has gone. */
  async stop(within = 15_000): Promise<Exit> {
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), within)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return await this.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #line(line: string): void {
    this.#out.push(line)
    if (this.#out.length > KEPT_LINES) this.#out.splice(0, KEPT_LINES / 2)
    this.#lines.push(line)
    for (const listener of this.#listeners) listener(line)
  }
}

export interface Finished extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, with an end by force after `within` milliseconds (90 s unless told). */
export function run(
  command: string,
  args: readonly string[],
  options: ChildOptions & { readonly within?: number; readonly input?: string } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [file, ...rest] = [...REINS, command, ...args]
    const child = spawn(file as string, rest, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    live.add(child)
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    if (options.input !== undefined) child.stdin?.end(options.input)
    const timer = setTimeout(() => child.kill('SIGKILL'), options.within ?? 90_000)
    child.on('error', (error) => {
      clearTimeout(timer)
      live.delete(child)
      reject(new Error(`${command} did not start`, { cause: error }))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      live.delete(child)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** Resolves once something accepts TCP connections there. */
export async function portOpen(
  port: number,
  options: { host?: string; within?: number } = {},
): Promise<void> {
  const until = Date.now() + (options.within ?? 20_000)
  while (Date.now() < until) {
    if (await accepts(options.host ?? '127.0.0.1', port)) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`nothing listens on ${options.host ?? '127.0.0.1'}:${port}`)
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (open: boolean): void => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}
