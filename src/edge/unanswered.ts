import type { SipPeer } from './peer-health.ts'

/**
 * Counts the requests that wait for an answer, INVITE apart, by where they were sent. One that does not answer keeps each
 * for 32 s (Timer F); it must not fill the memory that all share.
 */
export class Unanswered {
  readonly #perPeer: number
  readonly #peers = new Map<string, { open: number }>()

  /** @param perPeer the most that one home server, provider, or domain without one may have */
  constructor(perPeer: number) {
    this.#perPeer = perPeer
  }

  /** Undefined: there is no room. Otherwise to be called once the request has its answer, or will have none. */
  enter({ kind, name }: SipPeer): (() => void) | undefined {
    const key = `${kind} ${name}`
    let there = this.#peers.get(key)
    if (there === undefined) {
      there = { open: 0 }
      this.#peers.set(key, there)
    }
    if (there.open >= this.#perPeer) return undefined
    const counted = there
    counted.open++
    return () => {
      if (--counted.open === 0) this.#peers.delete(key)
    }
  }
}
