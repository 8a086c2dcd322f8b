import type { Address } from '../federation/address.ts'
import type { Evidence } from '../federation/evidence.ts'
import type { RefusalReason } from '../federation/refusals.ts'
import type { RequestKind } from '../federation/request.ts'
import type { StepName } from '../federation/verdict.ts'
import type { Result } from '../kernel/result.ts'
import type { IncomingRequest } from '../sip/endpoint/endpoint.ts'
import type { HeaderField } from '../sip/headers.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import type { Routed } from '../sip/proxy/routes.ts'
import type { Uri } from '../sip/uri.ts'
import type { Element } from '../xmpp/xml/element.ts'

/** A request that a leg took in, in the inner language; whatever happens, it is ended exactly once. */
export interface Arrival {
  readonly kind: RequestKind
  readonly request: SipRequest
  readonly from: Address
  readonly to: Address
  readonly evidence: Evidence
  /** Of a request that came over SIP: what passing it on needs. */
  readonly passing?: Passing | undefined
  end(ending: Ending): void
}

/** A SIP request as it stands at a proxy. */
export interface Passing {
  readonly incoming: IncomingRequest
  readonly routed: Routed
  /** It is within a dialog that the rules have admitted (`DialogPass`). */
  readonly within: boolean
}

/** How a request ended. The leg that took it in says it in its own protocol. */
export type Ending =
  /** The far side has taken it. */
  | { readonly kind: 'delivered' }
  /** A MESSAGE with neither text nor Subject: there is nothing to deliver, and that is no error. */
  | { readonly kind: 'nothing' }
  /** The far side's final response was passed on to the sender as it came. */
  | { readonly kind: 'relayed'; readonly status: number }
  /** The federation rules refuse it; `id` finds the log line with the reason. */
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      readonly id: string
      /** For the inside alone: the step that refuses, and its words. */
      readonly step: StepName
      readonly detail: string
    }
  /** What the SIP side answered, other than 2xx. */
  | { readonly kind: 'answered'; readonly response: SipResponse }
  /** What the XMPP side answered: an error stanza. Its link says which URI a JID in it is (`gone`, `redirect`). */
  | {
      readonly kind: 'bounced'
      readonly error: Element
      readonly uriOf?: (jid: string) => Result<Uri, unknown>
    }
  /** It cannot be said in XMPP; the answer that SIP has for that. */
  | {
      readonly kind: 'untranslatable'
      readonly status: number
      readonly reason: string
      readonly headers: readonly HeaderField[]
    }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Why nothing came of a request that was permitted. */
export type Failure =
  /** The SIP side gave no final answer in time. */
  | 'timeout'
  /** No connection, or a datagram that could not be sent. */
  | 'transport'
  /** The rules know a way that this version cannot go: to a SIP provider, or found by DNS. */
  | 'no-route'
  /** No live XMPP link. */
  | 'no-link'
  /** Too long for a path that is not congestion-safe (RFC 3428 §8). */
  | 'too-large'
  /** A queue or table is full. */
  | 'busy'
  /** The same text has gone to and fro too often. */
  | 'loop'
  /** The store failed, so that the rules could not be asked. */
  | 'store'
  /** We are stopping. */
  | 'shutdown'
  /** A fault of ours; the log has it under an id. */
  | 'internal'

/** Those that the leg which took the request in has to say itself. */
export type Untold = Exclude<Ending, { kind: 'relayed' }>

export const DELIVERED: Untold = { kind: 'delivered' }
export const NOTHING: Untold = { kind: 'nothing' }
export const failed = (failure: Failure): Untold => ({ kind: 'failed', failure })
