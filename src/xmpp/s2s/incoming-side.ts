import type { Socket } from 'node:net'
import type { Element } from '../xml/element.ts'
import type { Outward, StreamView } from './channel.ts'
import type { Connections } from './connections.ts'
import type { DomainPair } from './domain-pair.ts'
import { Gate } from './gate.ts'
import { IncomingStream } from './incoming.ts'
import { type BoundListener, Listeners } from './listener.ts'
import type { S2sListener, S2sOptions } from './options.ts'
import { Receiver } from './receiver.ts'
import type { StreamName } from './receiving-state.ts'
import { Seats } from './seats.ts'

export interface IncomingSideDeps {
  readonly options: S2sOptions
  readonly listeners: readonly S2sListener[]
  readonly outward: Outward
  readonly connections: Connections
  /** An error for somebody over there; `pair.sender` is ours. */
  reply(stanza: Element, pair: DomainPair): void
  /** On a stream that is not among ours somebody answered what nobody had asked. */
  unsolicited(via: StreamName): void
}

export interface IncomingStats {
  readonly streams: number
  /** Of those, how many have proved nothing yet. */
  readonly strangers: number
  readonly verifications: number
  /** Connections that a limit kept out or ended. */
  readonly refused: number
}

/** Everything that other servers open to us. */
export class IncomingSide {
  readonly receiver: Receiver
  readonly #deps: IncomingSideDeps
  readonly #listeners: Listeners
  readonly #gate: Gate
  readonly #seats: Seats
  readonly #streams = new Map<string, IncomingStream>()
  #named = 0
  #refused = 0
  #emptied: (() => void) | undefined

  constructor(deps: IncomingSideDeps) {
    const { options, listeners, outward } = deps
    const { limits, clock, timers } = options
    this.#deps = deps
    this.#gate = new Gate(limits, deps.connections, clock)
    this.#seats = new Seats(clock)
    this.receiver = new Receiver({
      outward,
      limits: { verifications: limits.verifications, pairs: limits.pairs },
      clock,
      timers,
      unsolicited: (via) => this.#unsolicited(via),
    })
    this.#listeners = new Listeners(listeners, (socket, listener) => this.#accept(socket, listener))
  }

  get bound(): readonly BoundListener[] {
    return this.#listeners.bound
  }

  /** @throws the system's error where an address cannot be bound */
  open(): Promise<void> {
    return this.#listeners.open()
  }

  /** Nobody comes in any more, and who is in is told to go; resolves when all are gone. */
  async close(): Promise<void> {
    const closed = this.#listeners.close()
    for (const stream of [...this.#streams.values()])
      stream.end({ condition: 'system-shutdown', text: 'this server goes down' })
    await Promise.all([closed, this.#gone()])
    this.receiver.stop()
  }

  /** The rules have changed. */
  recheck(): void {
    for (const stream of [...this.#streams.values()]) stream.recheck()
  }

  pause(): void {
    for (const stream of this.#streams.values()) stream.pause()
  }

  resume(): void {
    for (const stream of this.#streams.values()) stream.resume()
  }

  views(): readonly StreamView[] {
    return [...this.#streams.values()].map((stream) => stream.view())
  }

  stats(): IncomingStats {
    return {
      streams: this.#streams.size,
      strangers: this.#gate.strangers,
      verifications: this.receiver.verifications,
      refused: this.#refused + this.#gate.evicted,
    }
  }

  #accept(socket: Socket, { tls }: S2sListener): void {
    const { remoteAddress: address } = socket
    socket.on('error', () => socket.destroy())
    if (address === undefined) {
      socket.destroy()
      return
    }
    const { options, outward, reply } = this.#deps
    const limit = this.#gate.enter(address)
    if (limit !== undefined) {
      this.#refused++
      socket.destroy()
      this.#guarded(() => options.onEvent({ kind: 'limit', limit, address }))
      return
    }
    const stream = new IncomingStream(socket, tls, `in-${++this.#named}`, {
      options,
      receiver: this.receiver,
      outward,
      seats: this.#seats,
      reply,
      known: (each) => this.#gate.known(each),
      gone: (each) => {
        this.#gate.leave(each)
        this.#streams.delete(each.name)
        if (this.#streams.size === 0) this.#emptied?.()
      },
    })
    this.#streams.set(stream.name, stream)
    this.#gate.greet(stream)
    stream.start()
  }

  #unsolicited(via: StreamName): void {
    const stream = this.#streams.get(via)
    if (stream === undefined) this.#deps.unsolicited(via)
    else stream.suspect('unsolicited-dialback')
  }

  async #gone(): Promise<void> {
    if (this.#streams.size === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
  }

  #guarded(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#deps.options.onFault(error)
    }
  }
}
