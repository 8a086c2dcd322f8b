import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import SqliteConnection from 'better-sqlite3'
import type { Answer, Step, ThreadData } from './writing-thread.mjs'

interface Asked {
  readonly resolve: (changes: number) => void
  readonly reject: (error: Error) => void
}

/** MiB. */
const YOUNG = 4

/**
 * Writes in a thread of its own, begun with the first transaction: what waits for the disk or for another writer there
 * stands in nobody's way. It does not keep the process alive while nothing is asked of it.
 */
export class SqliteWriter {
  readonly #data: ThreadData
  readonly #asked: Asked[] = []
  #worker: Worker | undefined

  constructor(data: ThreadData) {
    this.#data = data
  }

  /**
   * One transaction; they come one after the other.
   * @returns rows that were changed
   * @throws what the database throws
   */
  run(steps: readonly Step[]): Promise<number> {
    this.#worker ??= this.#start()
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      worker.postMessage(steps)
      worker.ref()
      this.#asked.push({ resolve, reject })
    })
  }

  /** After what was asked before. */
  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    worker.ref()
    worker.postMessage(null)
    await once(worker, 'exit')
  }

  #start(): Worker {
    const worker = new Worker(new URL('./writing-thread.mjs', import.meta.url), {
      workerData: this.#data,
      execArgv: [],
      // Rows come and go at once: more room for what is new would be memory for nothing.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
    })
    let fault = new Error('the writing thread has ended')
    worker.on('message', (answer: Answer) => {
      const asked = this.#asked.shift()
      if (this.#asked.length === 0) worker.unref()
      if ('changes' in answer) asked?.resolve(answer.changes)
      else asked?.reject(errorOf(answer))
    })
    worker.on('error', (error: Error) => {
      fault = error
    })
    worker.on('exit', () => {
      this.#worker = undefined
      for (const { reject } of this.#asked.splice(0)) reject(fault)
    })
    return worker
  }
}

const errorOf = ({ code, message }: Exclude<Answer, { changes: number }>): Error =>
  code === '' ? new Error(message) : new SqliteConnection.SqliteError(message, code)
