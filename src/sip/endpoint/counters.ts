import type { Turned } from '../transport/connections.ts'

/** What happened since the start. */
export interface Counters {
  requestsIn: number
  responsesOut: number
  requestsOut: number
  responsesIn: number
  /** Requests that were sent, and came, again. */
  retransmissionsOut: number
  retransmissionsIn: number
  timeouts: number
  transportFailures: number
  /** Late copies of a response whose transaction is over. */
  responsesAbsorbed: number
  /** Responses to nothing we asked, with several Vias, or a Via that is not ours. */
  responsesUnmatched: number
  merged: number
  acks: number
  /** Final answers to INVITE that were never acknowledged. */
  unacknowledged: number
  /** Answered without the transaction user: OPTIONS, and what it does not take. */
  answeredByCore: number
  malformedAnswered: number
  malformedDropped: number
  /** 503 because the table was full or the endpoint is closing. */
  overloaded: number
  provisionals: number
  /** Requests that the transaction user never answered. */
  silent: number
  /** Second and late answers of the transaction user. */
  answersDiscarded: number
  /** Answers of the transaction user that may not be sent as they are (408, 1xx, line breaks). */
  answersMended: number
  responsesFailed: number
  faults: number
  /** Requests over 1300 bytes that went over TCP instead of UDP, and of these back to UDP. */
  switchedToTcp: number
  backToUdp: number
}

export const newCounters = (): Counters => ({
  requestsIn: 0,
  responsesOut: 0,
  requestsOut: 0,
  responsesIn: 0,
  retransmissionsOut: 0,
  retransmissionsIn: 0,
  timeouts: 0,
  transportFailures: 0,
  responsesAbsorbed: 0,
  responsesUnmatched: 0,
  merged: 0,
  acks: 0,
  unacknowledged: 0,
  answeredByCore: 0,
  malformedAnswered: 0,
  malformedDropped: 0,
  overloaded: 0,
  provisionals: 0,
  silent: 0,
  answersDiscarded: 0,
  answersMended: 0,
  responsesFailed: 0,
  faults: 0,
  switchedToTcp: 0,
  backToUdp: 0,
})

/** Worth a line in the log; text from the wire is never in it. */
export type EndpointEvent =
  | {
      readonly kind: 'malformed'
      readonly listener: string
      readonly address: string
      readonly port: number
      readonly reason: string
      readonly answered: number | undefined
    }
  /** The transaction user threw: the sender got a bland 500, the id finds this event. */
  | { readonly kind: 'fault'; readonly id: string; readonly error: unknown }
  | { readonly kind: 'silent'; readonly method: string; readonly callId: string }
  | {
      readonly kind: 'response-failed'
      readonly address: string
      readonly port: number
      readonly reason: string
    }
  | {
      readonly kind: 'connection-closed'
      readonly listener: string
      readonly address: string
      readonly port: number
      readonly reason: string
    }
  /** TLS: a peer's handshake failed, or its certificate is not believed and it has no identity. */
  | {
      readonly kind: 'peer-unproved'
      readonly listener: string
      readonly address: string
      readonly port: number
      readonly reason: string
    }
  | { readonly kind: 'listener-broken'; readonly listener: string; readonly reason: string }
  | { readonly kind: 'overloaded'; readonly what: 'transactions' | 'buffered' | Turned }
