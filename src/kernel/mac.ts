import { createHmac, timingSafeEqual } from 'node:crypto'

const LENGTH = 20

/** Marks that only we can make (HMAC-SHA-256, 120 bits, 20 characters of `[A-Za-z0-9_-]`). */
export class Mac {
  readonly #key: string

  /** @param key random text; whoever knows it can make marks */
  constructor(key: string) {
    this.#key = key
  }

  of(parts: readonly string[]): string {
    const hmac = createHmac('sha256', this.#key)
    for (const part of parts) hmac.update(`${part.length}:${part}`)
    return hmac.digest('base64url').slice(0, LENGTH)
  }

  /** In a time that does not tell how much of it was right. */
  is(mark: string, parts: readonly string[]): boolean {
    const given = Buffer.from(mark)
    return given.length === LENGTH && timingSafeEqual(given, Buffer.from(this.of(parts)))
  }
}
