import type { Address } from '../federation/address.ts'
import { Generations } from '../kernel/generations.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import type { SipRequest } from '../sip/message.ts'
import { fingerprint } from './fingerprint.ts'

/** How often one text may change direction between the same two people within the memory before it counts as circling. */
export const MOST_TURNS = 4

/** Turns so far, times two, plus one if the last message went back: a small number, so that a trail is no object. */
type Trail = number

/**
 * The memory of what was translated lately. Nothing carries Max-Forwards across XMPP (RFC 7247 §8), so a text
 * that two automatic peers send back at each other would circle for ever. People may answer "hi" with "hi":
 * only the alternation counts, not the repetition. The memory holds fingerprints and no text; a full one starts anew.
 */
export class LoopGuard {
  readonly #trails: Generations<number, Trail>
  readonly #limit: number

  /** @param options.memory milliseconds; @param options.limit messages remembered */
  constructor(options: { memory: number; limit: number; timers: Timers }) {
    this.#trails = new Generations({ timers: options.timers, lifetime: options.memory, generations: 2 })
    this.#limit = options.limit
  }

  get size(): number {
    return this.#trails.size
  }

  /** True if this message may cross; false if the same text has gone to and fro too often. */
  admit(sender: Address, recipient: Address, request: SipRequest): boolean {
    const forth = isOrdered(sender, recipient)
    const key = forth ? keyOf(sender, recipient, request) : keyOf(recipient, sender, request)
    const back = forth ? 0 : 1
    const trail = this.#trails.get(key)
    const turns = trail === undefined ? 0 : (trail >> 1) + ((trail & 1) === back ? 0 : 1)
    if (turns > MOST_TURNS) return false
    if (trail !== undefined) this.#trails.delete(key)
    else if (this.#trails.size >= this.#limit) this.#trails.clear()
    this.#trails.add(key, (turns << 1) | back)
    return true
  }
}

const isOrdered = (one: Address, other: Address): boolean =>
  one.domain === other.domain ? one.user < other.user : one.domain < other.domain

const NOTHING = new Uint8Array(0)

/** A message without a body says what it says in its Subject. */
function keyOf(one: Address, other: Address, { body, headers }: SipRequest): number {
  const people = [one.user, one.domain, other.user, other.domain]
  return body.length > 0
    ? fingerprint(people, body)
    : fingerprint([...people, headers.get('Subject') ?? ''], NOTHING)
}
