import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * A server of several processes: a child of the tests that leads its group, and its own children. The kernel ends only
 * the leader when the test run is killed, so a shell that reads from us until the end of time ends the rest.
 */
export class ProcessGroup implements AsyncDisposable {
  readonly #leader: number
  readonly #watch: ChildProcess

  constructor(leader: number) {
    this.#leader = leader
    this.#watch = spawn('/bin/sh', ['-c', `read _; kill -KILL -${leader}`], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
  }

  /** To all of them; without effect when all have gone. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#leader, signal)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  /** Ends what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL')
    if (this.#watch.exitCode !== null || this.#watch.signalCode !== null) return
    const gone = once(this.#watch, 'exit')
    this.#watch.kill('SIGKILL')
    await gone
  }
}
