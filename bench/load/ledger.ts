/** Books for messages that carry a sequence number: message `s` belongs to conversation `s % conversations`. */
export class Ledger {
  readonly conversations: number
  /** Arrived for the first time. */
  delivered = 0
  /** Arrived after a later message of the same conversation. */
  outOfOrder = 0
  /** The number that each conversation expects. */
  readonly #next: Float64Array
  readonly #missing = new Set<number>()
  readonly #excused = new Set<number>()

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
      for (let gap = expected; gap < sequence; gap += this.conversations)
        if (!this.#excused.delete(gap)) this.#missing.add(gap)
      this.#next[conversation] = sequence + this.conversations
    }
    this.delivered++
    return true
  }

  /** It was refused, or never sent, and is not expected. */
  excuse(sequence: number): void {
    if (!this.#missing.delete(sequence)) this.#excused.add(sequence)
  }

  /** Of the messages with a number below `end`, how many never came. */
  lost(end: number): number {
    let lost = this.#missing.size
    for (let next of this.#next)
      for (; next < end; next += this.conversations) if (!this.#excused.has(next)) lost++
    return lost
  }
}
