import { BoundedMap } from '../../kernel/bounded-map.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { isReachable } from '../../net/reachable.ts'
import type { HeaderField } from '../headers.ts'
import type { SipRequest } from '../message.ts'
import { writeRequest } from '../serialize.ts'
import type { ClientTransaction, ClientTransactions, ClientUse, Outcome } from '../transaction/clients.ts'
import { MAGIC_COOKIE } from '../transaction/matching.ts'
import type { Connections } from '../transport/connections.ts'
import type { Leg } from '../transport/leg.ts'
import type { Hop } from '../transport/place.ts'
import { reasonOf } from '../transport/udp.ts'
import { type Carrier, overConnection, overUdp } from './carrier.ts'
import type { Counters } from './counters.ts'
import { type InviteHandlers, OutgoingInvite, type Written } from './outgoing-invite.ts'

export interface SendOptions {
  /**
   * What happens to a request over 1300 bytes for a UDP hop whose host refuses TCP: `true` (the default) sends it over
   * UDP as RFC 3261 §18.1.1 says, `false` fails it, as RFC 3428 §8 wants for MESSAGE.
   */
  readonly backToUdp?: boolean
  /**
   * The request is passed on for another client, whose Vias it carries. `loop` ends our branch, so that a request that
   * comes back unchanged is known (RFC 5393 §4.2).
   */
  readonly forwarded?: { readonly loop: string }
}

/** An INVITE that was sent. */
export interface SentInvite {
  /**
   * Nobody wants the answer any more; may be called at any time, and the first call counts.
   * @param fields for the CANCEL, such as Reason
   * @throws SipWriteError where they would break it
   */
  cancel(fields?: readonly HeaderField[]): void
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
  readonly forwarded: boolean
  readonly done: (outcome: Outcome) => void
  readonly #bytes: Uint8Array
  readonly #leg: Leg
  readonly #hop: Hop
  readonly #counters: Counters

  constructor(
    request: {
      readonly branch: string
      readonly method: string
      readonly bytes: Uint8Array
      readonly forwarded: boolean
    },
    leg: Leg,
    hop: Hop,
    done: (outcome: Outcome) => void,
    counters: Counters,
  ) {
    this.branch = request.branch
    this.method = request.method
    this.forwarded = request.forwarded
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
    const leg = this.#reach(hop)
    const unfit = request.method === 'INVITE' || request.method === 'ACK'
    try {
      if (leg === undefined) this.#fail(on, 'no listener for this hop')
      else if (unfit) this.#fail(on, `no client transaction for ${request.method}`)
      else if (hop.transport === 'tls' && (hop.names ?? []).length === 0)
        this.#fail(on, 'no name that the certificate must prove')
      else if (hop.transport !== 'udp') this.#overConnection(request, hop, leg, on, options)
      else this.#overUdp(request, hop, leg, on, options)
    } catch (error) {
      this.#fail(on, reasonOf(error))
    }
  }

  /** `on` is called later, never before this returns. */
  invite(request: SipRequest, hop: Hop, on: InviteHandlers, options: SendOptions): SentInvite {
    let sent: OutgoingInvite | undefined
    let cancelled = false
    const forwarded = options.forwarded !== undefined
    const deps = { clients: this.#clients, counters: this.#counters }
    const fail = (reason: string): void => this.#fail((outcome) => on.done(outcome), reason)
    const start = (written: Written, handlers: InviteHandlers): void => {
      sent = new OutgoingInvite(request, written, forwarded, deps, handlers)
      sent.start()
    }
    const leg = this.#reach(hop)
    try {
      const written = leg === undefined ? undefined : this.#write(request, hop, leg, options)
      if (leg === undefined) fail('no listener for this hop')
      else if (written === undefined) fail('too many connections')
      else if (hop.transport === 'udp' && written.carrier.reliable) {
        start(written, {
          ...handlersOf(on),
          done: (outcome) => {
            const back = this.#lacksTcp(hop, outcome) && options.backToUdp !== false && !cancelled
            if (!back) return on.done(outcome)
            this.#counters.backToUdp++
            start(this.#writeFor(request, overUdp(leg, hop), this.#branch(options)), on)
          },
        })
      } else if (isLong(written) && options.backToUdp === false && !written.carrier.reliable)
        fail('ECONNREFUSED')
      else start(written, on)
    } catch (error) {
      fail(reasonOf(error))
    }
    return {
      cancel: (fields = []) => {
        sent?.cancelWith(fields)
        cancelled = true
      },
    }
  }

  /**
   * An ACK for a 2xx on its way to whoever said it: no transaction, nobody is told what becomes of it (§16.11).
   * @throws SipWriteError
   */
  ack(request: SipRequest, hop: Hop, options: SendOptions): void {
    const leg = this.#reach(hop)
    const written = leg === undefined ? undefined : this.#write(request, hop, leg, options)
    if (written === undefined) return
    this.#counters.requestsOut++
    written.carrier.send(written.bytes)
  }

  #overUdp(
    request: SipRequest,
    hop: Hop,
    leg: Leg,
    on: (outcome: Outcome) => void,
    options: SendOptions,
  ): void {
    const branch = this.#branch(options)
    const bytes = writeRequest(request, `SIP/2.0/UDP ${leg.sentBy};branch=${branch};rport`)
    if (bytes.length > DATAGRAM_LIMIT) {
      if (this.#mayHaveTcp(hop)) {
        this.#counters.switchedToTcp++
        this.#overConnection(
          request,
          hop,
          this.#tcpLegLike(leg),
          (outcome) => {
            if (this.#lacksTcp(hop, outcome) && options.backToUdp !== false)
              this.send(request, hop, on, options)
            else on(outcome)
          },
          options,
        )
        return
      }
      if (options.backToUdp === false) {
        this.#fail(on, 'ECONNREFUSED')
        return
      }
      this.#counters.backToUdp++
    }
    const forwarded = options.forwarded !== undefined
    this.#begin(
      new OverUdp({ branch, method: request.method, bytes, forwarded }, leg, hop, on, this.#counters),
    )
  }

  #overConnection(
    request: SipRequest,
    hop: Hop,
    leg: Leg,
    on: (outcome: Outcome) => void,
    options: SendOptions,
  ): void {
    const carrier = overConnection(leg, hop, this.#connections)
    if (carrier === undefined) {
      this.#fail(on, 'too many connections')
      return
    }
    const branch = this.#branch(options)
    // Nothing is sent again: whoever waits long for its answer keeps no octets.
    let bytes: Uint8Array | undefined = writeRequest(request, viaOf(carrier, branch))
    let waiting: ClientTransaction | undefined
    this.#begin({
      branch,
      method: request.method,
      sentBy: leg.sentBy,
      reliable: true,
      forwarded: options.forwarded !== undefined,
      send: (transaction) => {
        waiting = transaction
        if (bytes !== undefined) carrier.send(bytes, transaction)
        bytes = undefined
      },
      done: (outcome) => {
        if (waiting !== undefined) carrier.leave(waiting)
        on(outcome)
      },
    })
  }

  #reach(hop: Hop): Leg | undefined {
    return isReachable(hop.address, hop.port) ? this.legFor(hop) : undefined
  }

  /** The request for its way: TCP where it is long, unless the host has none (§18.1.1). Undefined: too many connections. */
  #write(request: SipRequest, hop: Hop, leg: Leg, options: SendOptions): Written | undefined {
    const branch = this.#branch(options)
    if (hop.transport === 'udp') {
      const written = this.#writeFor(request, overUdp(leg, hop), branch)
      if (!isLong(written)) return written
      if (!this.#mayHaveTcp(hop)) {
        if (options.backToUdp !== false) this.#counters.backToUdp++
        return written
      }
      this.#counters.switchedToTcp++
    }
    const from = hop.transport === 'udp' ? this.#tcpLegLike(leg) : leg
    const carrier = overConnection(from, hop, this.#connections)
    return carrier === undefined ? undefined : this.#writeFor(request, carrier, branch)
  }

  #writeFor(request: SipRequest, carrier: Carrier, branch: string): Written {
    const via = viaOf(carrier, branch)
    return { carrier, branch, via, bytes: writeRequest(request, via) }
  }

  #mayHaveTcp({ address, port }: Hop): boolean {
    return this.#withoutTcp.get(`${address} ${port}`, this.#clock.now()) === undefined
  }

  /** True where the outcome says that the host has no TCP, which is remembered. */
  #lacksTcp({ address, port }: Hop, outcome: Outcome): boolean {
    const refused = outcome.kind === 'transport-failure' && NO_TCP.has(outcome.reason)
    if (refused) this.#withoutTcp.set(`${address} ${port}`, true, this.#clock.now())
    return refused
  }

  #begin(use: ClientUse): void {
    this.#counters.requestsOut++
    this.#clients.begin(use)
  }

  #fail(on: (outcome: Outcome) => void, reason: string): void {
    queueMicrotask(() => on({ kind: 'transport-failure', reason }))
  }

  /** 132 bits, and what a request that is passed on is known again by. */
  #branch({ forwarded }: SendOptions): string {
    const branch = MAGIC_COOKIE + this.#random.token(22)
    return forwarded === undefined ? branch : `${branch}.${forwarded.loop}`
  }

  /** The leg that a request to this hop leaves from; undefined: none fits. */
  legFor(hop: Hop): Leg | undefined {
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
      (hop.transport === 'tcp' ? best(fits) : undefined)
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

/** `alias` on TLS: requests of the peer may come over the same connection (RFC 5923 §4). */
const viaOf = ({ transport, leg }: Carrier, branch: string): string =>
  `SIP/2.0/${transport} ${leg.sentBy};branch=${branch};rport${transport === 'TLS' ? ';alias' : ''}`

const isLong = ({ bytes }: Written): boolean => bytes.length > DATAGRAM_LIMIT

const handlersOf = (on: InviteHandlers): Omit<InviteHandlers, 'done'> => ({
  provisional: (response) => on.provisional(response),
  success: (response) => on.success(response),
})
