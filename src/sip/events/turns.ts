/**
 * One after the other: what is asked for while something is being done waits until that is done. So whoever is told of
 * an event may act at once, and the rest of the event still comes first.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #running = false

  run(job: () => void): void {
    this.#waiting.push(job)
    if (this.#running) return
    this.#running = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next()
    } finally {
      this.#running = false
    }
  }
}
