import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Answer } from './answer.ts'

/** Seconds. */
export interface Lifetimes {
  /** No answer is kept for less: what says 0 would be asked for with every message. */
  readonly floor: number
  readonly ceiling: number
  /** RFC 2308 §5 */
  readonly negativeCeiling: number
  /** How long it is remembered that it could not be found out (RFC 2308 §7). */
  readonly failure: number
}

interface Entry {
  readonly answer: Answer<unknown>
  readonly until: number
}

/** Answers by their time to live. */
export class AnswerCache {
  readonly #lifetimes: Lifetimes
  readonly #entries: BoundedMap<string, Entry>

  constructor(limit: number, lifetimes: Lifetimes) {
    this.#lifetimes = lifetimes
    this.#entries = new BoundedMap(limit)
  }

  get size(): number {
    return this.#entries.size
  }

  get evicted(): number {
    return this.#entries.evicted
  }

  /** With the time that is left. */
  get(key: string, now: number): Answer<unknown> | undefined {
    const entry = this.#entries.get(key, now)
    if (entry === undefined) return undefined
    if (entry.until <= now) {
      this.#entries.delete(key)
      return undefined
    }
    const { answer } = entry
    return answer.kind === 'failed' ? answer : { ...answer, ttl: Math.ceil((entry.until - now) / 1000) }
  }

  /** Gives the answer with the time to live that it has here. */
  set<T>(key: string, answer: Answer<T>, now: number): Answer<T> {
    const kept = answer.kind === 'failed' ? answer : { ...answer, ttl: this.#ttlOf(answer) }
    const seconds = kept.kind === 'failed' ? this.#lifetimes.failure : kept.ttl
    this.#entries.set(key, { answer: kept, until: now + seconds * 1000 }, now)
    return kept
  }

  #ttlOf(answer: Exclude<Answer<unknown>, { kind: 'failed' }>): number {
    const { floor, ceiling, negativeCeiling } = this.#lifetimes
    return Math.max(floor, Math.min(answer.ttl, answer.kind === 'none' ? negativeCeiling : ceiling))
  }
}
