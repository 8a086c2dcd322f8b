/**
 * A map of a few entries that never changes: an object of 48 octets for each, where a Map takes 184 from the first on. For what is
 * kept very many times; an entry is found by looking at each, in the order in which they were given.
 * @param entries no key twice
 */
export function smallMap<K, V>(entries: Iterable<readonly [K, V]>): ReadonlyMap<K, V> {
  let map: Link<K, V> | undefined
  for (const [key, value] of [...entries].reverse()) map = new Link(key, value, map)
  return map ?? (EMPTY as ReadonlyMap<K, V>)
}

const EMPTY: ReadonlyMap<unknown, unknown> = new Map()

/** An entry, with those behind it. Without private members: a method of that kind would cost each of them a field. */
class Link<K, V> implements ReadonlyMap<K, V> {
  readonly key: K
  readonly value: V
  readonly rest: Link<K, V> | undefined

  constructor(key: K, value: V, rest: Link<K, V> | undefined) {
    this.key = key
    this.value = value
    this.rest = rest
  }

  get size(): number {
    return 1 + (this.rest?.size ?? 0)
  }

  get(key: K): V | undefined {
    return this.key === key ? this.value : this.rest?.get(key)
  }

  has(key: K): boolean {
    return this.key === key || (this.rest?.has(key) ?? false)
  }

  forEach(told: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) told(value, key, this)
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this) yield key
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this) yield value
  }

  *entries(): Generator<[K, V], undefined> {
    for (let link: Link<K, V> | undefined = this; link !== undefined; link = link.rest)
      yield [link.key, link.value]
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries()
  }
}
