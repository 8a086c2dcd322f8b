import type { Timer, Timers } from './timer-wheel.ts'

/** What an entry is found by: 64 bits, as `Fingerprints` makes them. */
export interface Print {
  readonly low: number
  readonly high: number
}

const SMALLEST = 1024

/**
 * A table for very many entries that all live equally long, in 28 octets each where they share their values: no
 * key, no timer, no object that the collector would have to look at. An entry lives at least `lifetime` milliseconds
 * and at most one part of it longer.
 *
 * The entries stand in a ring in the order they came, and are chained by the low bits of their fingerprint: the oldest
 * is always the last of its chain.
 */
export class FadingTable<V> {
  readonly #timers: Timers
  readonly #span: number
  readonly #parts: number
  #capacity = 0
  #low = new Int32Array(0)
  #high = new Int32Array(0)
  #values: (V | undefined)[] = []
  /** First of each chain, and the one behind each entry: place in the ring plus one, 0 where there is none. */
  #first = new Int32Array(0)
  #next = new Int32Array(0)
  /** Place of the oldest entry. */
  #oldest = 0
  #size = 0
  /** How many came in each part of time, the newest first. */
  #came: number[] = []
  #timer: Timer | undefined

  /** @param options.parts how many parts the lifetime is cut into (16) */
  constructor(options: { timers: Timers; lifetime: number; parts?: number }) {
    this.#timers = options.timers
    this.#parts = options.parts ?? 16
    this.#span = options.lifetime / this.#parts
  }

  get size(): number {
    return this.#size
  }

  /** The entry that came last with that fingerprint. */
  get(print: Print): V | undefined {
    if (this.#size === 0) return undefined
    const { low, high } = print
    let at = this.#first[low & (this.#capacity - 1)] as number
    while (at > 0) {
      if (this.#low[at - 1] === low && this.#high[at - 1] === high) return this.#values[at - 1]
      at = this.#next[at - 1] as number
    }
    return undefined
  }

  add(print: Print, value: V): void {
    if (this.#size === this.#capacity) this.#resize(Math.max(SMALLEST, this.#capacity * 2))
    this.#enter((this.#oldest + this.#size) & (this.#capacity - 1), print.low, print.high, value)
    this.#size++
    this.#came[0] = (this.#came[0] ?? 0) + 1
    this.#timer ??= this.#timers.set(this.#span, this.#turn)
  }

  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#size = 0
    this.#came = []
    this.#resize(0)
  }

  #enter(place: number, low: number, high: number, value: V | undefined): void {
    const chain = low & (this.#capacity - 1)
    this.#low[place] = low
    this.#high[place] = high
    this.#values[place] = value
    this.#next[place] = this.#first[chain] as number
    this.#first[chain] = place + 1
  }

  #dropOldest(): void {
    const place = this.#oldest
    const chain = (this.#low[place] as number) & (this.#capacity - 1)
    let at = this.#first[chain] as number
    if (at === place + 1) this.#first[chain] = 0
    else {
      while (this.#next[at - 1] !== place + 1) at = this.#next[at - 1] as number
      this.#next[at - 1] = 0
    }
    this.#values[place] = undefined
    this.#oldest = (place + 1) & (this.#capacity - 1)
    this.#size--
  }

  readonly #turn = (): void => {
    // The part under way is one more than `parts`: what came at its end still lives a whole lifetime.
    const gone = this.#came.length > this.#parts ? (this.#came.pop() as number) : 0
    this.#came.unshift(0)
    for (let i = 0; i < gone; i++) this.#dropOldest()
    if (this.#size === 0) this.clear()
    else {
      if (this.#capacity > SMALLEST && this.#size < this.#capacity / 8) this.#resize(this.#capacity / 4)
      this.#timer = this.#timers.set(this.#span, this.#turn)
    }
  }

  #resize(capacity: number): void {
    const [low, high, values] = [this.#low, this.#high, this.#values]
    const mask = this.#capacity - 1
    const oldest = this.#oldest
    this.#capacity = capacity
    this.#low = new Int32Array(capacity)
    this.#high = new Int32Array(capacity)
    this.#values = []
    this.#first = new Int32Array(capacity)
    this.#next = new Int32Array(capacity)
    this.#oldest = 0
    for (let i = 0; i < this.#size; i++) {
      const from = (oldest + i) & mask
      this.#enter(i, low[from] as number, high[from] as number, values[from])
    }
  }
}
