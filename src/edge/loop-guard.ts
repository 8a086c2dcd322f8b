import { type Address, textOfAddress } from '../federation/address.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { SipRequest } from '../sip/message.ts'

/** How often one text may change direction between the same two people within the memory before it counts as circling. */
export const MOST_TURNS = 4

interface Trail {
  readonly from: string
  readonly turns: number
}

/**
 * The memory of what was translated lately. Nothing carries Max-Forwards across XMPP (RFC 7247 §8), so a text
 * that two automatic peers send back at each other would circle for ever. People may answer "hi" with "hi":
 * only the alternation counts, not the repetition.
 */
export class LoopGuard {
  readonly #trails: BoundedMap<string, Trail>
  readonly #clock: Clock

  /** @param options.memory milliseconds; @param options.limit messages remembered */
  constructor(options: { memory: number; limit: number; clock: Clock }) {
    this.#trails = new BoundedMap(options.limit, options.memory)
    this.#clock = options.clock
  }

  get size(): number {
    return this.#trails.size
  }

  /** True if this message may cross; false if the same text has gone to and fro too often. */
  admit(sender: Address, recipient: Address, request: SipRequest): boolean {
    const now = this.#clock.now()
    const from = textOfAddress(sender)
    const to = textOfAddress(recipient)
    const text = digest(textOf(request))
    const key = from < to ? `${from} ${to} ${text}` : `${to} ${from} ${text}`
    const trail = this.#trails.get(key, now)
    const turns = trail === undefined ? 0 : trail.turns + (trail.from === from ? 0 : 1)
    if (turns > MOST_TURNS) return false
    this.#trails.set(key, { from, turns }, now)
    return true
  }
}

/** A message without a body says what it says in its Subject. */
const textOf = ({ body, headers }: SipRequest): Uint8Array =>
  body.length > 0 ? body : Buffer.from(headers.get('Subject') ?? '')

const SAMPLE = 512

/** A cheap fingerprint of a text: its length and 53 bits over its first and last octets. */
function digest(text: Uint8Array): string {
  let a = 0xdeadbeef ^ text.length
  let b = 0x41c6ce57 ^ text.length
  const mix = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const code = text[i] as number
      a = Math.imul(a ^ code, 2654435761)
      b = Math.imul(b ^ code, 1597334677)
    }
  }
  mix(0, Math.min(text.length, SAMPLE))
  if (text.length > SAMPLE) mix(Math.max(SAMPLE, text.length - SAMPLE), text.length)
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return `${text.length}.${4294967296 * (2097151 & b) + (a >>> 0)}`
}
