const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Texts as 64 bits that are found nowhere else: among a million fingerprints, one of a new text is known by mistake
 * once in 10¹³ times. Keyed, so that nobody outside can look for two texts that share one; quick, not a MAC.
 * It holds the fingerprint that was taken last: none is allocated.
 */
export class Fingerprints {
  low = 0
  high = 0
  readonly #a: number
  readonly #b: number
  readonly #c: number
  readonly #d: number

  /** @param secret random text with 64 bits or more in each of its halves */
  constructor(secret: string) {
    const middle = secret.length >> 1
    this.#a = 0x9e3779b9
    this.#b = 0x41c6ce57
    this.#c = 0
    this.#d = 0
    this.of(secret.slice(0, middle))
    const [a, b] = [this.low, this.high]
    this.of(secret.slice(middle))
    this.#c = this.low
    this.#d = this.high
    this.#a = a
    this.#b = b
  }

  of(text: string): this {
    let a = this.#a
    let b = this.#b
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      a = Math.imul(a ^ code, 2654435761)
      b = Math.imul(b ^ code, 1597334677)
    }
    a ^= this.#c
    b ^= this.#d
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
    this.low = a ^ (a >>> 16)
    this.high = b ^ (b >>> 16)
    return this
  }

  /** The fingerprint as 11 characters of `[A-Za-z0-9_-]`. */
  text(): string {
    const { low, high } = this
    let text = ''
    for (let shift = 0; shift < 30; shift += 6) text += ALPHABET[(low >>> shift) & 63]
    for (let shift = 0; shift < 30; shift += 6) text += ALPHABET[(high >>> shift) & 63]
    return text + ALPHABET[(low >>> 30) | ((high >>> 30) << 2)]
  }
}
