import type { Socket } from 'node:net'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { ListenerTls } from './place.ts'
import { reasonOf } from './udp.ts'

type Done = (outcome: Result<TLSSocket, string>) => void

interface Handshake {
  readonly socket: Socket
  readonly done: Done
  readonly timer: Timer
  readonly onClose: () => void
  reason: string
}

/** Nothing is to be done: a close follows. */
const ignore = (): void => {}

/** The TLS handshakes of one listener that are under way. */
export class Handshakes {
  readonly tls: ListenerTls
  readonly #timers: Timers
  readonly #within: number
  readonly #server: TlsServer
  /** By the peer's address and port: what connects the socket that came in with the one that Node makes of it. */
  readonly #under = new Map<string, Handshake>()
  #revision: number

  /** @throws where the listener has no certificate */
  constructor(tls: ListenerTls, deps: { timers: Timers; within: number }) {
    this.tls = tls
    this.#timers = deps.timers
    this.#within = deps.within
    this.#revision = tls.credentials.revision
    const shown = tls.credentials.choose(tls.certificates)
    if (shown === undefined) throw new Error('a TLS listener has no certificate')
    this.#server = createServer({
      ...shown.options,
      // Every peer is asked, and judged by us: RFC 5923 §9.2.
      requestCert: true,
      rejectUnauthorized: false,
      SNICallback: (name, done) => done(null, tls.credentials.choose(tls.certificates, name)?.context),
    })
    this.#server.on('secureConnection', (socket) => this.#secure(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      const under = this.#under.get(keyOf(socket))
      if (under !== undefined) under.reason = reasonOf(error)
    })
  }

  /** `done` is called once: with the socket that is secure, or with why there is none; then the old one is closed. */
  begin(socket: Socket, done: Done): void {
    const key = keyOf(socket)
    if (!this.#refresh()) {
      socket.on('error', ignore)
      socket.destroy()
      done(err('no certificate to show'))
      return
    }
    // One that is gone, and whose end has not been told yet.
    this.#abort(key, 'closed during the handshake')
    const onClose = (): void => {
      const under = this.#under.get(key)
      if (under?.socket === socket) this.#abort(key, under.reason)
    }
    const timer = this.#timers.set(this.#within, () => this.#abort(key, 'handshake timeout'))
    this.#under.set(key, { socket, done, timer, onClose, reason: 'closed during the handshake' })
    socket.on('error', ignore)
    socket.on('close', onClose)
    this.#server.emit('connection', socket)
  }

  /** Certificates that were replaced: the server keeps a copy of the one it shows by default. False: there is none. */
  #refresh(): boolean {
    const { credentials, certificates } = this.tls
    if (credentials.revision === this.#revision) return true
    const shown = credentials.choose(certificates)
    if (shown === undefined) return false
    this.#revision = credentials.revision
    this.#server.setSecureContext(shown.options)
    return true
  }

  abortAll(reason: string): void {
    for (const key of [...this.#under.keys()]) this.#abort(key, reason)
  }

  #secure(socket: TLSSocket): void {
    const under = this.#take(keyOf(socket))
    if (under === undefined) {
      socket.destroy()
      return
    }
    under.socket.off('close', under.onClose)
    under.done(ok(socket))
  }

  #abort(key: string, reason: string): void {
    const under = this.#take(key)
    if (under === undefined) return
    under.socket.destroy()
    under.done(err(reason))
  }

  #take(key: string): Handshake | undefined {
    const under = this.#under.get(key)
    this.#under.delete(key)
    under?.timer.cancel()
    return under
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`
