import type { Frame } from '../frames.ts'
import type { SipLimits } from '../limits.ts'
import type { SipMessage } from '../message.ts'
import { parseMessage } from '../parse.ts'
import type { SipParseError } from '../parse-error.ts'
import type { ClientTransactions } from '../transaction/clients.ts'
import type { Connection } from '../transport/connection.ts'
import type { Leg } from '../transport/leg.ts'
import type { Counters, EndpointEvent } from './counters.ts'
import type { Arrival } from './reply.ts'
import type { UasCore } from './uas-core.ts'

/** Where bytes become messages: requests to the core, responses to their transactions. Never throws. */
export class Receiver {
  readonly #core: UasCore
  readonly #clients: ClientTransactions
  readonly #counters: Counters
  readonly #onEvent: (event: EndpointEvent) => void
  readonly #limits: SipLimits
  readonly #fault: (error: unknown) => string

  constructor(deps: {
    core: UasCore
    clients: ClientTransactions
    counters: Counters
    onEvent: (event: EndpointEvent) => void
    limits: SipLimits
    fault: (error: unknown) => string
  }) {
    this.#core = deps.core
    this.#clients = deps.clients
    this.#counters = deps.counters
    this.#onEvent = deps.onEvent
    this.#limits = deps.limits
    this.#fault = deps.fault
  }

  datagram(leg: Leg, bytes: Uint8Array, address: string, port: number): void {
    // RFC 5626 §4.4.2 and others keep mappings open with a few octets.
    if (bytes.length <= 4) return
    try {
      const { name, side } = leg.options
      const source = { transport: 'udp', address, port, listener: name, side } as const
      const arrival: Arrival = { source, leg, connection: undefined }
      const parsed = parseMessage(bytes, this.#limits)
      if (parsed.ok) this.#message(parsed.value, arrival)
      else this.#malformed(parsed.error, arrival)
    } catch (error) {
      this.#fault(error)
    }
  }

  frame(connection: Connection, frame: Exclude<Frame, { kind: 'ping' | 'pong' }>): void {
    const arrival: Arrival = { source: connection.source, leg: connection.leg, connection }
    try {
      if (frame.kind === 'message') this.#message(frame.message, arrival)
      else this.#malformed(frame.error, arrival)
    } catch (error) {
      this.#fault(error)
    }
    if (frame.kind === 'fatal') connection.end(`unreadable stream: ${frame.error.reason}`)
  }

  #message(message: SipMessage, arrival: Arrival): void {
    if (message.kind === 'request') {
      this.#counters.requestsIn++
      const via = message.headers.topVia()
      if (via !== undefined) arrival.connection?.alias(via)
      this.#core.receive(message, arrival)
      return
    }
    this.#counters.responsesIn++
    const match = this.#clients.receive(message)
    if (match === 'absorbed') this.#counters.responsesAbsorbed++
    else if (match === 'unmatched') this.#counters.responsesUnmatched++
  }

  #malformed(error: SipParseError, arrival: Arrival): void {
    const { listener, address, port } = arrival.source
    const answered = error.kind === 'answer' ? error.status : undefined
    if (error.kind === 'answer') {
      this.#counters.malformedAnswered++
      this.#core.refuse(error, arrival, error.status, error.reason)
    } else this.#counters.malformedDropped++
    this.#onEvent({ kind: 'malformed', listener, address, port, reason: error.reason, answered })
  }
}
