import { answerOf } from '../federation/refusals.ts'
import { stanzaErrorToStatus } from '../interworking/errors.ts'
import type { HeaderField } from '../sip/headers.ts'
import type { SipRequest } from '../sip/message.ts'
import { param } from '../sip/scan.ts'
import type { Failure, Untold } from './arrival.ts'
import { diagnosticsOf } from './diagnostics.ts'

/** A final answer to a SIP request. */
export interface SipAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: readonly HeaderField[]
}

/** What the configuration chooses. */
export interface SipAnswerChoices {
  /** Without a live XMPP link. */
  readonly noLiveLink: 480 | 503
  /** Seconds, with 503. */
  readonly retryAfter: number
}

const answer = (status: number, reason: string, headers: readonly HeaderField[] = []): SipAnswer => ({
  status,
  reason,
  headers,
})

/** RFC 3428 §7: 202 is for a relay that cannot say whether the recipient has it; ours is the XMPP server's hand-over. */
const OK = answer(200, 'OK')

/**
 * How a request from the SIP side ends on the wire, unless its answer has been passed on already. RFC 4320 §4.2: never 408
 * to a non-INVITE request.
 * @param edge our name, where the sender is a home server: it hears the whole reason of a refusal
 */
export function sipAnswer(
  ending: Untold,
  choices: SipAnswerChoices,
  request: SipRequest,
  edge?: string,
): SipAnswer {
  switch (ending.kind) {
    case 'delivered':
    case 'nothing':
      return OK
    case 'refused': {
      const outside = answerOf(ending.reason)
      return answer(outside.sipStatus, `${outside.text} (${ending.id})`, [
        ...(outside.retryable ? [['Retry-After', String(choices.retryAfter)] as const] : []),
        ...(edge === undefined ? [] : [diagnosticsOf(ending, edge)]),
      ])
    }
    case 'answered':
      return answer(ending.response.status, ending.response.reason)
    case 'bounced':
      return stanzaErrorToStatus(
        ending.error,
        namesDevice(request) ? 'full' : 'bare',
        request.method,
        ending.uriOf === undefined ? {} : { uriOf: ending.uriOf },
      )
    case 'untranslatable':
      return answer(ending.status, ending.reason, ending.headers)
    case 'failed':
      // Nobody is behind us any more who could have subscribed: the notifier is to forget it (RFC 6665 §4.2.2).
      return request.method === 'NOTIFY' && ending.failure === 'no-route'
        ? answer(481, 'No such subscription any more')
        : failureAnswer(ending.failure, choices)
    default:
      return ending satisfies never
  }
}

/** A GRUU (RFC 5627): what went wrong concerns that device. */
const namesDevice = ({ uri }: SipRequest): boolean =>
  (uri.scheme === 'sip' || uri.scheme === 'sips') && param(uri.params, 'gr') !== undefined

function failureAnswer(failure: Failure, choices: SipAnswerChoices): SipAnswer {
  const later: readonly HeaderField[] = [['Retry-After', String(choices.retryAfter)]]
  switch (failure) {
    case 'no-link':
      return choices.noLiveLink === 503
        ? answer(503, 'XMPP side not reachable', later)
        : answer(480, 'XMPP side not reachable')
    case 'no-route':
      return answer(480, 'No way to that domain')
    case 'timeout':
    case 'transport':
      return answer(480, 'No answer from the far side')
    case 'too-large':
      return answer(513, 'Message Too Large')
    case 'store':
      return answer(503, 'Cannot be decided now', later)
    case 'busy':
      return answer(503, 'Busy', later)
    case 'loop':
      return answer(482, 'Loop Detected')
    case 'shutdown':
      return answer(503, 'Shutting down', later)
    case 'internal':
      return answer(500, 'Server Internal Error')
    default:
      return failure satisfies never
  }
}
