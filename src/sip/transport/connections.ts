import { connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../kernel/clock.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import { Admission } from '../../net/admission.ts'
import { Aliases } from './aliases.ts'
import { Connection, type ConnectionEvents, type Opening } from './connection.ts'
import { Handshakes } from './handshakes.ts'
import type { Leg } from './leg.ts'
import { isWildcard, type ListenerTls, type Source } from './place.ts'
import type { TcpLimits } from './tcp.ts'
import { dial, provedBy, provedServer, type TlsTarget, textOfFault } from './tls.ts'

/** Which limit turned a connection away: of all, of one address, or of the handshakes under way. */
export type Turned = 'connections' | 'connections-of-address' | 'handshakes'

/** What is told beyond single frames. */
export interface ConnectionsEvents extends Omit<ConnectionEvents, 'held' | 'aliased'> {
  /** A connection was turned away, or not opened. */
  tooMany(what: Turned): void
  /** Connections hold too much that is unfinished: one was cut off. */
  tooLong(): void
  /** A peer came in over TLS: false turns it away; otherwise `departed` is due, with the same object. */
  admitted(source: Source): boolean
  departed(source: Source): void
  /** Its handshake failed, or its certificate is not believed. */
  unproved(leg: Leg, address: string, port: number, reason: string): void
}

/** All connections, found by listener and peer, in both directions (RFC 3261 §18). */
export class Connections {
  readonly #limits: TcpLimits
  readonly #told: ConnectionsEvents
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly #timers: Timers
  /** With the key that `to` finds it by; without one, only responses and aliases lead over it. */
  readonly #open = new Map<Connection, string | undefined>()
  readonly #byKey = new Map<string, Connection>()
  readonly #aliases = new Aliases()
  /** With the place that the peer takes requests at. */
  readonly #aliased = new Map<Connection, string>()
  readonly #incoming: Admission
  readonly #shaking: Admission
  readonly #handshakes = new Map<Leg, Handshakes>()
  /** Octets that wait in connections that came in. */
  #held = 0
  #emptied: (() => void) | undefined
  /** Connections turned away because there were too many. */
  refused = 0
  /** Connections cut off because unfinished messages were too long together. */
  cut = 0
  /** TLS: handshakes of peers that failed, and certificates that were not believed. */
  unproved = 0

  constructor(deps: { limits: TcpLimits; events: ConnectionsEvents; clock: Clock; timers: Timers }) {
    const { limits } = deps
    this.#limits = limits
    this.#clock = deps.clock
    this.#timers = deps.timers
    this.#told = deps.events
    this.#incoming = new Admission({ total: limits.connections, perAddress: limits.connectionsPerAddress })
    this.#shaking = new Admission({ total: limits.handshakes, perAddress: limits.handshakesPerAddress })
    this.#events = {
      frame: deps.events.frame,
      held: (connection, change) => this.#hold(connection, change),
      aliased: (connection, port) => {
        const place = placeOf(connection.leg, connection.source.address, port)
        this.#aliased.set(connection, place)
        this.#aliases.add(place, connection)
      },
      closed: (connection, reason) => this.#closed(connection, reason),
    }
  }

  get size(): number {
    return this.#open.size
  }

  /** Makes a TLS listener ready for `accept`. @throws where it has no certificate */
  secure(leg: Leg): void {
    const { tls, name } = leg.options
    if (tls === undefined) throw new Error(`listener ${name} has no certificate`)
    this.#handshakes.set(leg, new Handshakes(tls, { timers: this.#timers, within: this.#limits.handshake }))
  }

  /** A peer has connected. */
  accept(socket: Socket, leg: Leg): void {
    const { remoteAddress: address, remotePort: port } = socket
    if (address === undefined || port === undefined) {
      turnAway(socket)
      return
    }
    const full = this.#incoming.enter(address)
    if (full !== undefined) {
      this.#refuse(full === 'total' ? 'connections' : 'connections-of-address')
      turnAway(socket)
      return
    }
    const handshakes = this.#handshakes.get(leg)
    if (handshakes === undefined)
      this.#add(socket, leg, sourceOf(leg, address, port), { key: placeOf(leg, address, port) })
    else this.#shakeHands(handshakes, socket, leg, address, port)
  }

  /**
   * The connection to that peer, opened if there is none; undefined where there are too many, or where over TLS nobody
   * knows whom the certificate must name.
   */
  to(leg: Leg, address: string, port: number, target: TlsTarget = {}): Connection | undefined {
    const place = placeOf(leg, address, port)
    const { tls } = leg.options
    const { names = [] } = target
    const shown = tls?.credentials.choose(tls.certificates, target.as)
    const [servername] = names
    if (tls !== undefined && (shown === undefined || servername === undefined)) return undefined
    const key = shown === undefined ? place : `${place} ${shown.name} ${names.join(' ')}`
    const known = this.#byKey.get(key)
    if (known?.isOpen) return known
    const alias = shown === undefined ? undefined : this.#aliases.find(place, names, shown.name)
    if (alias !== undefined) return alias
    if (this.#open.size - this.#incoming.size + this.#shaking.size >= this.#limits.connections) {
      this.#refuse('connections')
      return undefined
    }
    const from = isWildcard(leg.options.address) ? {} : { localAddress: leg.options.address }
    const there = { host: address, port, ...from }
    const source = sourceOf(leg, address, port)
    if (tls === undefined || shown === undefined || servername === undefined)
      return this.#add(connect(there), leg, source, { key, opening: { event: 'connect' } })
    const socket = dial(there, shown, servername)
    const check = () => provedServer(socket, tls, names, this.#clock.wall())
    return this.#add(socket, leg, source, {
      key,
      own: shown.name,
      opening: { event: 'secureConnect', check },
    })
  }

  closeAll(reason: string): void {
    for (const handshakes of this.#handshakes.values()) handshakes.abortAll(reason)
    for (const connection of [...this.#open.keys()]) connection.close(reason)
  }

  endAll(reason: string): void {
    for (const handshakes of this.#handshakes.values()) handshakes.abortAll(reason)
    for (const connection of [...this.#open.keys()]) connection.end(reason)
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

  #shakeHands(handshakes: Handshakes, socket: Socket, leg: Leg, address: string, port: number): void {
    const full = this.#shaking.enter(address)
    if (full !== undefined) {
      this.#incoming.leave(address)
      this.#refuse('handshakes')
      turnAway(socket)
      return
    }
    handshakes.begin(socket, (outcome) => {
      this.#shaking.leave(address)
      if (outcome.ok && this.#greet(outcome.value, handshakes.tls, leg, address, port)) return
      this.#incoming.leave(address)
      if (!outcome.ok) this.#unproved(leg, address, port, outcome.error)
    })
  }

  /** A peer has shaken hands: who is it, and may it stay? */
  #greet(socket: TLSSocket, tls: ListenerTls, leg: Leg, address: string, port: number): boolean {
    const proved = provedBy(socket, tls, 'client', this.#clock.wall())
    const source: Source = {
      ...sourceOf(leg, address, port),
      ...(proved.ok ? { identity: proved.value } : {}),
    }
    const mayStay = proved.ok || tls.demand !== true
    if (!proved.ok && !(mayStay && proved.error.reason === 'no-certificate'))
      this.#unproved(leg, address, port, textOfFault(proved.error))
    if (!mayStay || !this.#told.admitted(source)) {
      if (mayStay) this.refused++
      turnAway(socket)
      return false
    }
    const asked = typeof socket.servername === 'string' ? socket.servername : undefined
    this.#add(socket, leg, source, { own: tls.credentials.choose(tls.certificates, asked)?.name })
    return true
  }

  #add(
    socket: Socket,
    leg: Leg,
    source: Source,
    way: { readonly key?: string; readonly own?: string | undefined; readonly opening?: Opening },
  ): Connection {
    const connection = new Connection(socket, leg, source, {
      limits: this.#limits,
      events: this.#events,
      clock: this.#clock,
      timers: this.#timers,
      ...way,
    })
    this.#open.set(connection, way.key)
    if (way.key !== undefined) this.#byKey.set(way.key, connection)
    return connection
  }

  #closed(connection: Connection, reason: string): void {
    const key = this.#open.get(connection)
    this.#open.delete(connection)
    if (key !== undefined && this.#byKey.get(key) === connection) this.#byKey.delete(key)
    const place = this.#aliased.get(connection)
    this.#aliased.delete(connection)
    if (place !== undefined) this.#aliases.remove(place, connection)
    const { source } = connection
    if (!connection.outgoing) {
      this.#incoming.leave(source.address)
      if (source.transport === 'tls') this.#told.departed(source)
    }
    if (this.#open.size === 0) this.#emptied?.()
    this.#told.closed(connection, reason)
  }

  #hold(connection: Connection, change: number): void {
    if (connection.outgoing) return
    this.#held += change
    if (change <= 0 || this.#held <= this.#limits.buffered) return
    let longest = connection
    for (const each of this.#open.keys()) if (!each.outgoing && each.held > longest.held) longest = each
    this.cut++
    this.#told.tooLong()
    longest.close('too much waits to be completed')
  }

  #refuse(what: Turned): void {
    this.refused++
    this.#told.tooMany(what)
  }

  #unproved(leg: Leg, address: string, port: number, reason: string): void {
    this.unproved++
    this.#told.unproved(leg, address, port, reason)
  }
}

function turnAway(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.destroy()
}

function sourceOf(leg: Leg, address: string, port: number): Source {
  const { name, side, transport } = leg.options
  return { transport: transport === 'tls' ? 'tls' : 'tcp', address, port, listener: name, side }
}

/** Connections of different listeners are never mixed: a listener stands for a side. */
const placeOf = (leg: Leg, address: string, port: number): string =>
  `${leg.options.name} ${address.toLowerCase()} ${port}`
