import type { Print } from './fading-table.ts'

const SMALLEST = 1024

/**
 * A table for entries that come and go by the thousand a second, found by their fingerprints.
 *
 * Not a `Map`: V8 gives a busy Map a new table every few dozen changes, and the old one points to the new one. Once a
 * full collection has moved one of them to the old generation, it keeps all that follow alive, and what they held: until
 * the next full collection every young one copies all that has come since, as if nothing had ended. Here arrays that stay
 * are changed in place, and nothing that has left is pointed to.
 */
export class PrintTable<V> {
  #capacity = 0
  #low = new Int32Array(0)
  #high = new Int32Array(0)
  #values: (V | undefined)[] = []
  /** First of each chain, by the low bits, and the one behind each entry: place plus one, 0 where there is none. */
  #first = new Int32Array(0)
  #next = new Int32Array(0)
  /** Places that were left, chained like entries; from `#used` on none was ever taken. */
  #free = 0
  #used = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The entry that came last with that fingerprint. */
  get({ low, high }: Print): V | undefined {
    if (this.#size === 0) return undefined
    let at = this.#first[low & (this.#capacity - 1)] as number
    while (at > 0) {
      if (this.#low[at - 1] === low && this.#high[at - 1] === high) return this.#values[at - 1]
      at = this.#next[at - 1] as number
    }
    return undefined
  }

  /** @returns its place, for `remove` */
  add({ low, high }: Print, value: V): number {
    if (this.#free === 0 && this.#used === this.#capacity) this.#grow()
    let place = this.#used
    if (this.#free > 0) {
      place = this.#free - 1
      this.#free = this.#next[place] as number
    } else this.#used++
    this.#low[place] = low
    this.#high[place] = high
    this.#values[place] = value
    this.#chain(place)
    this.#size++
    return place
  }

  /** Once for each place that `add` gave. */
  remove(place: number): void {
    const chain = (this.#low[place] as number) & (this.#capacity - 1)
    let at = this.#first[chain] as number
    if (at === place + 1) this.#first[chain] = this.#next[place] as number
    else {
      while (this.#next[at - 1] !== place + 1) at = this.#next[at - 1] as number
      this.#next[at - 1] = this.#next[place] as number
    }
    this.#values[place] = undefined
    this.#next[place] = this.#free
    this.#free = place + 1
    this.#size--
    if (this.#size === 0 && this.#capacity > SMALLEST) this.clear()
  }

  /** Those that are there now, in no order; the table may change meanwhile. */
  values(): readonly V[] {
    return this.#values.filter((value) => value !== undefined)
  }

  /** Places that were given before mean nothing any more. */
  clear(): void {
    this.#capacity = this.#used = this.#free = this.#size = 0
    this.#values = []
    this.#low = this.#high = this.#first = this.#next = new Int32Array(0)
  }

  #chain(place: number): void {
    const chain = (this.#low[place] as number) & (this.#capacity - 1)
    this.#next[place] = this.#first[chain] as number
    this.#first[chain] = place + 1
  }

  /** Every place stays what it is. */
  #grow(): void {
    const [low, high] = [this.#low, this.#high]
    this.#capacity = Math.max(SMALLEST, this.#capacity * 2)
    this.#low = new Int32Array(this.#capacity)
    this.#high = new Int32Array(this.#capacity)
    this.#first = new Int32Array(this.#capacity)
    this.#next = new Int32Array(this.#capacity)
    this.#low.set(low)
    this.#high.set(high)
    for (let place = 0; place < this.#used; place++) this.#chain(place)
  }
}
