export interface NextOptions {
  /** Milliseconds to wait; 15,000 unless told. */
  readonly within?: number
  /** What is waited for, in the words of the failure. */
  readonly what?: string
}

interface Waiter<T> {
  readonly match: (item: T) => boolean
  readonly resolve: (item: T) => void
  readonly reject: (error: Error) => void
}

/**
 * What a peer received, in order. `next` takes the first item that matches and that no earlier `next` took,
 * whether it is here already or comes within the time given; so a test may ask after the fact.
 */
export class Inbox<T> {
  readonly #name: string
  readonly #show: (item: T) => string
  readonly #all: T[] = []
  #free: T[] = []
  #waiters: Waiter<T>[] = []
  #closed: Error | undefined

  constructor(name: string, show: (item: T) => string = String) {
    this.#name = name
    this.#show = show
  }

  /** Everything that ever came in, taken or not. */
  get all(): readonly T[] {
    return this.#all
  }

  push(item: T): void {
    this.#all.push(item)
    const waiter = this.#waiters.find((candidate) => candidate.match(item))
    if (waiter === undefined) {
      this.#free.push(item)
      return
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    waiter.resolve(item)
  }

  next(match: (item: T) => boolean = () => true, options: NextOptions = {}): Promise<T> {
    const here = this.#free.findIndex(match)
    if (here >= 0) {
      const [item] = this.#free.splice(here, 1)
      return Promise.resolve(item as T)
    }
    if (this.#closed) return Promise.reject(this.#closed)
    const within = options.within ?? 15_000
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        reject(
          new Error(
            `${this.#name}: ${options.what ?? 'nothing that matches'} within ${within} ms\n${this.report()}`,
          ),
        )
      }, within)
      const waiter: Waiter<T> = {
        match,
        resolve: (item) => {
          clearTimeout(timer)
          resolve(item)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#waiters.push(waiter)
    })
  }

  /** Resolves after `ms` if nothing that matches is waiting or came; throws as soon as something does. */
  async none(match: (item: T) => boolean, ms: number): Promise<void> {
    const found = this.#free.find(match)
    if (found !== undefined) throw new Error(`${this.#name}: unexpected ${this.#show(found)}`)
    const until = Date.now() + ms
    const from = this.#all.length
    while (Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(20, ms)))
      const came = this.#all.slice(from).find(match)
      if (came !== undefined) throw new Error(`${this.#name}: unexpected ${this.#show(came)}`)
    }
  }

  /** Forgets what nobody took. */
  clear(): void {
    this.#free = []
  }

  /** Fails everyone who waits, and everyone who asks from now on for what is not here. */
  close(reason: string): void {
    this.#closed = new Error(`${this.#name}: ${reason}\n${this.report()}`)
    for (const waiter of this.#waiters) waiter.reject(this.#closed)
    this.#waiters = []
  }

  report(): string {
    if (this.#all.length === 0) return '  (nothing was received)'
    return this.#all
      .slice(-20)
      .map((item) => `  · ${this.#show(item)}`)
      .join('\n')
  }
}
