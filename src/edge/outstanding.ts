import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Arrival } from './arrival.ts'

/** A stanza that went out for a request: its error, if one comes, is matched by id and addresses. */
export interface Sent {
  readonly arrival: Arrival
  /** As they stand on the stanza. */
  readonly from: string
  readonly to: string
}

/**
 * Stanza id ↔ SIP transaction (RFC 7572 Tables 1 and 2). Open ones are bounded by the transactions behind them; ended ones are
 * remembered for a while, if somebody wants to know of late errors.
 */
export class Outstanding {
  readonly #open = new Map<string, Sent>()
  readonly #ended: BoundedMap<string, Sent>
  readonly #clock: Clock

  /** @param options.lifetime milliseconds an ended one is remembered; @param options.limit how many */
  constructor(options: { limit: number; lifetime: number; clock: Clock }) {
    this.#ended = new BoundedMap(options.limit, options.lifetime)
    this.#clock = options.clock
  }

  get open(): number {
    return this.#open.size
  }

  add(id: string, sent: Sent): void {
    this.#open.set(id, sent)
  }

  /** Undefined: it has ended before. */
  end(id: string): Sent | undefined {
    const sent = this.#open.get(id)
    this.#open.delete(id)
    return sent
  }

  /** An error that comes late can still be matched. */
  remember(id: string, sent: Sent): void {
    this.#ended.set(id, sent, this.#clock.now())
  }

  /** What an error stanza answers. Its addresses must be those of the stanza, exchanged: an id alone can be guessed. */
  match(id: string, from: string, to: string): { readonly sent: Sent; readonly late: boolean } | undefined {
    const open = this.#open.get(id)
    const sent = open ?? this.#ended.get(id, this.#clock.now())
    if (sent === undefined || !sameBare(sent.to, from) || !sameBare(sent.from, to)) return undefined
    if (open === undefined) this.#ended.delete(id)
    return { sent, late: open === undefined }
  }
}

const bare = (address: string): string => {
  const slash = address.indexOf('/')
  return slash < 0 ? address : address.slice(0, slash)
}
const sameBare = (a: string, b: string): boolean => bare(a) === bare(b)
