const RING = 1 << 16
const SAMPLES = 1 << 22

/** What is under way, and how long it took. Times are milliseconds. */
export class Window {
  readonly size: number
  readonly conversations: number
  /** The next number to send. */
  next = 0
  open = 0
  /** By `sequence % RING`: which message the slot holds, when it was first sent (0: free), how often again. */
  readonly #holder = new Float64Array(RING)
  readonly #sentAt = new Float64Array(RING)
  readonly #attempts = new Uint8Array(RING)
  readonly #busy: Uint8Array
  readonly #latencies = new Float32Array(SAMPLES)
  #recorded = 0

  constructor(size: number, conversations: number) {
    this.size = size
    this.conversations = conversations
    this.#busy = new Uint8Array(conversations)
  }

  /** Sends while there is room: one at a time per conversation, in turn. A conversation that waits is passed over. */
  fill(send: (sequence: number) => void, passOver: (sequence: number) => void): void {
    for (let passed = 0; this.open < this.size && passed < this.conversations; ) {
      const slot = this.next & (RING - 1)
      if (this.#busy[this.next % this.conversations] === 1 || this.#sentAt[slot] !== 0) {
        passOver(this.next++)
        passed++
      } else send(this.start(performance.now()))
    }
  }

  start(now: number): number {
    const sequence = this.next++
    const slot = sequence & (RING - 1)
    this.#holder[slot] = sequence
    this.#sentAt[slot] = now
    this.#attempts[slot] = 0
    this.#busy[sequence % this.conversations] = 1
    this.open++
    return sequence
  }

  /** False: it was not under way (answered before). */
  finish(sequence: number, now: number): boolean {
    const slot = sequence & (RING - 1)
    const sentAt = this.#sentAt[slot] as number
    if (sentAt === 0 || this.#holder[slot] !== sequence) return false
    this.#sentAt[slot] = 0
    this.#busy[sequence % this.conversations] = 0
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
    for (let slot = 0; slot < RING; slot++) {
      const sentAt = this.#sentAt[slot] as number
      if (sentAt === 0) continue
      let due = sentAt
      const attempts = this.#attempts[slot] as number
      for (let n = 0; n <= attempts; n++) due += Math.min(500 * 2 ** n, 4000)
      if (now < due) continue
      this.#attempts[slot] = attempts + 1
      again(this.#holder[slot] as number)
    }
  }

  latencies(): { readonly p50: number; readonly p99: number; readonly max: number } {
    const sorted = this.#latencies.slice(0, Math.min(this.#recorded, SAMPLES)).sort()
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99), max: sorted[sorted.length - 1] ?? 0 }
  }
}
