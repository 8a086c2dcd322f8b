import { quote } from '../scan.ts'
import { type Algorithm, digestOf } from './algorithm.ts'
import type { DigestChallenge } from './challenge.ts'

/** Who we are in a realm. */
export interface Credentials {
  /** Compared octet by octet: it is a name, not a domain. */
  readonly realm: string
  readonly username: string
  readonly password: string
}

/** What is signed of a request. */
export interface DigestRequest {
  readonly method: string
  /** The Request-URI as it goes on the wire. */
  readonly uri: string
  readonly body: Uint8Array
}

export type Qop = 'auth' | 'auth-int'

/** A challenge that can be answered, and how. */
export interface Plan {
  readonly challenge: DigestChallenge
  readonly algorithm: Algorithm
  /** Undefined: as RFC 2069 had it, without client nonce and count. */
  readonly qop: Qop | undefined
}

/** Client nonce, and how many requests have gone with this server nonce, this one included. */
export interface Use {
  readonly cnonce: string
  readonly count: number
}

/** The value of Authorization or Proxy-Authorization (RFC 7616 §3.4, RFC 8760 §2.6). */
export function credentialsText(
  plan: Plan,
  credentials: Credentials,
  request: DigestRequest,
  use: Use,
): string {
  const { challenge, qop } = plan
  const { hash } = plan.algorithm
  const { realm, nonce, opaque } = challenge
  const username = challenge.utf8 ? credentials.username.normalize('NFC') : credentials.username
  const nc = use.count.toString(16).padStart(8, '0')
  const key = keyOf(plan, credentials, username, use.cnonce)
  const signed = requestDigest(plan, request)
  const response =
    qop === undefined
      ? digestOf(hash, `${key}:${nonce}:${signed}`)
      : digestOf(hash, `${key}:${nonce}:${nc}:${use.cnonce}:${qop}:${signed}`)

  // §3.4.4: the name is hashed after everything else.
  const name = challenge.userhash ? digestOf(hash, `${username}:${realm}`) : username
  const fields = [
    `username=${quote(name)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(request.uri)}`,
    `response="${response}"`,
  ]
  if (challenge.algorithm !== undefined) fields.push(`algorithm=${challenge.algorithm}`)
  if (opaque !== undefined) fields.push(`opaque=${quote(opaque)}`)
  if (qop !== undefined) fields.push(`qop=${qop}`, `cnonce=${quote(use.cnonce)}`, `nc=${nc}`)
  if (challenge.userhash) fields.push('userhash=true')
  return `Digest ${fields.join(', ')}`
}

/** H(A1), §3.4.2. */
function keyOf(plan: Plan, credentials: Credentials, username: string, cnonce: string): string {
  const { realm, nonce, utf8 } = plan.challenge
  const { hash, session } = plan.algorithm
  const password = utf8 ? credentials.password.normalize('NFC') : credentials.password
  const secret = digestOf(hash, `${username}:${realm}:${password}`)
  return session ? digestOf(hash, `${secret}:${nonce}:${cnonce}`) : secret
}

/** H(A2), §3.4.3. */
function requestDigest(plan: Plan, request: DigestRequest): string {
  const { hash } = plan.algorithm
  const line = `${request.method}:${request.uri}`
  return digestOf(hash, plan.qop === 'auth-int' ? `${line}:${digestOf(hash, request.body)}` : line)
}
