/**
 * Things that come and go by the thousand a second and are not looked for: whoever puts one in keeps its place. Not a
 * `Set`, for the reason that `PrintTable` is no `Map`.
 */
export class Bag<T> {
  readonly #items: (T | undefined)[] = []
  /** Places that were left. */
  readonly #free: number[] = []

  get size(): number {
    return this.#items.length - this.#free.length
  }

  /** @returns its place, for `remove` */
  add(item: T): number {
    const place = this.#free.pop() ?? this.#items.length
    this.#items[place] = item
    return place
  }

  /** Once for each place that `add` gave. */
  remove(place: number): void {
    this.#items[place] = undefined
    if (this.size === 1) this.clear()
    else this.#free.push(place)
  }

  /** Those that are there now, in no order; the bag may change meanwhile. */
  values(): readonly T[] {
    return this.#items.filter((item) => item !== undefined)
  }

  /** Places that were given before mean nothing any more. */
  clear(): void {
    this.#items.length = 0
    this.#free.length = 0
  }
}
