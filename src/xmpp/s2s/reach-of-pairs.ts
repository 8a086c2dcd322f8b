import type { Domain } from '../../kernel/domain.ts'
import { type DomainPair, type PairKey, pairKey } from './domain-pair.ts'
import { Reach, type ReachOptions, type TroubledDomain } from './reach.ts'
import { isOfPair, type StreamFailure } from './stream-failure.ts'

/** Who cannot be reached is so for all our domains; who refuses one of them is still there for the others. */
export class ReachOfPairs {
  readonly #domains: Reach
  readonly #pairs: Reach<PairKey>

  constructor(options: ReachOptions) {
    this.#domains = new Reach(options)
    this.#pairs = new Reach(options)
  }

  get size(): number {
    return this.#domains.size + this.#pairs.size
  }

  /** Why nothing is to be tried for the pair now; undefined: it may be. `sender` is ours. */
  blocked(pair: DomainPair): StreamFailure | undefined {
    return this.#domains.blocked(pair.target) ?? this.#pairs.blocked(pairKey(pair))
  }

  /** @returns milliseconds until it may be tried again */
  failed(pair: DomainPair, failure: StreamFailure): number {
    return isOfPair(failure)
      ? this.#pairs.failed(pairKey(pair), failure)
      : this.#domains.failed(pair.target, failure)
  }

  /** A stream of ours was proved. */
  proved(pair: DomainPair): void {
    this.#domains.proved(pair.target)
    this.#pairs.lasted(pairKey(pair))
  }

  /** A stream that was proved has ended well, or lasted. */
  lasted(domain: Domain): void {
    this.#domains.lasted(domain)
  }

  /** A stream that was proved was closed at once. @returns the wait, in milliseconds */
  cutShort(domain: Domain, failure: StreamFailure): number {
    return this.#domains.cutShort(domain, failure)
  }

  troubled(): readonly TroubledDomain[] {
    const refusing = this.#pairs.troubled().map((trouble) => {
      const { domain: pair } = trouble
      return { ...trouble, domain: pair.slice(pair.indexOf(' ') + 1) as Domain }
    })
    return [...this.#domains.troubled(), ...refusing]
  }
}
