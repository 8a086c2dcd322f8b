import { createHash } from 'node:crypto'

/** The register of RFC 7616 §6.1, without the variants for sessions. */
export const HASHES = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
} as const

export type HashName = keyof typeof HASHES

export interface Algorithm {
  readonly hash: HashName
  /** `-sess`: the first client nonce of a session is part of its key (RFC 7616 §3.4.2). */
  readonly session: boolean
}

/** Undefined for what we cannot compute. MD5 is meant where a challenge names none. */
export function parseAlgorithm(token: string | undefined): Algorithm | undefined {
  if (token === undefined) return { hash: 'MD5', session: false }
  const upper = token.toUpperCase()
  const session = upper.endsWith('-SESS')
  const name = session ? upper.slice(0, -5) : upper
  return Object.hasOwn(HASHES, name) ? { hash: name as HashName, session } : undefined
}

/** In lower-case hexadecimal digits; text is hashed as UTF-8. */
export const digestOf = (hash: HashName, data: string | Uint8Array): string =>
  createHash(HASHES[hash]).update(data).digest('hex')
