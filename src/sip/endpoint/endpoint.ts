import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Random, systemRandom } from '../../kernel/random.ts'
import { type Timers, TimerWheel } from '../../kernel/timer-wheel.ts'
import type { SipRequest } from '../message.ts'
import { ClientTransactions, type Outcome } from '../transaction/clients.ts'
import { DEFAULT_TIMERS, type TimerValues } from '../transaction/timers.ts'
import type { Hop, ListenerOptions, Side, Source, Transport } from '../transport/place.ts'
import { DEFAULT_TCP, type TcpLimits } from '../transport/tcp.ts'
import { type Counters, type EndpointEvent, newCounters } from './counters.ts'
import { openTransports } from './listen.ts'
import type { InviteHandlers } from './outgoing-invite.ts'
import { Receiver } from './receiver.ts'
import { type SendOptions, type SentInvite, Uac } from './uac.ts'
import { MESSAGE_SUPPORT, type UasSupport } from './uas.ts'
import { type IncomingRequest, type Role, UasCore } from './uas-core.ts'

export type { Outcome } from '../transaction/clients.ts'
export type { TimerValues } from '../transaction/timers.ts'
export type { Hop, ListenerOptions, Side, Source, Transport } from '../transport/place.ts'
export type { Counters, EndpointEvent } from './counters.ts'
export type { InviteHandlers } from './outgoing-invite.ts'
export type { RespondOptions } from './recipe.ts'
export type { SendOptions, SentInvite } from './uac.ts'
export type { UasSupport } from './uas.ts'
export type { IncomingRequest, Role } from './uas-core.ts'

export interface EndpointLimits extends TcpLimits {
  /** Client and server transactions together, the completed ones included (1,000,000). */
  readonly transactions: number
  /** Kernel buffers of a UDP socket in bytes (4 MiB; the system may give less). */
  readonly receiveBuffer: number
  readonly sendBuffer: number
  /** Bytes that may wait for the kernel on a UDP socket (8 MiB). */
  readonly datagramQueue: number
  /** Seconds in the Retry-After of a 503 (5). */
  readonly retryAfter: number
}

export const DEFAULT_ENDPOINT_LIMITS: EndpointLimits = {
  ...DEFAULT_TCP,
  transactions: 1_000_000,
  receiveBuffer: 4 * 1024 * 1024,
  sendBuffer: 4 * 1024 * 1024,
  datagramQueue: 8 * 1024 * 1024,
  retryAfter: 5,
}

export interface EndpointOptions {
  readonly listeners: readonly ListenerOptions[]
  /** A request that RFC 3261 §8.2 found nothing wrong with, exactly once. May throw: the sender gets 500. */
  readonly onRequest: (incoming: IncomingRequest) => void
  /** An ACK for a 2xx that is to be passed on. */
  readonly onAck?: (request: SipRequest, source: Source) => void
  /** What we are to a request (default: its server). */
  readonly roleOf?: (request: SipRequest, source: Source) => Role
  readonly onEvent?: (event: EndpointEvent) => void
  /** A peer came in over TLS: false turns it away; otherwise `onDisconnected` follows, with the same object. */
  readonly onConnected?: (source: Source) => boolean
  readonly onDisconnected?: (source: Source) => void
  readonly supports?: UasSupport
  readonly limits?: Partial<EndpointLimits>
  readonly timerValues?: Partial<TimerValues>
  readonly clock?: Clock
  readonly timers?: Timers
  readonly random?: Random
}

export interface BoundListener {
  readonly name: string
  readonly transport: Transport
  readonly address: string
  readonly port: number
  readonly side: Side
  /** `host:port` as in our Via and Record-Route. */
  readonly sentBy: string
}

export interface EndpointStats extends Counters {
  readonly clientTransactions: number
  readonly serverTransactions: number
  /** Transactions that only wait for what may come again, or for an ACK (Timers D, H to M). */
  readonly completedTransactions: number
  readonly connections: number
  readonly connectionsRefused: number
  /** Cut off because unfinished messages were too long together. */
  readonly connectionsCut: number
  /** TLS: handshakes of peers that failed, and certificates that were not believed. */
  readonly peersUnproved: number
}

export interface Endpoint {
  readonly listeners: readonly BoundListener[]
  /** The one that a request to this hop leaves from; undefined: none fits. */
  listenerFor(hop: Hop): BoundListener | undefined
  /** The request comes without our Via. `on` gets the final outcome exactly once, never before `send` returns. */
  send(request: SipRequest, hop: Hop, on: (outcome: Outcome) => void, options?: SendOptions): void
  /**
   * INVITE, which has a transaction of its own kind. A handler is never called before `invite` returns. Once there was
   * a provisional response nothing limits how long the final one takes: whoever sends it cancels it (Timer C, §16.8).
   */
  invite(request: SipRequest, hop: Hop, on: InviteHandlers, options?: SendOptions): SentInvite
  /** An ACK for a 2xx, on its way to whoever said it; nobody is told where it does not get there. */
  ack(request: SipRequest, hop: Hop, options?: SendOptions): void
  stats(): EndpointStats
  /** Takes nothing new (503) and resolves when all is answered, or after `within` milliseconds with false. */
  drain(within: number): Promise<boolean>
  /** Ends what is under way with `transport-failure`, closes every socket. May be called again. */
  close(): Promise<void>
}

/** @throws the system's error where a listener cannot be bound; none stays open then */
export async function createEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const limits: EndpointLimits = { ...DEFAULT_ENDPOINT_LIMITS, ...options.limits }
  const values: TimerValues = { ...DEFAULT_TIMERS, ...options.timerValues }
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const onEvent = options.onEvent ?? (() => {})
  const counters = newCounters()
  const fault = (error: unknown): string => {
    const id = random.token(8)
    counters.faults++
    onEvent({ kind: 'fault', id, error })
    return id
  }
  const guarded = <T>(ask: () => T): T | undefined => {
    try {
      return ask()
    } catch (error) {
      fault(error)
      return undefined
    }
  }
  const timers = options.timers ?? new TimerWheel({ clock, onError: fault })
  const clients = new ClientTransactions({ clock, timers, values, random })

  let receiver: Receiver | undefined
  const transports = await openTransports(
    options.listeners,
    limits,
    { clock, timers },
    {
      datagram: (leg, bytes, address, port) => receiver?.datagram(leg, bytes, address, port),
      frame: (connection, frame) => receiver?.frame(connection, frame),
      closed(connection, reason) {
        const { listener, address, port } = connection.source
        onEvent({ kind: 'connection-closed', listener, address, port, reason })
      },
      broken: (listener, reason) => onEvent({ kind: 'listener-broken', listener, reason }),
      tooMany: (what) => onEvent({ kind: 'overloaded', what }),
      tooLong: () => onEvent({ kind: 'overloaded', what: 'buffered' }),
      admitted: (source) => guarded(() => options.onConnected?.(source) ?? true) ?? false,
      departed: (source) => void guarded(() => options.onDisconnected?.(source)),
      unproved: ({ options: { name } }, address, port, reason) =>
        onEvent({ kind: 'peer-unproved', listener: name, address, port, reason }),
    },
  )
  const { legs, connections } = transports
  const full = (): boolean => clients.active + clients.invites.size + core.size >= limits.transactions
  const core: UasCore = new UasCore({
    connections,
    clock,
    timers,
    values,
    random,
    counters,
    onEvent,
    onRequest: options.onRequest,
    onAck: options.onAck ?? (() => {}),
    roleOf: options.roleOf ?? (() => 'server'),
    supports: options.supports ?? MESSAGE_SUPPORT,
    fault,
    full,
    retryAfter: limits.retryAfter,
  })
  receiver = new Receiver({ core, clients, counters, onEvent, limits: limits.message, fault })
  const uac = new Uac({ legs, clients, connections, random, clock, counters })
  const listeners = legs.map(({ options: { name, transport, address, side }, port, sentBy }) => ({
    name,
    transport,
    address,
    port,
    side,
    sentBy,
  }))
  let closing: Promise<void> | undefined
  let stopped = false
  const counting =
    (on: (outcome: Outcome) => void) =>
    (outcome: Outcome): void => {
      if (outcome.kind === 'timeout') counters.timeouts++
      else if (outcome.kind === 'transport-failure') counters.transportFailures++
      guarded(() => on(outcome))
    }
  const refusal = (): string | undefined =>
    stopped ? 'closing' : full() ? 'too many transactions' : undefined

  return {
    listeners,
    listenerFor(hop) {
      const leg = uac.legFor(hop)
      return leg === undefined ? undefined : listeners[legs.indexOf(leg)]
    },
    send(request, hop, on, sendOptions = {}) {
      const done = counting(on)
      const reason = refusal()
      if (reason === undefined) uac.send(request, hop, done, sendOptions)
      else queueMicrotask(() => done({ kind: 'transport-failure', reason }))
    },
    invite(request, hop, on, sendOptions = {}) {
      const handlers: InviteHandlers = {
        provisional: (response) => guarded(() => on.provisional(response)),
        success: (response) => guarded(() => on.success(response)),
        done: counting((outcome) => on.done(outcome)),
      }
      const reason = refusal()
      if (reason === undefined) return uac.invite(request, hop, handlers, sendOptions)
      queueMicrotask(() => handlers.done({ kind: 'transport-failure', reason }))
      return { cancel: () => {} }
    },
    ack(request, hop, sendOptions = {}) {
      if (!stopped) guarded(() => uac.ack(request, hop, sendOptions))
    },
    stats: () => ({
      ...counters,
      clientTransactions: clients.active + clients.invites.open,
      serverTransactions: core.active,
      completedTransactions:
        core.size - core.active + clients.completed + clients.invites.size - clients.invites.open,
      connections: connections.size,
      connectionsRefused: connections.refused,
      connectionsCut: connections.cut,
      peersUnproved: connections.unproved,
    }),
    drain(within) {
      core.stop()
      const until = clock.now() + within
      return new Promise((resolve) => {
        const look = (): void => {
          const idle = clients.active === 0 && clients.invites.open === 0 && core.active === 0
          if (idle || clock.now() >= until) resolve(idle)
          else timers.set(20, look)
        }
        look()
      })
    },
    close() {
      closing ??= (async () => {
        core.stop()
        stopped = true
        clients.clear('closing')
        core.clear()
        await transports.close()
      })()
      return closing
    },
  }
}
