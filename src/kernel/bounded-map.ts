/** A map that forgets: the oldest entry goes when it is full, and an entry goes when its time is over. */
export class BoundedMap<K, V> {
  readonly limit: number
  readonly #lifetime: number
  readonly #entries = new Map<K, { readonly value: V; readonly until: number }>()
  #evicted = 0

  /** @param lifetime milliseconds after which an entry counts as absent; Infinity: never */
  constructor(limit: number, lifetime = Number.POSITIVE_INFINITY) {
    this.limit = limit
    this.#lifetime = lifetime
  }

  get size(): number {
    return this.#entries.size
  }

  /** Entries that were pushed out before their time. */
  get evicted(): number {
    return this.#evicted
  }

  get(key: K, now: number): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.until <= now) {
      this.#entries.delete(key)
      return undefined
    }
    return entry.value
  }

  /** Setting an entry again makes it the newest. */
  set(key: K, value: V, now: number): void {
    this.#entries.delete(key)
    if (this.limit < 1) {
      this.#evicted++
      return
    }
    if (this.#entries.size >= this.limit) this.#makeRoom(now)
    this.#entries.set(key, { value, until: now + this.#lifetime })
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** All entries live equally long, so the first is the oldest and the first to expire. */
  #makeRoom(now: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.until <= now) this.#entries.delete(key)
      else if (this.#entries.size >= this.limit) {
        this.#entries.delete(key)
        this.#evicted++
      } else return
    }
  }
}
