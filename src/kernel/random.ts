import { randomFillSync } from 'node:crypto'

/** Randomness as an argument. */
export interface Random {
  /** A fraction in [0, 1), for jitter. */
  fraction(): number
  /** `length` characters of `[A-Za-z0-9_-]`, 6 bits of cryptographic randomness each. */
  token(length: number): string
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const pool = new Uint8Array(8192)
let used = pool.length

/** The system's generator, read a pool at a time: a call per token costs more than the token. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  token(length) {
    if (length > pool.length) throw new RangeError(`token of ${length} characters`)
    if (used + length > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    let text = ''
    for (let i = 0; i < length; i++) text += ALPHABET[(pool[used++] as number) & 63]
    return text
  },
}
