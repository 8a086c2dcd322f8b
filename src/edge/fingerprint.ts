/** A running hash of 53 bits; quick, not cryptographic. */
export class Fingerprint {
  #a = 0x9e3779b9
  #b = 0x41c6ce57

  text(text: string): this {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
    this.#mix(0x1_0000)
    return this
  }

  /** The octets from `start` to `end`, and how many there are in all. */
  octets(octets: Uint8Array, start: number, end: number): this {
    for (let i = start; i < end; i++) this.#mix(octets[i] as number)
    this.#mix(octets.length)
    return this
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 2654435761)
    this.#b = Math.imul(this.#b ^ value, 1597334677)
  }

  value(): number {
    const a = this.#a
    const b = this.#b
    const high = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
    const low = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
    return 4294967296 * (2097151 & low) + (high >>> 0)
  }
}
