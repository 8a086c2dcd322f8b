import { flat } from '../../kernel/flat.ts'

const ENOUGH = 1024

/** A text that comes in pieces. However many there are, adding costs the same, and the whole is no deep rope. */
export class Pieces {
  #head = ''
  #tail = ''
  #count = 0

  get length(): number {
    return this.#head.length + this.#tail.length
  }

  add(piece: string): void {
    this.#tail += piece
    if (++this.#count === ENOUGH) {
      this.#head += flat(this.#tail)
      this.#tail = ''
      this.#count = 0
    }
  }

  /** All that was added, which is forgotten. */
  take(): string {
    const text = this.#head === '' ? this.#tail : flat(this.#head + this.#tail)
    this.#head = ''
    this.#tail = ''
    this.#count = 0
    return text
  }
}
