import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { SipRequest } from '../message.ts'
import { writeRequest } from '../serialize.ts'
import type { ClientTransaction, ClientTransactions, ClientUse, Outcome } from '../transaction/clients.ts'
import { MAGIC_COOKIE } from '../transaction/matching.ts'
import type { Connection } from '../transport/connection.ts'
import type { Connections } from '../transport/connections.ts'
import type { Leg } from '../transport/leg.ts'
import { type Hop, isReachable } from '../transport/place.ts'
import { reasonOf } from '../transport/udp.ts'
import type { Counters } from './counters.ts'

export interface SendOptions {
  /**
   * What happens to a request over 1300 bytes for a UDP hop whose host refuses TCP: `true` (the default) sends it over
   * UDP as RFC 3261 §18.1.1 says, `false` fails it, as RFC 3428 §8 wants for MESSAGE.
   */
  readonly backToUdp?: boolean
}

/** RFC 3261 §18.1.1, where the path's MTU is not known. */
export const DATAGRAM_LIMIT = 1300
/** What a host says that has no TCP there: a reset, or ICMP protocol unreachable. */
const NO_TCP: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOPROTOOPT', 'EPROTONOSUPPORT', 'EPROTO'])
/** How long a host is remembered to have no TCP. */
const NO_TCP_MEMORY = 600_000

/** A request over UDP: one object, for there are very many. */
class OverUdp implements ClientUse {
  readonly branch: string
  readonly method: string
  readonly sentBy: string
  readonly reliable = false
  readonly done: (outcome: Outcome) => void
  readonly #bytes: Uint8Array
  readonly #leg: Leg
  readonly #hop: Hop
  readonly #counters: Counters

  constructor(
    request: { readonly branch: string; readonly method: string; readonly bytes: Uint8Array },
    leg: Leg,
    hop: Hop,
    done: (outcome: Outcome) => void,
    counters: Counters,
  ) {
    this.branch = request.branch
    this.method = request.method
    this.sentBy = leg.sentBy
    this.done = done
    this.#bytes = request.bytes
    this.#leg = leg
    this.#hop = hop
    this.#counters = counters
  }

  send(transaction: ClientTransaction, again: boolean): void {
    if (again) this.#counters.retransmissionsOut++
    const { address, port } = this.#hop
    this.#leg.udp?.send(this.#bytes, address, port, (reason) => transaction.transportFailed(reason))
  }
}

/** Sends requests: picks the leg, writes the Via, switches to TCP for long ones. */
export class Uac {
  readonly #legs: readonly Leg[]
  readonly #clients: ClientTransactions
  readonly #connections: Connections
  readonly #random: Random
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #withoutTcp = new BoundedMap<string, true>(1000, NO_TCP_MEMORY)

  constructor(deps: {
    legs: readonly Leg[]
    clients: ClientTransactions
    connections: Connections
    random: Random
    clock: Clock
    counters: Counters
  }) {
    this.#legs = deps.legs
    this.#clients = deps.clients
    this.#connections = deps.connections
    this.#random = deps.random
    this.#clock = deps.clock
    this.#counters = deps.counters
  }

  send(request: SipRequest, hop: Hop, on: (outcome: Outcome) => void, options: SendOptions): void {
    const leg = isReachable(hop.address, hop.port) ? this.#legFor(hop) : undefined
    const unfit = request.method === 'INVITE' || request.method === 'ACK'
    try {
      if (leg === undefined) this.#fail(on, 'no listener for this hop')
      else if (unfit) this.#fail(on, `no client transaction for ${request.method}`)
      else if (hop.transport === 'tls' && (hop.names ?? []).length === 0)
        this.#fail(on, 'no name that the certificate must prove')
      else if (hop.transport === 'udp') this.#overUdp(request, hop, leg, on, options)
      else this.#overStream(request, hop, leg, on)
    } catch (error) {
      this.#fail(on, reasonOf(error))
    }
  }

  #overUdp(
    request: SipRequest,
    hop: Hop,
    leg: Leg,
    on: (outcome: Outcome) => void,
    options: SendOptions,
  ): void {
    const branch = this.#branch()
    const bytes = writeRequest(request, `SIP/2.0/UDP ${leg.sentBy};branch=${branch};rport`)
    if (bytes.length > DATAGRAM_LIMIT) {
      const target = `${hop.address} ${hop.port}`
      if (this.#withoutTcp.get(target, this.#clock.now()) === undefined) {
        this.#counters.switchedToTcp++
        this.#overStream(request, hop, this.#tcpLegLike(leg), (outcome) => {
          const refused = outcome.kind === 'transport-failure' && NO_TCP.has(outcome.reason)
          if (refused) this.#withoutTcp.set(target, true, this.#clock.now())
          if (refused && options.backToUdp !== false) this.send(request, hop, on, options)
          else on(outcome)
        })
        return
      }
      if (options.backToUdp === false) {
        this.#fail(on, 'ECONNREFUSED')
        return
      }
      this.#counters.backToUdp++
    }
    this.#begin(new OverUdp({ branch, method: request.method, bytes }, leg, hop, on, this.#counters))
  }

  #overStream(request: SipRequest, hop: Hop, leg: Leg, on: (outcome: Outcome) => void): void {
    const branch = this.#branch()
    // RFC 5923 §8.1: whoever knows our certificate may send its own requests back over the connection.
    const via =
      hop.transport === 'tls'
        ? `SIP/2.0/TLS ${leg.sentBy};branch=${branch};rport;alias`
        : `SIP/2.0/TCP ${leg.sentBy};branch=${branch};rport`
    const bytes = writeRequest(request, via)
    const connection = this.#connections.to(leg, hop.address, hop.port, hop)
    if (connection === undefined) {
      this.#fail(on, 'too many connections')
      return
    }
    let waiting: readonly [Connection, ClientTransaction] | undefined
    this.#begin({
      branch,
      method: request.method,
      sentBy: leg.sentBy,
      reliable: true,
      send: (transaction) => {
        if (connection.write(bytes)) {
          waiting = [connection, transaction]
          connection.waiting.add(transaction)
        } else queueMicrotask(() => transaction.transportFailed('peer does not read'))
      },
      done: (outcome) => {
        if (waiting !== undefined) waiting[0].waiting.delete(waiting[1])
        on(outcome)
      },
    })
  }

  #begin(use: ClientUse): void {
    this.#counters.requestsOut++
    this.#clients.begin(use)
  }

  #fail(on: (outcome: Outcome) => void, reason: string): void {
    queueMicrotask(() => on({ kind: 'transport-failure', reason }))
  }

  /** 132 bits. */
  #branch(): string {
    return MAGIC_COOKIE + this.#random.token(22)
  }

  #legFor(hop: Hop): Leg | undefined {
    const family = hop.address.includes(':') ? 6 : 4
    const fits = (leg: Leg): boolean =>
      leg.family === family && (hop.listener === undefined || leg.options.name === hop.listener)
    const best = (fit: (leg: Leg) => boolean): Leg | undefined =>
      (hop.side === undefined
        ? undefined
        : this.#legs.find((leg) => leg.options.side === hop.side && fit(leg))) ?? this.#legs.find(fit)
    return (
      best((leg) => fits(leg) && leg.options.transport === hop.transport) ??
      // A connection can be opened without a listener; the response comes back on it.
      (hop.transport === 'tcp' ? best((leg) => fits(leg) && leg.options.transport !== 'tls') : undefined)
    )
  }

  /** The TCP listener of the same side, best at the same port (§18: what listens on UDP listens on TCP too). */
  #tcpLegLike(udp: Leg): Leg {
    const others = this.#legs.filter(
      (leg) =>
        leg.options.transport === 'tcp' && leg.options.side === udp.options.side && leg.family === udp.family,
    )
    return others.find((leg) => leg.port === udp.port) ?? others[0] ?? udp
  }
}
