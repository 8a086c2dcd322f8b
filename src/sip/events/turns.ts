/**
 * One after the other: what is asked for while something is being done waits until that is done. So whoever is told of
 * an event may act at once, and the rest of the event still comes first.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #running = false

  /** @throws what the first job threw that did; the others were done all the same */
  run(job: () => void): void {
    this.#waiting.push(job)
    if (this.#running) return
    this.#running = true
    let thrown: { readonly error: unknown } | undefined
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        next()
      } catch (error) {
        thrown ??= { error }
      }
    }
    this.#running = false
    if (thrown !== undefined) throw thrown.error
  }
}
