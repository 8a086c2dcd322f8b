import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What a key is made for (XEP-0185 §2). The names count as they are written: letter for letter. */
export interface KeyFor {
  /** The domain that the stream was opened to. */
  readonly receiving: string
  /** The domain that the key speaks for. */
  readonly originating: string
  /** The id of the receiving server's stream header, after XML unescaping. */
  readonly streamId: string
}

/** Keys of server dialback (XEP-0185 §2): 64 characters of lower-case hex. */
export class DialbackKeys {
  readonly #keys: readonly string[]

  /** @param secrets the first makes keys; the others are older ones, whose keys still count */
  constructor(secrets: readonly [string, ...string[]]) {
    this.#keys = secrets.map(hashed)
  }

  of(what: KeyFor): string {
    return keyWith(this.#keys[0] as string, what)
  }

  /** Did we make it? In a time that does not tell how much of it was right, nor by which secret. */
  made(key: string, what: KeyFor): boolean {
    const given = Buffer.from(key, 'utf8')
    let right = false
    for (const secret of this.#keys) {
      const ours = Buffer.from(keyWith(secret, what), 'utf8')
      if (given.length === ours.length && timingSafeEqual(given, ours)) right = true
    }
    return right
  }
}

/** The HMAC's key is the hash as text, not its octets. */
const hashed = (secret: string): string => createHash('sha256').update(secret, 'utf8').digest('hex')

/** A space cannot be in a domain name, so the parts cannot be shifted; the id comes last and may hold anything. */
const keyWith = (key: string, { receiving, originating, streamId }: KeyFor): string =>
  createHmac('sha256', key).update(`${receiving} ${originating} ${streamId}`, 'utf8').digest('hex')
