import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import { DEFAULT_LIMITS } from '../limits.ts'
import { Connection, type ConnectionEvents, type ConnectionLimits } from './connection.ts'
import type { Leg } from './leg.ts'
import { isWildcard, type ListenerOptions } from './place.ts'

export interface TcpLimits extends ConnectionLimits {
  /** Open connections of all listeners; as many incoming as outgoing, so that who comes in cannot keep us from going out. */
  readonly connections: number
  /** Octets of unfinished messages, of all connections that came in together; beyond, the longest is cut off. */
  readonly buffered: number
}

export const DEFAULT_TCP: TcpLimits = {
  message: DEFAULT_LIMITS,
  output: 4 * 1024 * 1024,
  pauseAt: 256 * 1024,
  idle: 600_000,
  partial: 30_000,
  connect: 10_000,
  ping: 0,
  pong: 10_000,
  connections: 1000,
  buffered: 64 * 1024 * 1024,
}

/** @throws the system's error where the address cannot be bound */
export async function openTcp(
  options: ListenerOptions,
  accept: (socket: Socket) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ pauseOnConnect: false }, accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(
      { port: options.port, host: options.address, ipv6Only: options.address.includes(':') },
      () => {
        server.off('error', reject)
        resolve()
      },
    )
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string')
    throw new Error(`listener ${options.name} is not on a port`)
  return { server, port: bound.port }
}

/** What is told beyond single frames. */
export interface TcpEvents extends Omit<ConnectionEvents, 'held'> {
  /** A connection was turned away, or not opened. */
  tooMany(): void
  /** Connections hold too much that is unfinished: one was cut off. */
  tooLong(): void
}

/** All connections, found by listener and peer, in both directions (RFC 3261 §18). */
export class Connections {
  readonly #limits: TcpLimits
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #open = new Map<string, Connection>()
  /** Those of them that we opened. */
  readonly #outgoing = new Set<Connection>()
  readonly #tooMany: () => void
  readonly #tooLong: () => void
  /** Octets that wait in connections that came in. */
  #held = 0
  #emptied: (() => void) | undefined
  /** Connections turned away because there were too many. */
  refused = 0
  /** Connections cut off because unfinished messages were too long together. */
  cut = 0

  constructor(deps: {
    limits: TcpLimits
    events: TcpEvents
    clock: Clock
    timers: Timers
  }) {
    this.#limits = deps.limits
    this.#clock = deps.clock
    this.#timers = deps.timers
    this.#tooMany = deps.events.tooMany
    this.#tooLong = deps.events.tooLong
    this.#events = {
      frame: deps.events.frame,
      held: (connection, change) => this.#hold(connection, change),
      closed: (connection, reason) => {
        const key = keyOf(connection.leg, connection.source.address, connection.source.port)
        if (this.#open.get(key) === connection) this.#open.delete(key)
        this.#outgoing.delete(connection)
        if (this.#open.size === 0) this.#emptied?.()
        deps.events.closed(connection, reason)
      },
    }
  }

  get size(): number {
    return this.#open.size
  }

  /** A peer has connected. */
  accept(socket: Socket, leg: Leg): void {
    const { remoteAddress, remotePort } = socket
    if (
      remoteAddress === undefined ||
      remotePort === undefined ||
      this.#open.size - this.#outgoing.size >= this.#limits.connections
    ) {
      if (remoteAddress !== undefined) this.#refuse()
      socket.on('error', () => socket.destroy())
      socket.destroy()
      return
    }
    this.#add(socket, leg, remoteAddress, remotePort, false)
  }

  /** The connection to that peer, opened if there is none; undefined where there are too many. */
  to(leg: Leg, address: string, port: number): Connection | undefined {
    const known = this.#open.get(keyOf(leg, address, port))
    if (known?.isOpen) return known
    if (this.#outgoing.size >= this.#limits.connections) {
      this.#refuse()
      return undefined
    }
    const from = isWildcard(leg.options.address) ? {} : { localAddress: leg.options.address }
    return this.#add(connect({ host: address, port, ...from }), leg, address, port, true)
  }

  #hold(connection: Connection, change: number): void {
    if (this.#outgoing.has(connection)) return
    this.#held += change
    if (change <= 0 || this.#held <= this.#limits.buffered) return
    let longest = connection
    for (const each of this.#open.values())
      if (!this.#outgoing.has(each) && each.held > longest.held) longest = each
    this.cut++
    this.#tooLong()
    longest.close('too much waits to be completed')
  }

  #refuse(): void {
    this.refused++
    this.#tooMany()
  }

  closeAll(reason: string): void {
    for (const connection of [...this.#open.values()]) connection.close(reason)
  }

  endAll(reason: string): void {
    for (const connection of [...this.#open.values()]) connection.end(reason)
  }

  /** Resolves when the last connection is closed, or after `within` milliseconds. */
  async gone(within: number): Promise<void> {
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      const limit = this.#timers.set(within, resolve)
      this.#emptied = () => {
        limit.cancel()
        resolve()
      }
    })
  }

  #add(socket: Socket, leg: Leg, address: string, port: number, outgoing: boolean): Connection {
    const { name, side } = leg.options
    const source = { transport: 'tcp', address, port, listener: name, side } as const
    const connection = new Connection(socket, leg, source, {
      limits: this.#limits,
      events: this.#events,
      clock: this.#clock,
      timers: this.#timers,
      outgoing,
    })
    this.#open.set(keyOf(leg, address, port), connection)
    if (outgoing) this.#outgoing.add(connection)
    return connection
  }
}

/** Connections of different listeners are never mixed: a listener stands for a side. */
const keyOf = (leg: Leg, address: string, port: number): string =>
  `${leg.options.name} ${address.toLowerCase()} ${port}`
