import type { Socket } from 'node:net'
import { Bag } from '../../kernel/bag.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Result } from '../../kernel/result.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import { type Frame, SipFramer } from '../frames.ts'
import type { SipLimits } from '../limits.ts'
import { param } from '../scan.ts'
import type { Via } from '../via.ts'
import type { Leg } from './leg.ts'
import type { Source } from './place.ts'
import { reasonOf } from './udp.ts'

/** Milliseconds and bytes; see `TcpLimits` for the defaults. */
export interface ConnectionLimits {
  readonly message: SipLimits
  /** Bytes that may wait for a slow reader; beyond, `write` says no. */
  readonly output: number
  /** From here on nothing more is read from a peer that does not read. */
  readonly pauseAt: number
  /** Without any traffic for so long, the connection is closed. */
  readonly idle: number
  /** A message that has begun must end within this time. */
  readonly partial: number
  /** Until a connection that we open can be written to, the TLS handshake included. */
  readonly connect: number
  /** Interval of our own keep-alives on connections that we opened (RFC 5626 §4.4.1); 0: none. */
  readonly ping: number
  /** How long the pong may take. */
  readonly pong: number
}

export interface ConnectionEvents {
  frame(connection: Connection, frame: Exclude<Frame, { kind: 'ping' | 'pong' }>): void
  closed(connection: Connection, reason: string): void
  /** What waits for the rest of its message has become so many octets more, or fewer. May close the connection. */
  held(connection: Connection, change: number): void
  /** The peer takes requests over the connection as if at that port of its address (RFC 5923). Once. */
  aliased(connection: Connection, port: number): void
}

/** How a connection of ours comes to be open. */
export interface Opening {
  readonly event: 'connect' | 'secureConnect'
  /** What the peer has proved by then, or why it is closed; nothing is sent before. */
  readonly check?: () => Result<readonly string[], string>
}

/** Someone whose request went over the connection and waits for its response. */
export interface Waiter {
  /** Where it waits in its connection, of which there is one; -1: nowhere. The connection's to change. */
  seat: number
  transportFailed(reason: string): void
}

const CRLF = Buffer.from('\r\n')
const PING = Buffer.from('\r\n\r\n')

/** One TCP or TLS connection, whoever opened it. Writes of one turn of the event loop leave together. */
export class Connection {
  readonly leg: Leg
  readonly outgoing: boolean
  /** TLS: the name of the certificate that we showed. */
  readonly own: string | undefined
  readonly #waiting = new Bag<Waiter>()
  readonly #socket: Socket
  readonly #limits: ConnectionLimits
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #framer: SipFramer
  #source: Source
  /** False: the peer has still to prove who it is. */
  #ready: boolean
  #aliased = false
  #held = 0
  #out: Uint8Array[] = []
  #outBytes = 0
  #open = true
  #lastActivity: number
  #reason = 'closed by the peer'
  #idle: Timer
  #partial: Timer | undefined
  #connecting: Timer | undefined
  #ping: Timer | undefined
  #awaitingPong = false

  constructor(
    socket: Socket,
    leg: Leg,
    source: Source,
    deps: {
      limits: ConnectionLimits
      events: ConnectionEvents
      clock: Clock
      timers: Timers
      /** Undefined: it is open, for the peer has opened it. */
      opening?: Opening | undefined
      own?: string | undefined
    },
  ) {
    const { opening } = deps
    this.leg = leg
    this.outgoing = opening !== undefined
    this.own = deps.own
    this.#source = source
    this.#ready = opening?.check === undefined
    this.#socket = socket
    this.#limits = deps.limits
    this.#events = deps.events
    this.#clock = deps.clock
    this.#timers = deps.timers
    this.#framer = new SipFramer(deps.limits.message)
    this.#lastActivity = deps.clock.now()
    this.#idle = deps.timers.set(deps.limits.idle, this.#onIdle)
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#onData(chunk))
    socket.on('drain', () => {
      if (this.#open) socket.resume()
    })
    socket.on('error', (error) => {
      this.#reason = reasonOf(error)
    })
    socket.on('close', () => this.#closed())
    if (opening !== undefined) {
      this.#connecting = deps.timers.set(deps.limits.connect, () => this.close('connect timeout'))
      socket.once(opening.event, () => this.#opened(opening))
    }
  }

  /** The peer, with what it has proved. One object as long as the connection lives. */
  get source(): Source {
    return this.#source
  }

  /** Octets that wait for the rest of their message. */
  get held(): number {
    return this.#held
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** False where the connection is closed or its reader too slow: nothing was taken. */
  write(bytes: Uint8Array): boolean {
    if (!this.#open) return false
    if (this.#outBytes + this.#socket.writableLength + bytes.length > this.#limits.output) return false
    this.#lastActivity = this.#clock.now()
    if (this.#out.length === 0) setImmediate(this.#flush)
    this.#out.push(bytes)
    this.#outBytes += bytes.length
    return true
  }

  /** The waiter is told of the end of the connection, until it leaves. */
  await(waiter: Waiter): void {
    if (waiter.seat < 0) waiter.seat = this.#waiting.add(waiter)
  }

  /** No matter whether it is still there. */
  leave(waiter: Waiter): void {
    if (waiter.seat < 0) return
    this.#waiting.remove(waiter.seat)
    waiter.seat = -1
  }

  /**
   * A request came over the connection, with that topmost Via. With `alias` there, ours may go back over it, where we know
   * by its certificate who the peer is (RFC 5923 §8.2, §9.2). What a peer says later does not change it.
   */
  alias(via: Via): void {
    if (this.#aliased || this.outgoing || this.#source.identity === undefined || !this.#open) return
    if (via.transport !== 'TLS' || param(via.params, 'alias') === undefined) return
    this.#aliased = true
    this.#events.aliased(this, via.port ?? 5061)
  }

  /** At once; what was written but not yet sent is lost. */
  close(reason: string): void {
    if (!this.#open) return
    this.#reason = reason
    this.#socket.destroy()
    this.#closed()
  }

  /** Sends what was written, then closes; a peer that does not read is cut off by the partial time-out. */
  end(reason: string): void {
    if (!this.#open) return
    if (!this.#ready) {
      this.close(reason)
      return
    }
    this.#flush()
    this.#reason = reason
    this.#socket.end()
    this.#partial?.cancel()
    this.#partial = this.#timers.set(Math.min(this.#limits.partial, 2_000), () => this.close(reason))
  }

  readonly #flush = (): void => {
    const chunks = this.#out
    if (chunks.length === 0 || !this.#ready) return
    const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, this.#outBytes)
    this.#out = []
    this.#outBytes = 0
    if (!this.#open || this.#socket.writableEnded) return
    this.#socket.write(bytes)
    if (this.#socket.writableLength > this.#limits.pauseAt && !this.#socket.connecting) this.#socket.pause()
  }

  #opened({ check }: Opening): void {
    if (!this.#open) return
    const proved = check?.()
    if (proved?.ok === false) {
      this.close(proved.error)
      return
    }
    if (proved !== undefined) this.#source = { ...this.#source, identity: proved.value }
    this.#connecting?.cancel()
    this.#connecting = undefined
    this.#ready = true
    this.#flush()
    this.#schedulePing()
  }

  #onData(chunk: Uint8Array): void {
    if (!this.#open || !this.#ready) return
    this.#lastActivity = this.#clock.now()
    const frames = this.#framer.push(chunk)
    for (const frame of frames) {
      if (!this.#open) return
      if (frame.kind === 'ping' || frame.kind === 'pong') this.#onKeepAlive(frame.kind)
      else this.#events.frame(this, frame)
    }
    this.#hold(this.#framer.buffered)
    // Whatever completes a frame gives the next one its own time; dripping octets do not.
    if (frames.length > 0 || this.#framer.buffered === 0) {
      this.#partial?.cancel()
      this.#partial = undefined
    }
    if (this.#open && this.#framer.buffered > 0)
      this.#partial ??= this.#timers.set(this.#limits.partial, () =>
        this.close('message not completed in time'),
      )
  }

  #hold(octets: number): void {
    const change = octets - this.#held
    this.#held = octets
    if (change !== 0) this.#events.held(this, change)
  }

  readonly #onIdle = (): void => {
    const left = this.#lastActivity + this.#limits.idle - this.#clock.now()
    if (left <= 0) this.close('idle')
    else this.#idle = this.#timers.set(left, this.#onIdle)
  }

  /** Two pongs in a row look like a ping: while one is awaited, any CR LF is the pong. */
  #onKeepAlive(kind: 'ping' | 'pong'): void {
    if (this.#awaitingPong) this.#schedulePing()
    else if (kind === 'ping') this.write(CRLF)
  }

  #schedulePing(): void {
    this.#awaitingPong = false
    if (this.#limits.ping === 0 || !this.#open) return
    this.#ping?.cancel()
    this.#ping = this.#timers.set(this.#limits.ping, () => {
      this.#awaitingPong = this.write(PING)
      this.#ping = this.#timers.set(this.#limits.pong, () => this.close('no pong'))
    })
  }

  #closed(): void {
    if (!this.#open) return
    this.#open = false
    this.#out = []
    this.#outBytes = 0
    this.#hold(0)
    for (const timer of [this.#idle, this.#partial, this.#connecting, this.#ping]) timer?.cancel()
    this.#events.closed(this, this.#reason)
    const waiting = this.#waiting.values()
    for (const waiter of waiting) this.leave(waiter)
    for (const waiter of waiting) waiter.transportFailed(this.#reason)
  }
}
