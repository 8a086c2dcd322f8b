import { flat } from '../../kernel/flat.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { Endpoint, Hop, IncomingRequest, Outcome, SentInvite } from '../endpoint/endpoint.ts'
import type { HeaderField } from '../headers.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { SharedFields } from './shared-fields.ts'

/** A request on its way through: the places to try in their order, and what is said back. */
export interface Relay {
  readonly incoming: IncomingRequest
  /** As it goes out (`forwarded`). */
  readonly request: SipRequest
  /** `LoopDetection.fingerprint` of the request as it came in. */
  readonly loop: string
  /** At least one; the next is tried on 503, a time-out or a transport failure (RFC 3263 §4.3), each with a branch of its own. */
  readonly hops: readonly Hop[]
  /** The header fields of a response that is passed on (`passedFields`). */
  readonly fieldsOf: (response: SipResponse) => readonly HeaderField[]
  /** Told of each try: who fails is tried later next time. */
  readonly tried: (hop: Hop, outcome: Outcome) => void
  /**
   * Exactly once: with the final response that was passed on (the first 2xx), or with the failure of the last try, which
   * is for the caller to answer.
   */
  readonly ended: (outcome: Outcome) => void
}

/** RFC 3261 §16.6 (11): more than three minutes. */
export const TIMER_C = 181_000

/** Passes requests on and their responses back: the middle of a transaction-stateful proxy (RFC 3261 §16.6 to §16.10). */
export class Relays {
  readonly #endpoint: () => Endpoint
  readonly #timers: Timers
  readonly #timerC: number
  readonly #fields = new SharedFields()
  /** How to cancel each INVITE that has no answer yet. */
  readonly #calls = new Map<IncomingRequest, () => void>()

  /** @param options.timerC milliseconds without any word for an INVITE that was taken up (181,000) */
  constructor(options: { endpoint: () => Endpoint; timers: Timers; timerC?: number }) {
    this.#endpoint = options.endpoint
    this.#timers = options.timers
    this.#timerC = options.timerC ?? TIMER_C
  }

  begin(relay: Relay): void {
    if (relay.request.method === 'INVITE') this.#invite(relay)
    else this.#send(relay, 0)
  }

  /** Its sender gets no answer from below any more: a call that rings is cancelled. Safe to call at any time. */
  abandon(incoming: IncomingRequest): void {
    this.#calls.get(incoming)?.()
  }

  #send(relay: Relay, at: number): void {
    const hop = relay.hops[at] as Hop
    const done = (outcome: Outcome): void => {
      relay.tried(hop, outcome)
      if (at + 1 < relay.hops.length && triesNext(outcome)) this.#send(relay, at + 1)
      else this.#end(relay, outcome)
    }
    this.#endpoint().send(relay.request, hop, done, { forwarded: { loop: relay.loop } })
  }

  #invite(relay: Relay): void {
    const { incoming, hops } = relay
    let sent: SentInvite | undefined
    let cancelled: readonly HeaderField[] | undefined
    let accepted = false
    let timerC: Timer | undefined
    const cancel = (fields: readonly HeaderField[]): void => {
      cancelled ??= fields
      sent?.cancel(fields)
    }
    const guard = (): void => {
      timerC?.cancel()
      timerC = this.#timers.set(this.#timerC, () => cancel([]))
    }
    const tryAt = (at: number): void => {
      const hop = hops[at] as Hop
      let heard = false
      guard()
      sent = this.#endpoint().invite(
        relay.request,
        hop,
        {
          provisional: (response) => {
            heard = true
            guard()
            this.#passBack(relay, response)
          },
          success: (response) => {
            timerC?.cancel()
            this.#passBack(relay, response)
            if (accepted) return
            accepted = true
            this.#calls.delete(incoming)
            const outcome: Outcome = { kind: 'response', response }
            relay.tried(hop, outcome)
            relay.ended(outcome)
          },
          done: (outcome) => {
            timerC?.cancel()
            relay.tried(hop, outcome)
            const next = at + 1 < hops.length && !heard && cancelled === undefined
            if (next && triesNext(outcome)) tryAt(at + 1)
            else {
              this.#calls.delete(incoming)
              this.#end(relay, outcome)
            }
          },
        },
        { forwarded: { loop: relay.loop } },
      )
      if (cancelled !== undefined) sent.cancel(cancelled)
    }
    incoming.onCancel((request) => cancel(request.headers.all('Reason').map((reason) => ['Reason', reason])))
    this.#calls.set(incoming, () => cancel([]))
    tryAt(0)
  }

  #end(relay: Relay, outcome: Outcome): void {
    if (outcome.kind === 'response') this.#passBack(relay, outcome.response)
    relay.ended(outcome)
  }

  /** §16.7 (6): a 503 says that we ourselves are not to be asked again, which nobody below us can know. */
  #passBack({ incoming, fieldsOf }: Relay, response: SipResponse): void {
    const away = response.status === 503
    const to = response.headers.get('To')
    incoming.respond(away ? 500 : response.status, {
      reason: away ? undefined : flat(response.reason),
      headers: this.#fields.of(fieldsOf(response)),
      to: to === undefined ? undefined : flat(to),
      body: response.body.length === 0 ? undefined : response.body,
    })
  }
}

/** Whether another place is tried after this (RFC 3263 §4.3). */
export const triesNext = (outcome: Outcome): boolean =>
  outcome.kind !== 'response' || outcome.response.status === 503
