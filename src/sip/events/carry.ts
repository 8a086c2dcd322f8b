import type { Endpoint, Hop, Outcome } from '../endpoint/endpoint.ts'
import type { SipRequest } from '../message.ts'
import { triesNext } from '../proxy/relay.ts'

/** The places to try in their order; none: it cannot be sent. */
export type Hops = readonly Hop[] | Promise<readonly Hop[]>

/**
 * Sends a request to the first place that takes it: the next is tried on 503, a time-out or a transport failure
 * (RFC 3263 §4.3), each with a branch of its own.
 * @param done exactly once, never before this returns
 */
export function carry(
  endpoint: Endpoint,
  request: SipRequest,
  hops: Hops,
  done: (outcome: Outcome) => void,
): void {
  const failed = (reason: string): void => done({ kind: 'transport-failure', reason })
  const begin = (places: readonly Hop[]): void => {
    const send = (at: number): void => {
      const hop = places[at]
      if (hop === undefined) failed('nowhere to send it')
      else
        endpoint.send(request, hop, (outcome) => {
          if (at + 1 < places.length && triesNext(outcome)) send(at + 1)
          else done(outcome)
        })
    }
    send(0)
  }
  void Promise.resolve(hops).then(begin, () => failed('it could not be found out where to send it'))
}
