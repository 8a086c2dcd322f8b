import type { Clock } from '../../kernel/clock.ts'
import type { Domain } from '../../kernel/domain.ts'
import type { Random } from '../../kernel/random.ts'
import { backOff, type ReconnectTimes } from '../component/back-off.ts'
import type { StreamFailure } from './stream-failure.ts'

/** A domain that cannot be reached, or a pair of domains that no stream comes about for. */
export interface Troubled<Key> {
  readonly domain: Key
  /** One after the other. */
  readonly failures: number
  /** Milliseconds until it is tried again, when something is to be sent; 0: at once. */
  readonly retryIn: number
  readonly reason: string
}

export type TroubledDomain = Troubled<Domain>

interface Trouble {
  readonly failures: number
  /** Not tried before. */
  readonly until: number
  readonly failure: StreamFailure
  /** When it counts as forgotten. */
  readonly forget: number
  /** A stream has been proved since. */
  readonly mended: boolean
}

export interface ReachOptions {
  /** Domains that are remembered: the oldest one goes first. */
  readonly limit: number
  readonly retry: ReconnectTimes
  readonly clock: Clock
  readonly random: Random
}

/** So many times the longest wait without a further failure, and a domain starts anew. */
const FORGET = 4

/**
 * Which domains, or pairs of them, could not be reached lately, and when each may be tried again, so that none is hammered. A stream that was
 * proved clears that only once it has lasted: whoever lets us in and closes at once, again and again, is left alone too.
 */
export class Reach<Key extends string = Domain> {
  readonly #options: ReachOptions
  /** The one that failed last is the last. */
  readonly #troubles = new Map<Key, Trouble>()

  constructor(options: ReachOptions) {
    this.#options = options
  }

  /** Domains that are remembered. */
  get size(): number {
    return this.#troubles.size
  }

  /** Why the domain is not to be tried now; undefined: it may be. */
  blocked(domain: Key): StreamFailure | undefined {
    const trouble = this.#get(domain)
    return trouble !== undefined && trouble.until > this.#options.clock.now() ? trouble.failure : undefined
  }

  /** @returns milliseconds until it may be tried again */
  failed(domain: Key, failure: StreamFailure): number {
    const { clock, random, retry } = this.#options
    const now = clock.now()
    const before = this.#get(domain)
    // Several pairs of it fail with the same breath.
    if (before !== undefined && before.until > now) return before.until - now
    const wait = backOff(before?.failures ?? 0, retry, random)
    this.#set(domain, (before?.failures ?? 0) + 1, now + wait, failure, false)
    return wait
  }

  /** A stream of ours was proved there. */
  proved(domain: Key): void {
    const trouble = this.#get(domain)
    if (trouble !== undefined) this.#troubles.set(domain, { ...trouble, until: 0, mended: true })
  }

  /** A stream that was proved has ended well, or lasted. */
  lasted(domain: Key): void {
    this.#troubles.delete(domain)
  }

  /** A stream that was proved was closed at once. The first time costs nothing. @returns the wait, in milliseconds */
  cutShort(domain: Key, failure: StreamFailure): number {
    if (this.#get(domain) !== undefined) return this.failed(domain, failure)
    this.#set(domain, 1, 0, failure, true)
    return 0
  }

  troubled(): readonly Troubled<Key>[] {
    const now = this.#options.clock.now()
    return [...this.#troubles]
      .filter(([, { forget, mended }]) => forget > now && !mended)
      .map(([domain, { failures, until, failure }]) => ({
        domain,
        failures,
        retryIn: Math.max(0, until - now),
        reason: failure.text,
      }))
  }

  #get(domain: Key): Trouble | undefined {
    const trouble = this.#troubles.get(domain)
    if (trouble === undefined || trouble.forget > this.#options.clock.now()) return trouble
    this.#troubles.delete(domain)
    return undefined
  }

  #set(domain: Key, failures: number, until: number, failure: StreamFailure, mended: boolean): void {
    const { clock, limit, retry } = this.#options
    this.#troubles.delete(domain)
    for (const [oldest] of this.#troubles) {
      if (this.#troubles.size < limit) break
      this.#troubles.delete(oldest)
    }
    if (limit > 0)
      this.#troubles.set(domain, {
        failures,
        until,
        failure,
        forget: clock.now() + retry.ceiling * FORGET,
        mended,
      })
  }
}
