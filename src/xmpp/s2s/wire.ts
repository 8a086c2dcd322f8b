import type { Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import type { Clock } from '../../kernel/clock.ts'
import { err, type Result } from '../../kernel/result.ts'
import type { ChainFault } from '../../net/tls/chain.ts'
import { bareContext, type Credentials } from '../../net/tls/credentials.ts'
import { type ValidatedPeer, validatedPeer } from '../../net/tls/peer.ts'
import type { Element } from '../xml/element.ts'
import type { XmlLimits } from '../xml/limits.ts'
import { type BadStanza, type StreamHeader, StreamReader } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import type { Greeting } from './place.ts'

/** What a TLS handshake came to. */
export interface Secured {
  /** `TLSv1.3`. */
  readonly protocol: string
  readonly cipher: string
  /** What the peer's certificate proves by a chain that we trust, or why it proves nothing. */
  readonly names: Result<ValidatedPeer, ChainFault>
}

export interface WireEvents {
  header(header: StreamHeader): void
  element(element: Element): void
  badStanza(stanza: BadStanza): void
  /** The peer's closing tag. */
  ended(): void
  /** What came is not XMPP; nothing more is read. */
  unreadable(error: StreamError): void
  secured(secured: Secured): void
  /** What was written in this turn is about to leave; what this returns goes behind it, whatever waits already. */
  leaving?(): string
  /** Once, whatever the reason; nothing follows. */
  closed(reason: string): void
}

export interface WireOptions {
  readonly events: WireEvents
  readonly xml: XmlLimits
  /** Octets that may wait for a slow reader; `write` says no beyond. */
  readonly outgoingBytes: number
  readonly credentials: Credentials
  readonly clock: Clock
}

/** How TLS begins: what the client says of whom it wants; what the server shows to those that say nothing. */
export type TlsRole =
  | { readonly kind: 'client'; readonly greeting: Greeting; readonly as: string }
  | { readonly kind: 'server'; readonly as: string | undefined; readonly direct: boolean }

export interface WireStats {
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Milliseconds for what was written last to leave before a connection is cut. */
const LINGER = 2_000
const ALPN = ['xmpp-server']

/** Why a peer is cut off that sent more behind the element with which TLS begins. */
export const OCTETS_BEFORE_TLS = 'octets in clear behind the start of TLS'

/**
 * One connection between servers, whoever opened it, with an XML stream on it that can begin anew: after TLS, after SASL.
 * What is written within one turn of the event loop leaves in one piece. Nothing a peer does makes it throw.
 */
export class Wire {
  readonly #options: WireOptions
  #socket: Socket
  #reader: StreamReader
  #open = true
  #ending = false
  #reason: string | undefined
  #out = ''
  #flushing = false
  #bytesIn = 0
  #bytesOut = 0
  #lastRead: number
  #secured: Secured | undefined
  /** Between asking for TLS and having it: nothing is read, nothing is written. */
  #shaking = false

  /** @param socket connected, or connecting */
  constructor(socket: Socket, options: WireOptions) {
    this.#options = options
    this.#socket = socket
    this.#reader = this.#newReader()
    this.#lastRead = options.clock.now()
    socket.setNoDelay(true)
    socket.on('data', this.#read)
    socket.on('error', this.#failed)
    socket.on('close', this.#closed)
  }

  get open(): boolean {
    return this.#open && !this.#ending
  }

  get secured(): Secured | undefined {
    return this.#secured
  }

  /** A certificate that was believed is past its time, or one that it rests on (RFC 6120 §13.7.2.3). */
  get expired(): boolean {
    const names = this.#secured?.names
    return names?.ok === true && this.#options.clock.wall() > names.value.until
  }

  /** The clock's time when something was read last. */
  get lastRead(): number {
    return this.#lastRead
  }

  stats(): WireStats {
    return { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut }
  }

  /** False: the stream is ending, or its reader too slow; nothing was taken. */
  write(text: string): boolean {
    if (!this.open || this.#out.length + this.#socket.writableLength > this.#options.outgoingBytes)
      return false
    this.#out += text
    if (!this.#flushing) {
      this.#flushing = true
      setImmediate(this.#turn)
    }
    return true
  }

  /** From now on the peer's next stream is read: after SASL (RFC 6120 §6.4.6). */
  restart(): void {
    this.#reader.stop()
    this.#reader = this.#newReader()
  }

  /**
   * TLS begins, and with it a new stream. What the peer sent in clear behind the element in hand is not read: it would
   * count as said under TLS (CVE-2011-0411). Such a peer is cut off.
   */
  startTls(role: TlsRole): void {
    if (!this.#open) return
    if (this.#reader.stop()) {
      this.destroy(OCTETS_BEFORE_TLS)
      return
    }
    this.#flush()
    this.#shaking = true
    const plain = this.#socket
    plain.removeListener('data', this.#read)
    const { socket, event } = secure(plain, role, this.#options.credentials)
    this.#socket = socket
    socket.on('error', this.#failed)
    socket.on('close', this.#closed)
    socket.once(event, () => this.#shaken(socket, role))
  }

  /** Nothing is read until `resume`, and the peer feels it. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Sends what was written and this, reads until the peer's end, and cuts the connection if that takes too long. */
  end(last: string, reason: string): void {
    if (!this.open) return
    this.#reason ??= reason
    this.#out += last
    this.#flush()
    this.#ending = true
    this.#socket.end()
    // Of the process's own, not of the wheel: at the end nobody turns that any more.
    const limit = setTimeout(() => this.#socket.destroy(), LINGER)
    this.#socket.once('close', () => clearTimeout(limit))
  }

  /** At once. */
  destroy(reason: string): void {
    if (!this.#open) return
    this.#reason ??= reason
    this.#reader.stop()
    this.#socket.destroy()
    this.#closed()
  }

  readonly #read = (chunk: Buffer): void => {
    this.#bytesIn += chunk.length
    this.#lastRead = this.#options.clock.now()
    this.#reader.write(chunk)
  }

  #shaken(socket: TLSSocket, { kind }: TlsRole): void {
    if (!this.#open) return
    const { credentials, clock, events } = this.#options
    const names = peerNames(socket, kind === 'client' ? 'server' : 'client', credentials, clock)
    this.#secured = {
      protocol: socket.getProtocol() ?? 'TLS',
      cipher: socket.getCipher().name,
      names,
    }
    this.#shaking = false
    this.#reader = this.#newReader()
    socket.on('data', this.#read)
    events.secured(this.#secured)
  }

  #newReader(): StreamReader {
    const { events, xml } = this.#options
    return new StreamReader(
      {
        header: (header) => events.header(header),
        element: (element) => events.element(element),
        badStanza: (stanza) => events.badStanza(stanza),
        end: () => events.ended(),
        error: (error) => events.unreadable(error),
      },
      xml,
    )
  }

  readonly #turn = (): void => {
    // First: whoever is told there that a stanza has left may write the next one.
    const behind = this.open ? (this.#options.events.leaving?.() ?? '') : ''
    this.#flushing = false
    this.#out += behind
    this.#flush()
  }

  #flush(): void {
    if (this.#out === '' || !this.open || this.#shaking) return
    const text = this.#out
    this.#out = ''
    this.#bytesOut += Buffer.byteLength(text)
    this.#socket.write(text)
  }

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    this.#reason ??= this.#shaking ? `TLS: ${error.code ?? error.message}` : (error.code ?? error.message)
    this.#socket.destroy()
  }

  readonly #closed = (): void => {
    if (!this.#open) return
    this.#open = false
    this.#out = ''
    this.#reader.stop()
    this.#options.events.closed(this.#reason ?? 'closed by the peer')
  }
}

function secure(
  plain: Socket,
  role: TlsRole,
  credentials: Credentials,
): { readonly socket: TLSSocket; readonly event: 'secure' | 'secureConnect' } {
  if (role.kind === 'client') {
    const { servername, ALPNProtocols } = role.greeting
    const socket = connect({
      socket: plain,
      servername,
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] }),
      secureContext: (credentials.choose(undefined, role.as) ?? { context: bareContext() }).context,
      rejectUnauthorized: false,
      // Judged by us: not Node's comparison, which knows neither XmppAddr nor SRV-ID.
      checkServerIdentity: () => undefined,
    })
    return { socket, event: 'secureConnect' }
  }
  const socket = new TLSSocket(plain, {
    isServer: true,
    secureContext: (credentials.choose(undefined, role.as) ?? { context: bareContext() }).context,
    // A name that we have nothing for (some ask for the host, not the domain) changes nothing: the stream's `to` counts.
    SNICallback: (name, done) => done(null, credentials.find(name)?.context),
    requestCert: true,
    rejectUnauthorized: false,
    ...(role.direct ? { ALPNProtocols: ALPN } : {}),
  })
  return { socket, event: 'secure' }
}

function peerNames(
  socket: TLSSocket,
  role: 'server' | 'client',
  { trust }: Credentials,
  clock: Clock,
): Secured['names'] {
  try {
    return validatedPeer(socket, { trust, now: clock.wall(), purpose: { role } })
  } catch {
    return err({ reason: 'unreadable', subject: undefined })
  }
}
