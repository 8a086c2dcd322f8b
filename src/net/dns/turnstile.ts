/** Lets so many tasks run at a time; others wait in their order, and not too many of them. */
export class Turnstile {
  readonly #limit: number
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number, waiting: number) {
    this.#limit = limit
    this.#most = waiting
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Undefined where too many wait already: the task does not run. */
  pass<T>(task: () => Promise<T>): Promise<T> | undefined {
    if (this.#running < this.#limit) {
      this.#running++
      return this.#run(task)
    }
    if (this.#waiting.length >= this.#most) return undefined
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#run(task))
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } finally {
      // The place goes to the next one directly: nobody can take it in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
