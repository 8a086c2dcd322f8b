import type { Domain } from '../kernel/domain.ts'
import type { DomainPattern } from './domain-pattern.ts'

/** Domain patterns with what they stand for; a look-up walks up the labels, so its cost does not grow with the size. */
export class PatternIndex<T> {
  readonly #exact = new Map<string, T>()
  readonly #below = new Map<string, T>()

  /** A pattern that is there already keeps its value. */
  add(pattern: DomainPattern, value: T): void {
    const map = pattern.below ? this.#below : this.#exact
    if (!map.has(pattern.domain)) map.set(pattern.domain, value)
  }

  /** The name itself and everything below it. */
  addCovering(domain: Domain, value: T): void {
    this.add({ domain, below: false }, value)
    this.add({ domain, below: true }, value)
  }

  get size(): number {
    return this.#exact.size + this.#below.size
  }

  /** The most specific match. */
  get(name: Domain): T | undefined {
    return this.#exact.get(name) ?? this.#above(name)
  }

  /**
   * What holds every name of the pattern, the pattern's own entry included. Asked for each pattern of a set, this
   * finds every overlap, since of two overlapping patterns one holds the other.
   */
  covering(pattern: DomainPattern): T | undefined {
    return pattern.below
      ? (this.#below.get(pattern.domain) ?? this.#above(pattern.domain))
      : this.get(pattern.domain)
  }

  /** As `covering`, without the pattern's own entry. */
  above(pattern: DomainPattern): T | undefined {
    return this.#above(pattern.domain)
  }

  #above(name: string): T | undefined {
    if (this.#below.size === 0) return undefined
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const value = this.#below.get(name.slice(dot + 1))
      if (value !== undefined) return value
    }
    return undefined
  }
}
