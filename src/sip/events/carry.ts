import type { Endpoint, Hop, Outcome } from '../endpoint/endpoint.ts'
import type { SipRequest } from '../message.ts'
import { triesNext } from '../proxy/relay.ts'

/** The places to try in their order; none: it cannot be sent. */
export type Hops = readonly Hop[] | Promise<readonly Hop[]>

/** How one request goes to its places, where more is to be done than to send it. */
export interface Sending {
  /** As it is written: with an answer to what that peer has asked for (RFC 3261 §22). Asked for each time that it is sent. */
  written(request: SipRequest): SipRequest
  /** What came of it at one place. True: that was a challenge, and the next answer may be the right one. */
  heard(hop: Hop, outcome: Outcome): boolean
}

export interface Carried {
  readonly request: SipRequest
  readonly hops: Hops
  readonly sending?: Sending | undefined
  /** The same request with the next number of its dialog (RFC 3261 §22.2); undefined: nobody wants it any more. */
  readonly again: () => SipRequest | undefined
}

/**
 * Sends a request to the first place that takes it: the next is tried on 503, a time-out or a transport failure
 * (RFC 3263 §4.3), each with a branch of its own. A challenge is answered where it came from.
 * @param done exactly once, never before this returns
 */
export function carry(
  endpoint: Endpoint,
  { request, hops, sending, again }: Carried,
  done: (outcome: Outcome) => void,
): void {
  const failed = (reason: string): void => done({ kind: 'transport-failure', reason })
  const begin = (places: readonly Hop[]): void => {
    const send = (at: number, what: SipRequest): void => {
      const hop = places[at]
      if (hop === undefined) {
        failed('nowhere to send it')
        return
      }
      endpoint.send(sending?.written(what) ?? what, hop, (outcome) => {
        const challenged = sending?.heard(hop, outcome) ?? false
        if (at + 1 < places.length && triesNext(outcome)) {
          send(at + 1, what)
          return
        }
        const next = challenged ? again() : undefined
        if (next === undefined) done(outcome)
        else send(at, next)
      })
    }
    send(0, request)
  }
  void Promise.resolve(hops).then(begin, () => failed('it could not be found out where to send it'))
}
