import type { Timer, Timers } from './timer-wheel.ts'

/**
 * A map for very many entries that all live equally long: entries are kept in generations, and a whole
 * generation is dropped at once. No timer, no object and no deletion per entry.
 * An entry lives at least `lifetime` milliseconds and at most one generation longer.
 */
export class Generations<K, V> {
  readonly #timers: Timers
  readonly #span: number
  readonly #count: number
  /** Newest first. */
  #maps: Map<K, V>[] = []
  #size = 0
  #timer: Timer | undefined

  /** @param options.generations how many parts the lifetime is cut into (8): more, and look-ups ask more maps */
  constructor(options: { timers: Timers; lifetime: number; generations?: number }) {
    this.#timers = options.timers
    this.#count = options.generations ?? 8
    this.#span = options.lifetime / this.#count
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    for (const map of this.#maps) {
      if (map.size === 0) continue
      const value = map.get(key)
      if (value !== undefined) return value
    }
    return undefined
  }

  has(key: K): boolean {
    for (const map of this.#maps) if (map.size > 0 && map.has(key)) return true
    return false
  }

  /** The key must not be in the map yet, or it counts and lives twice. */
  add(key: K, value: V): void {
    let newest = this.#maps[0]
    if (newest === undefined) {
      newest = new Map()
      this.#maps.unshift(newest)
    }
    newest.set(key, value)
    this.#size++
    this.#timer ??= this.#timers.set(this.#span, this.#turn)
  }

  delete(key: K): boolean {
    for (const map of this.#maps) {
      if (map.delete(key)) {
        this.#size--
        return true
      }
    }
    return false
  }

  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#maps = []
    this.#size = 0
  }

  readonly #turn = (): void => {
    this.#maps.unshift(new Map())
    // The generation under way is one more than `count`: what was added at its end still lives a whole lifetime.
    for (const gone of this.#maps.splice(this.#count + 1)) this.#size -= gone.size
    if (this.#size === 0) {
      this.#timer = undefined
      this.#maps = []
    } else this.#timer = this.#timers.set(this.#span, this.#turn)
  }
}
