import type { Home } from '../federation/model.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { type DigestAttempt, DigestClient } from '../sip/digest/client.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import { uriText } from '../sip/uri-write.ts'
import type { Log } from './log.ts'

/** The password for a home server that challenges us; undefined: there is none, or it cannot be read. */
export type PasswordOf = (home: string) => string | undefined

/** One request that a home server may challenge, whoever gives it its numbers. */
export interface Answering {
  /** As it is sent now: with an answer to what that home server has asked for. */
  written(request: SipRequest): SipRequest
  /** True: the response was a challenge that can be answered, and the request is to be sent again. */
  retries(response: SipResponse): boolean
}

/** A request on its way to a home server that may challenge it. */
export interface Challenged {
  /** As it is sent now. */
  request(): SipRequest
  /** True: the response was a challenge that can be answered, and the request is to be sent again. */
  retries(response: SipResponse): boolean
}

export interface ChallengesOptions {
  readonly random: Random
  readonly passwordOf: PasswordOf
  readonly log: Pick<Log, 'warn'>
  readonly clock: Pick<Clock, 'now'>
}

/** Milliseconds in which the log says once of a home server that it has no answer of ours. */
const QUIET = 600_000
/** Home servers of which that is remembered. */
const HOMES = 1000

/**
 * Answers the challenges of home servers to what we send (RFC 3261 §22.2, RFC 8760). Each home has its own credentials, and
 * its own memory of what it asked for, so that later requests carry the answer beforehand.
 */
export class Challenges {
  readonly #options: ChallengesOptions
  readonly #told = new BoundedMap<string, true>(HOMES, QUIET)
  readonly #clients = new Map<string, { readonly key: string; readonly client: DigestClient }>()

  constructor(options: ChallengesOptions) {
    this.#options = options
  }

  begin(home: Home, request: SipRequest): Challenged {
    const answering = this.answering(home)
    return answering === undefined
      ? { request: () => request, retries: () => false }
      : attempt(answering, request)
  }

  /** Undefined: we have nothing to answer with. */
  answering(home: Home): Answering | undefined {
    const attempt = this.#clientOf(home)?.begin()
    return attempt === undefined ? undefined : answering(attempt)
  }

  /** A response that is passed on. Where it is a challenge, what we have to answer with was not enough, which the log says. */
  unanswered({ name, credentials }: Home, { status, headers }: SipResponse): void {
    if (!isChallenge(status)) return
    const { log, clock } = this.#options
    const now = clock.now()
    if (this.#told.get(name, now) !== undefined) return
    this.#told.set(name, true, now)
    const asked = headers.get(status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate')
    const cure = credentials === undefined ? 'give the home server credentials' : 'correct its credentials'
    log.warn({ home: name, status, asked, cure }, 'the home server does not accept who we are')
  }

  /** Another user or password makes another client. */
  #clientOf({ name, credentials }: Home): DigestClient | undefined {
    const password = credentials === undefined ? undefined : this.#options.passwordOf(name)
    if (credentials === undefined || password === undefined) {
      this.#clients.delete(name)
      return undefined
    }
    const { realm, username } = credentials
    const key = JSON.stringify([realm, username, password])
    const known = this.#clients.get(name)
    if (known?.key === key) return known.client
    const client = new DigestClient({
      credentials: [{ realm, username, password }],
      random: this.#options.random,
    })
    this.#clients.set(name, { key, client })
    return client
  }
}

const isChallenge = (status: number): boolean => status === 401 || status === 407

const answering = (digest: DigestAttempt): Answering => ({
  written(request) {
    const { method, uri, body, headers } = request
    return { ...request, headers: headers.with(...digest.fields({ method, uri: uriText(uri), body })) }
  },
  retries: ({ status, headers }) => isChallenge(status) && digest.challenged(headers).ok,
})

function attempt(answering: Answering, first: SipRequest): Challenged {
  let sendings = 0
  return {
    request() {
      const again = sendings++
      const headers = again === 0 ? first.headers : first.headers.replacing('CSeq', later(first, again))
      return answering.written({ ...first, headers })
    },
    retries: (response) => answering.retries(response),
  }
}

/** §22.2: the same request with the next number. */
const later = ({ headers, method }: SipRequest, steps: number): string =>
  `${(headers.cseq()?.number ?? 0) + steps} ${method}`
