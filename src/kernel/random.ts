import { randomFillSync } from 'node:crypto'

/** Randomness as an argument. */
export interface Random {
  /** A fraction in [0, 1), for jitter. */
  fraction(): number
  /** `length` characters of `[A-Za-z0-9_-]`, 6 bits of cryptographic randomness each. */
  token(length: number): string
}

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1')
const pool = Buffer.allocUnsafeSlow(8192)
let used = pool.length

function refill(): void {
  randomFillSync(pool)
  for (let i = 0; i < pool.length; i++) pool[i] = ALPHABET[(pool[i] as number) & 63] as number
  used = 0
}

/** The system's generator, read a pool at a time: a call per token costs more than the token. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  token(length) {
    if (length > pool.length) throw new RangeError(`token of ${length} characters`)
    if (used + length > pool.length) refill()
    used += length
    // One flat string: adding character to character would keep a chain of its parts.
    return pool.toString('latin1', used - length, used)
  },
}
