import type { Home } from '../federation/model.ts'
import type { Random } from '../kernel/random.ts'
import { type DigestAttempt, DigestClient } from '../sip/digest/client.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import { uriText } from '../sip/uri-write.ts'

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

/**
 * Answers the challenges of home servers to what we send (RFC 3261 §22.2, RFC 8760). Each home has its own credentials, and
 * its own memory of what it asked for, so that later requests carry the answer beforehand.
 */
export class Challenges {
  readonly #random: Random
  readonly #passwordOf: PasswordOf
  readonly #clients = new Map<string, { readonly key: string; readonly client: DigestClient }>()

  constructor(options: { random: Random; passwordOf: PasswordOf }) {
    this.#random = options.random
    this.#passwordOf = options.passwordOf
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

  /** Another user or password makes another client. */
  #clientOf({ name, credentials }: Home): DigestClient | undefined {
    const password = credentials === undefined ? undefined : this.#passwordOf(name)
    if (credentials === undefined || password === undefined) {
      this.#clients.delete(name)
      return undefined
    }
    const { realm, username } = credentials
    const key = JSON.stringify([realm, username, password])
    const known = this.#clients.get(name)
    if (known?.key === key) return known.client
    const client = new DigestClient({ credentials: [{ realm, username, password }], random: this.#random })
    this.#clients.set(name, { key, client })
    return client
  }
}

const answering = (digest: DigestAttempt): Answering => ({
  written(request) {
    const { method, uri, body, headers } = request
    return { ...request, headers: headers.with(...digest.fields({ method, uri: uriText(uri), body })) }
  },
  retries: ({ status, headers }) => (status === 401 || status === 407) && digest.challenged(headers).ok,
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
