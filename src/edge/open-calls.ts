import type { Peer } from '../federation/lookup.ts'

export interface CallLimits {
  /** INVITEs under way at once. A phone that rings for ever keeps one for ever (RFC 3261 §16.8 has no other end). */
  readonly calls: number
  /** Those with one peer, whichever side called: no peer takes the room of all others. */
  readonly callsPerPeer: number
}

/** Counts the INVITEs that have no answer yet. */
export class OpenCalls {
  readonly #limits: CallLimits
  readonly #peers = new Map<string, number>()
  #size = 0

  constructor(limits: CallLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  /** Undefined: there is no room. Otherwise to be called once the call has its answer. */
  enter({ kind, name }: Pick<Peer, 'kind' | 'name'>): (() => void) | undefined {
    const key = `${kind} ${name}`
    const open = this.#peers.get(key) ?? 0
    if (this.#size >= this.#limits.calls || open >= this.#limits.callsPerPeer) return undefined
    this.#size++
    this.#peers.set(key, open + 1)
    return () => this.#leave(key)
  }

  #leave(key: string): void {
    this.#size--
    const open = (this.#peers.get(key) ?? 1) - 1
    if (open === 0) this.#peers.delete(key)
    else this.#peers.set(key, open)
  }
}
