import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Target } from './target.ts'

/** How a try at a target ended; `response` holds for any final one, `retryAfter` in milliseconds. */
export type Tried =
  | { readonly kind: 'response'; readonly status: number; readonly retryAfter?: number | undefined }
  | { readonly kind: 'timeout' | 'transport-failure' }

/** Milliseconds, but for `targets`. */
export interface PenaltyOptions {
  /** Targets that are remembered; the oldest goes. */
  readonly targets: number
  /** After a first failure; doubled with each one that follows. */
  readonly first: number
  /** The longest, a peer's own Retry-After included. */
  readonly ceiling: number
}

export const DEFAULT_PENALTIES: PenaltyOptions = { targets: 10_000, first: 5_000, ceiling: 300_000 }

interface Entry {
  readonly failures: number
  readonly until: number
}

/**
 * Which targets failed lately (RFC 3263 §1: so that not every request finds out anew). They go to the end of a list
 * and stay in it: where everything fails, everything is tried.
 */
export class Penalties {
  readonly #options: PenaltyOptions
  readonly #entries: BoundedMap<string, Entry>

  constructor(options: Partial<PenaltyOptions> = {}) {
    this.#options = { ...DEFAULT_PENALTIES, ...options }
    // Longer than any penalty: what fails again soon after one is worse off than what failed long ago.
    this.#entries = new BoundedMap(this.#options.targets, this.#options.ceiling * 2)
  }

  /** Targets that are remembered, with a penalty or after one. */
  get size(): number {
    return this.#entries.size
  }

  /** Times are monotonic milliseconds. A 503 without Retry-After is no penalty: it counts as a 500 (RFC 3261 §21.5.4). */
  note(target: Target, tried: Tried, now: number): void {
    switch (tried.kind) {
      case 'response':
        if (tried.status !== 503) this.#entries.delete(keyOf(target))
        else if (tried.retryAfter !== undefined) this.#fail(target, now, tried.retryAfter)
        break
      case 'timeout':
      case 'transport-failure':
        this.#fail(target, now, 0)
        break
    }
  }

  /** Those without penalty in their order, then the others, the one whose penalty ends first before. */
  order(targets: readonly Target[], now: number): readonly Target[] {
    const free: Target[] = []
    const held: { target: Target; until: number }[] = []
    for (const target of targets) {
      const until = this.#entries.get(keyOf(target), now)?.until ?? 0
      if (until > now) held.push({ target, until })
      else free.push(target)
    }
    if (held.length === 0) return targets
    return [...free, ...held.sort((a, b) => a.until - b.until).map(({ target }) => target)]
  }

  #fail(target: Target, now: number, retryAfter: number): void {
    const key = keyOf(target)
    const { first, ceiling } = this.#options
    const before = this.#entries.get(key, now)
    // Requests that were under way together fail together: that is one failure.
    const held = before !== undefined && before.until > now
    const failures = held ? before.failures : (before?.failures ?? 0) + 1
    const wait = Math.min(ceiling, Math.max(first * 2 ** (failures - 1), retryAfter))
    const until = held ? Math.max(before.until, now + Math.min(ceiling, retryAfter)) : now + wait
    this.#entries.set(key, { failures, until }, now)
  }
}

const keyOf = (target: Target): string => `${target.transport} ${target.address} ${target.port}`
