interface Entry<V> {
  readonly value: V
  /** A whole millisecond, since a fraction has an object of its own; undefined: for ever. */
  readonly until: number | undefined
}

/** Entries come and go a million times an hour: what is over is looked for once in so many, and then twice as many may go. */
const SWEEP = 64

/** A map that forgets: the oldest entry goes when it is full, and entries whose time is over go by and by as others come. */
export class BoundedMap<K, V> {
  readonly limit: number
  readonly #lifetime: number
  readonly #entries = new Map<K, Entry<V>>()
  #walk: Iterator<[K, Entry<V>]> | undefined
  #peeked: readonly [K, Entry<V>] | undefined
  #evicted = 0
  #sets = 0

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
    if (isOver(entry, now)) {
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
    const mortal = this.#lifetime !== Number.POSITIVE_INFINITY
    if (mortal && ++this.#sets % SWEEP === 0) this.#sweep(now)
    this.#entries.set(key, { value, until: mortal ? Math.ceil(now + this.#lifetime) : undefined })
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#walk = undefined
  }

  /** All entries live equally long, so the first is the oldest and the first to expire. */
  #makeRoom(now: number): void {
    while (this.#entries.size > 0) {
      const [key, entry] = this.#first()
      if (!isOver(entry, now)) {
        if (this.#entries.size < this.limit) return
        this.#evicted++
      }
      this.#entries.delete(key)
    }
  }

  /** By a walk of its own: one that is kept while the map is busy would keep alive what has left it. */
  #sweep(now: number): void {
    let gone = 0
    for (const [key, entry] of this.#entries) {
      if (!isOver(entry, now) || gone++ === 2 * SWEEP) return
      this.#entries.delete(key)
    }
  }

  /**
   * The oldest entry. The walk is kept between calls: a Map skips what was deleted at its head anew each time it is
   * asked for its first entry, which costs microseconds per insertion in a full map of thousands.
   */
  #first(): readonly [K, Entry<V>] {
    if (this.#peeked !== undefined && this.#entries.get(this.#peeked[0]) === this.#peeked[1])
      return this.#peeked
    this.#walk ??= this.#entries.entries()
    let next = this.#walk.next()
    if (next.done === true) {
      this.#walk = this.#entries.entries()
      next = this.#walk.next()
    }
    this.#peeked = next.value as [K, Entry<V>]
    return this.#peeked
  }
}

const isOver = ({ until }: Entry<unknown>, now: number): boolean => until !== undefined && until <= now
