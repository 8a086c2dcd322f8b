import type { Timer } from '../../kernel/timer-wheel.ts'
import { isStanzaName } from '../stanza.ts'
import { stanzaError } from '../stanza-error.ts'
import type { Element } from '../xml/element.ts'
import { type BadStanza, STREAMS, type StreamHeader, StreamReader } from '../xml/reader.ts'
import { escapeAttribute, writeElement } from '../xml/writer.ts'
import { backOff } from './back-off.ts'
import { Barrier, type Confirmation } from './barrier.ts'
import { Connection } from './connection.ts'
import { handshakeValue } from './handshake.ts'
import type { ComponentLinkOptions, LinkEvent, LinkState, LinkStats } from './options.ts'
import { OwnDomain } from './own-domain.ts'

const NAMESPACE = 'jabber:component:accept'
/** Some servers give what they pass on the namespace that it had on another stream. */
const OWN: ReadonlySet<unknown> = new Set([NAMESPACE, 'jabber:client', 'jabber:server'])
const STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
const CLOSE = '</stream:stream>'
/** Milliseconds: to connect and shake hands; for the peer's closing tag; live so long, a link starts its back-off anew. */
const SET_UP = 20_000
const CLOSING = 2_000
const SETTLED = 30_000
const OUTGOING_BYTES = 8 * 1024 * 1024

/**
 * One component link (XEP-0114): connects, shakes hands, stays, and comes back for ever. What is sent within one turn of the
 * event loop leaves in one write.
 */
export class ComponentLink {
  readonly name: string
  readonly domain: string
  readonly #options: ComponentLinkOptions
  readonly #own: OwnDomain
  readonly #outgoingBytes: number
  #state: LinkState = 'closed'
  #connection: Connection | undefined
  #barrier: Barrier
  #attempt = 0
  #liveSince = 0
  #lastRead = 0
  #lastWrite = 0
  #retry: Timer | undefined
  #setUp: Timer | undefined
  #keepAlive: Timer | undefined
  #answer: Timer | undefined
  #paused = false
  /** The stream is being ended, by whichever side: nothing more is taken for it. */
  #leaving = false
  #ended: (() => void) | undefined
  #closing: Promise<void> | undefined
  #out = ''
  #flushing = false
  #lastError: string | undefined
  /** Octets of the connections before this one. */
  #before = { in: 0, out: 0 }
  #counts = { sent: 0, received: 0, connects: 0, refusedSends: 0, ignored: 0, badStanzas: 0 }

  constructor(options: ComponentLinkOptions) {
    this.#options = options
    this.name = options.name
    this.domain = options.domain
    this.#outgoingBytes = options.outgoingBytes ?? OUTGOING_BYTES
    this.#own = new OwnDomain(options.domain)
    const self = this.#own.text
    this.#barrier = new Barrier(self, options.pingTo ?? self, options.random, (error) =>
      options.onFault?.(error),
    )
  }

  get state(): LinkState {
    return this.#state
  }

  stats(): LinkStats {
    const now = this.#connection?.traffic
    return {
      address: this.#connection?.address,
      liveSeconds:
        this.#state === 'live' ? Math.floor((this.#options.clock.now() - this.#liveSince) / 1000) : undefined,
      lastError: this.#lastError,
      bytesIn: this.#before.in + (now?.in ?? 0),
      bytesOut: this.#before.out + (now?.out ?? 0),
      ...this.#counts,
      unconfirmed: this.#barrier.open,
    }
  }

  start(): void {
    if (this.#state === 'closed' && this.#ended === undefined) this.#connect()
  }

  /**
   * Hands a stanza to the live stream. False: no live link, or too much waits to be written; nothing was taken.
   * A stanza whose from lies outside the domain would cost the stream (XEP-0114 §3): false, and counted. Without a from or a to:
   * false, and a fault.
   */
  send(stanza: Element): boolean {
    if (this.#state !== 'live' || this.#leaving) return false
    const { from, to } = stanza.attrs as Record<string, string | undefined>
    if (from === undefined || to === undefined) {
      this.#counts.refusedSends++
      this.#options.onFault?.(new Error(`a stanza of ${this.domain} needs a from and a to`))
      return false
    }
    const sent = this.#own.sent(stanza, from)
    if (sent === undefined) {
      this.#counts.refusedSends++
      return false
    }
    if (this.#waiting() > this.#outgoingBytes) {
      this.#counts.refusedSends++
      return false
    }
    this.#counts.sent++
    this.#write(writeElement(sent))
    return true
  }

  /** Told true once the server has taken all that was sent before; false if the stream broke first. Exactly once. */
  confirm(done: Confirmation): void {
    if (this.#state !== 'live' || this.#leaving) {
      done(false)
      return
    }
    this.#barrier.ask(done)
    this.#schedule()
  }

  /** Reading stops until `resume`, and the server feels it: backpressure. */
  pause(): void {
    this.#paused = true
    this.#answer?.cancel()
    this.#connection?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#connection?.resume()
    if (this.#barrier.underWay) this.#expectAnswer()
  }

  /** Ends the stream for good: what is written leaves, then the closing tag, then the peer's is waited for, within a limit. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#retry?.cancel()
    const connection = this.#connection
    if (connection === undefined) {
      this.#ended = () => {}
      this.#become('closed')
      return
    }
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve
    })
    this.#flush()
    this.#leaving = true
    if (this.#state === 'connecting') connection.destroy('closed')
    else connection.end(CLOSE)
    const limit = this.#options.timers.set(CLOSING, () => connection.destroy('no closing tag in time'))
    await ended
    limit.cancel()
  }

  #become(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState?.(state)
  }

  #event(event: LinkEvent): void {
    this.#options.onEvent?.(event)
  }

  #connect(): void {
    const { host, port, limits, timers } = this.#options
    this.#leaving = false
    this.#become('connecting')
    this.#counts.connects++
    const reader = new StreamReader(
      {
        header: (header) => this.#header(header),
        element: (element) => this.#element(element),
        badStanza: (bad) => this.#badStanza(bad),
        end: () => this.#peerEnded(),
        error: (error) => {
          this.#event({ kind: 'unreadable', error })
          this.#leave(
            error.condition,
            `<stream:error><${error.condition} xmlns="${STREAM_ERRORS}"/></stream:error>${CLOSE}`,
          )
        },
      },
      limits,
    )
    this.#setUp = timers.set(SET_UP, () => this.#connection?.destroy('no handshake in time'))
    this.#connection = new Connection(host, port, {
      open: () => {
        this.#become('handshaking')
        this.#connection?.write(
          `<?xml version="1.0"?><stream:stream xmlns="${NAMESPACE}" xmlns:stream="${STREAMS}" to="${escapeAttribute(this.#own.text)}">`,
        )
      },
      bytes: (chunk) => {
        this.#lastRead = this.#options.clock.now()
        reader.write(chunk)
      },
      closed: (reason) => this.#lost(reason),
    })
    if (this.#paused) this.#connection.pause()
  }

  #header(header: StreamHeader): void {
    if (header.namespace !== NAMESPACE) {
      this.#connection?.destroy('the other side is no component port')
      return
    }
    // Without an id there is no handshake, but the error that explains it may follow.
    if (header.id === undefined) return
    this.#connection?.write(`<handshake>${handshakeValue(header.id, this.#options.secret)}</handshake>`)
  }

  #element(element: Element): void {
    if (element.getName() === 'error' && element.getNS() === STREAMS) {
      this.#streamError(element)
      return
    }
    if (this.#state === 'handshaking') {
      if (element.name === 'handshake') this.#live()
      else this.#connection?.destroy('neither handshake nor error')
      return
    }
    if (this.#state !== 'live') return
    const { from, to } = element.attrs as Record<string, string | undefined>
    if (!isStanzaName(element.name) || !OWN.has(element.attrs.xmlns) || !from || !to) {
      this.#counts.ignored++
      return
    }
    this.#counts.received++
    if (this.#barrier.returned(element)) {
      this.#answer?.cancel()
      if (this.#barrier.open > 0) this.#schedule()
      return
    }
    try {
      this.#options.onStanza(element)
    } catch (error) {
      this.#options.onFault?.(error)
    }
  }

  /** What people write can be refused, but costs nobody else the stream. */
  #badStanza({ root, condition, text }: BadStanza): void {
    if (this.#state === 'handshaking') this.#connection?.destroy('neither handshake nor error')
    if (this.#state !== 'live') return
    this.#counts.badStanzas++
    const { name, attrs } = root
    const { from, to, type, xmlns } = attrs as Record<string, string | undefined>
    this.#event({ kind: 'bad-stanza', name, from, to, condition, text })
    const mayAnswer = name === 'iq' ? type === 'get' || type === 'set' : isStanzaName(name)
    if (!mayAnswer || !OWN.has(xmlns) || !from || !to) return
    const answer = stanzaError(root, condition, { text, legacyCode: true })
    if (answer !== undefined) this.send(answer)
  }

  #streamError(element: Element): void {
    let condition = 'undefined-condition'
    for (const child of element.getChildElements()) {
      if (child.getNS() === STREAM_ERRORS && child.getName() !== 'text') condition = child.getName()
    }
    const text = element.getChildText('text', STREAM_ERRORS) ?? undefined
    this.#event({ kind: this.#state === 'live' ? 'stream-error' : 'handshake-refused', condition, text })
    this.#leave(condition, CLOSE)
  }

  #peerEnded(): void {
    this.#leave('the server closed the stream', CLOSE)
  }

  #leave(reason: string, last: string): void {
    this.#leaving = true
    this.#connection?.end(last)
    this.#connection?.destroySoon(reason)
  }

  #live(): void {
    const now = this.#options.clock.now()
    this.#setUp?.cancel()
    this.#liveSince = now
    this.#lastRead = now
    this.#lastWrite = now
    this.#become('live')
    this.#event({ kind: 'live' })
    this.#watch()
  }

  /** One timer for both kinds of keep-alive: it looks when the nearer of the two could be due. */
  #watch(): void {
    const { keepAlive, clock, timers } = this.#options
    const now = clock.now()
    if (now - this.#lastWrite >= keepAlive.whitespace) this.#write(' ')
    if (now - this.#lastRead >= keepAlive.ping && !this.#barrier.underWay) this.#ping()
    const next = Math.min(
      keepAlive.whitespace - (now - this.#lastWrite),
      keepAlive.ping - (now - this.#lastRead),
    )
    this.#keepAlive = timers.set(Math.max(next, Math.min(keepAlive.whitespace, 1_000)), () => this.#watch())
  }

  #ping(): void {
    this.#write(writeElement(this.#barrier.ping()))
    this.#expectAnswer()
  }

  #expectAnswer(): void {
    this.#answer?.cancel()
    // While we do not read we cannot see the answer: `resume` starts the wait anew.
    if (this.#paused) return
    this.#answer = this.#options.timers.set(this.#options.keepAlive.answerWithin, () => {
      if (this.#barrier.underWay) this.#connection?.destroy('no answer to a ping: the link is dead')
    })
  }

  #lost(reason: string): void {
    const wasLive = this.#state === 'live'
    for (const timer of [this.#setUp, this.#keepAlive, this.#answer]) timer?.cancel()
    const traffic = this.#connection?.traffic
    if (traffic !== undefined)
      this.#before = { in: this.#before.in + traffic.in, out: this.#before.out + traffic.out }
    this.#connection = undefined
    this.#out = ''
    this.#become(this.#ended === undefined ? 'waiting' : 'closed')
    this.#barrier.broken()
    if (this.#ended !== undefined) {
      this.#ended()
      return
    }
    this.#lastError = reason
    this.#event({ kind: 'lost', reason, wasLive })
    if (wasLive && this.#options.clock.now() - this.#liveSince >= SETTLED) this.#attempt = 0
    const delay = backOff(this.#attempt, this.#options.reconnect, this.#options.random)
    this.#attempt++
    this.#event({ kind: 'retry', delay, attempt: this.#attempt })
    this.#retry = this.#options.timers.set(delay, () => this.#connect())
  }

  #waiting(): number {
    return this.#out.length + (this.#connection?.waiting ?? 0)
  }

  #write(text: string): void {
    this.#out += text
    this.#schedule()
  }

  #schedule(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const connection = this.#connection
    if (connection === undefined || this.#state !== 'live' || this.#leaving) return
    const ping = this.#barrier.next()
    if (ping !== undefined) {
      this.#out += writeElement(ping)
      this.#expectAnswer()
    }
    if (this.#out === '') return
    connection.write(this.#out)
    this.#out = ''
    this.#lastWrite = this.#options.clock.now()
  }
}
