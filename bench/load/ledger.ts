/** Books for messages that carry a sequence number: message `s` belongs to conversation `s % conversations`. */
export class Ledger {
  readonly conversations: number
  /** Arrived for the first time. */
  delivered = 0
  /** Arrived after a later message of the same conversation. */
  outOfOrder = 0
  readonly #next: Float64Array
  readonly #missing = new Set<number>()

  constructor(conversations: number) {
    this.conversations = conversations
    this.#next = Float64Array.from({ length: conversations }, (_, i) => i)
  }

  /** False: it has been here before. */
  arrive(sequence: number): boolean {
    const conversation = sequence % this.conversations
    const expected = this.#next[conversation] as number
    if (sequence < expected) {
      if (!this.#missing.delete(sequence)) return false
      this.outOfOrder++
    } else {
      for (let gap = expected; gap < sequence; gap += this.conversations) this.#missing.add(gap)
      this.#next[conversation] = sequence + this.conversations
    }
    this.delivered++
    return true
  }

  /** It was refused and is not expected any more. */
  excuse(sequence: number): void {
    if (this.arrive(sequence)) this.delivered--
  }

  /** Of the messages with a number below `sent`, how many never came. */
  lost(sent: number): number {
    let lost = this.#missing.size
    for (let next of this.#next) for (; next < sent; next += this.conversations) lost++
    return lost
  }
}

const RING = 1 << 16
const SAMPLES = 1 << 22

/** What is under way, and how long it took. Times are milliseconds. */
export class Window {
  readonly size: number
  readonly conversations: number
  /** The next number to send. */
  next = 0
  open = 0
  readonly #sentAt = new Float64Array(RING)
  readonly #attempts = new Uint8Array(RING)
  readonly #latencies = new Float32Array(SAMPLES)
  #recorded = 0
  #oldest = 0

  constructor(size: number, conversations: number) {
    if (conversations + size >= RING) throw new RangeError(`${conversations} conversations are too many`)
    this.size = size
    this.conversations = conversations
  }

  /** One message at a time per conversation, and no more than `size` in all. */
  get mayOpen(): boolean {
    if (this.open >= this.size) return false
    const before = this.next - this.conversations
    return before < 0 || this.#sentAt[before & (RING - 1)] === 0
  }

  start(now: number): number {
    const sequence = this.next++
    this.#sentAt[sequence & (RING - 1)] = now
    this.#attempts[sequence & (RING - 1)] = 0
    this.open++
    return sequence
  }

  /** False: it was not under way (answered before). */
  finish(sequence: number, now: number): boolean {
    const slot = sequence & (RING - 1)
    const sentAt = this.#sentAt[slot] as number
    if (sentAt === 0 || sequence >= this.next) return false
    this.#sentAt[slot] = 0
    this.open--
    this.#latencies[this.#recorded++ & (SAMPLES - 1)] = now - sentAt
    return true
  }

  /** Forgets the latencies so far: the warm-up is over. */
  clearLatencies(): void {
    this.#recorded = 0
  }

  /** Calls back for all that is due for a retransmission: 500 ms after the first time, then doubling to 4 s (RFC 3261 timer E). */
  overdue(now: number, again: (sequence: number) => void): void {
    while (this.#oldest < this.next && this.#sentAt[this.#oldest & (RING - 1)] === 0) this.#oldest++
    for (let sequence = this.#oldest; sequence < this.next; sequence++) {
      const slot = sequence & (RING - 1)
      const sentAt = this.#sentAt[slot] as number
      if (sentAt === 0) continue
      let due = sentAt
      const attempts = this.#attempts[slot] as number
      for (let n = 0; n <= attempts; n++) due += Math.min(500 * 2 ** n, 4000)
      if (now < due) continue
      this.#attempts[slot] = attempts + 1
      again(sequence)
    }
  }

  latencies(): { readonly p50: number; readonly p99: number; readonly max: number } {
    const sorted = this.#latencies.slice(0, Math.min(this.#recorded, SAMPLES)).sort()
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99), max: sorted[sorted.length - 1] ?? 0 }
  }
}
