import type { Random } from '../../kernel/random.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { HeaderField, Headers } from '../headers.ts'
import { HASHES, type HashName } from './algorithm.ts'
import {
  type AnswerPolicy,
  type Attempt,
  authorize,
  challenged,
  NEW_ATTEMPT,
  type Refusal,
  type Session,
} from './answer.ts'
import type { Credentials, DigestRequest } from './credentials.ts'

export interface DigestClientOptions {
  /** One for each realm. */
  readonly credentials: readonly Credentials[]
  readonly random: Random
  /** All that we can compute unless given: without MD5, nobody can talk us down to it (RFC 8760 §3). */
  readonly hashes?: readonly HashName[]
  /** How often one request is sent with credentials (4). */
  readonly rounds?: number
}

/** One request on its way through challenges. */
export interface DigestAttempt {
  /** For the next sending, a new one each time: what the peer has challenged before is answered beforehand. */
  fields(request: DigestRequest): readonly HeaderField[]
  /** A 401 or 407 has come: send it again (with a new CSeq number, RFC 3261 §22.2), or that was its answer. */
  challenged(headers: Headers): Result<void, Refusal>
}

/**
 * Answers the challenges of one peer (RFC 3261 §22, RFC 8760). Each peer needs its own, with those credentials only
 * that are meant for it: a peer may name any realm, and would get what it can pass on to whom the realm belongs.
 */
export class DigestClient {
  readonly #policy: AnswerPolicy
  readonly #random: Random
  /** One for each realm and header field at most, since only realms with credentials are answered. */
  #sessions: readonly Session[] = []

  /** @throws RangeError where a user name could not be sent, or a realm comes twice */
  constructor(options: DigestClientOptions) {
    for (const { username } of options.credentials)
      if (/[:\r\n\0]/.test(username)) throw new RangeError('a user name with colon, line break or NUL')
    if (new Set(options.credentials.map(({ realm }) => realm)).size < options.credentials.length)
      throw new RangeError('credentials of one realm come twice')
    this.#policy = {
      credentials: options.credentials,
      hashes: options.hashes ?? (Object.keys(HASHES) as HashName[]),
      rounds: options.rounds ?? 4,
    }
    this.#random = options.random
  }

  begin(): DigestAttempt {
    let attempt: Attempt = NEW_ATTEMPT
    return {
      fields: (request) => {
        const next = authorize(this.#sessions, attempt, request, this.#policy)
        this.#sessions = next.sessions
        attempt = next.attempt
        return next.fields
      },
      challenged: (headers) => {
        const next = challenged(this.#sessions, attempt, headers, this.#policy, () => this.#random.token(22))
        if (!next.ok) {
          // What was refused is not sent beforehand with the requests that follow.
          if (next.error === 'rejected') this.#sessions = []
          return next
        }
        this.#sessions = next.value.sessions
        attempt = next.value.attempt
        return ok(undefined)
      },
    }
  }
}
