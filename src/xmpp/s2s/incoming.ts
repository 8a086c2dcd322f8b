import type { Socket } from 'node:net'
import { Allowance } from '../../kernel/allowance.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Element } from '../xml/element.ts'
import { type BadStanza, STREAMS } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import { certificateCheck } from './certificate-check.ts'
import type { Channel, Outward, StreamView } from './channel.ts'
import { type ResultAnswer, type Verdict, writeDialback } from './dialback.ts'
import type { DomainPair } from './domain-pair.ts'
import type { Stranger } from './gate.ts'
import { inVain } from './in-vain.ts'
import { IncomingKeys } from './incoming-keys.ts'
import { Opening } from './incoming-opening.ts'
import { IncomingTraffic, isStanza, type Suspicion } from './incoming-traffic.ts'
import { incomingView, theirError } from './incoming-view.ts'
import { type Initiator, keyProof, type StreamProof, type Way } from './negotiation.ts'
import { type Confirmation, type PeerRules, type S2sOptions, VERIFIED } from './options.ts'
import type { TlsStart } from './place.ts'
import type { KeyBearer, Receiver } from './receiver.ts'
import type { Seated, Seats } from './seats.ts'
import { CLOSE, writeStreamError } from './stream-header.ts'
import { STREAM_MANAGEMENT } from './stream-management.ts'
import { Traffic } from './traffic.ts'
import { DEAD, OUTDATED, Vigil } from './vigil.ts'
import { OCTETS_BEFORE_TLS, Wire } from './wire.ts'

export interface IncomingDeps {
  readonly options: S2sOptions
  readonly receiver: Receiver
  readonly outward: Outward
  readonly seats: Seats
  /** An error for somebody over there; `pair.sender` is ours. */
  reply(stanza: Element, pair: DomainPair): void
  /** It is no stranger any more. */
  known(stream: IncomingStream): void
  /** Once, at its end. */
  gone(stream: IncomingStream): void
}

/** Octets of one child of the stream before anything is proved (RFC 6120 §13.12: at least 10,000). */
const STRANGER_BYTES = 16_384
/** Children of the stream that are no stanzas: keys, questions about keys, what we do not know. */
const ODDMENTS = { burst: 200, perSecond: 10 }
const RULES_CHANGED: StreamError = { condition: 'policy-violation', text: 'the rules have changed' }

/** A stream that was opened to us, from its first octet to its last. */
export class IncomingStream implements KeyBearer, Channel, Stranger, Seated {
  readonly name: string
  readonly address: string
  readonly since: number
  readonly #port: number
  readonly #deps: IncomingDeps
  readonly #options: S2sOptions
  readonly #wire: Wire
  readonly #opening: Opening
  readonly #keys: IncomingKeys
  readonly #traffic: Traffic
  readonly #stanzas: IncomingTraffic
  readonly #oddments: Allowance
  /** Looked at for each child of the stream: strangers get less. */
  readonly #xml: { -readonly [K in keyof S2sOptions['xml']]: S2sOptions['xml'][K] }
  #ending = false
  #closed = false
  /** What the last key came to. */
  #verdict: Verdict | undefined
  #live = false
  /** It ends for that, and the peer may not know yet. */
  #idled = false
  #setUp: Timer
  #vigil: Vigil | undefined
  /** Pairs that stanzas of ours may have a way back for, once the peer knows that it has proved them. */
  #ways: DomainPair[] = []

  constructor(socket: Socket, tls: TlsStart, name: string, deps: IncomingDeps) {
    const { options, receiver } = deps
    const { limits, clock, serves, keys } = options
    this.name = name
    this.address = socket.remoteAddress ?? ''
    this.#port = socket.remotePort ?? 0
    this.since = clock.now()
    this.#deps = deps
    this.#options = options
    this.#xml = { ...options.xml, stanzaBytes: Math.min(options.xml.stanzaBytes, STRANGER_BYTES) }
    this.#oddments = new Allowance({ ...ODDMENTS, clock })
    this.#wire = new Wire(socket, {
      events: {
        header: (header) =>
          this.#guarded(() => {
            if (!this.#ending) this.#opening.header(header)
          }),
        element: (element) => this.#guarded(() => this.#element(element)),
        badStanza: (stanza) => this.#guarded(() => this.#badStanza(stanza)),
        ended: () => this.#guarded(() => this.#leave('closed by the peer')),
        unreadable: (error) => this.#guarded(() => this.#fail(error)),
        secured: () => this.#opening.secured(),
        leaving: () => this.#traffic.leaving(),
        closed: (reason) => this.#guarded(() => this.#gone(reason)),
      },
      xml: this.#xml,
      outgoingBytes: limits.outgoingBytes,
      credentials: options.credentials,
      clock,
    })
    const common = {
      rules: (pair: DomainPair) => this.#rules(pair),
      write: (element: Element) => this.#write(element),
      fail: (error: StreamError) => this.#fail(error),
    }
    this.#traffic = new Traffic(this.#wire, clock)
    this.#stanzas = new IncomingTraffic(this.#traffic, {
      ...common,
      options,
      suspect: (what) => this.suspect(what),
      reply: deps.reply,
    })
    this.#keys = new IncomingKeys({
      ...common,
      name,
      authority: { serves, keys },
      receiver,
      streamId: () => this.#opening.id,
      hasRoom: (rules) => this.#hasRoom(rules),
      seen: (pair) => this.#seen(pair),
      unsolicited: () => this.suspect('unsolicited-dialback'),
    })
    this.#opening = new Opening(tls, {
      ...common,
      wire: this.#wire,
      random: options.random,
      serves,
      hasCertificate: () => options.credentials.choose(undefined) !== undefined,
      leave: (reason, last) => this.#leave(reason, last),
      admit: (pair, rules, { proof }) => this.#admit(pair, rules, proof, 'sasl-tls'),
      opened: () => this.#opened(),
      hasKeys: () => this.#keys.used,
    })
    receiver.join(this)
    this.#setUp = options.timers.set(limits.setUp, () => {
      if (this.#keys.onlyAsked) this.#leave(VERIFIED)
      else this.#fail({ condition: 'connection-timeout', text: 'nothing was proved in time' })
    })
  }

  start(): void {
    if (this.#opening.phase === 'securing')
      this.#wire.startTls({ kind: 'server', as: undefined, direct: true })
  }

  get lastRead(): number {
    return this.#wire.lastRead
  }

  /** The way back (XEP-0288). */
  send(stanza: Element, taken?: Confirmation): boolean {
    return this.#isOpen && this.#opening.bidi && this.#traffic.send(stanza, taken)
  }

  answer(answer: ResultAnswer): void {
    this.#verdict = answer.verdict
    this.#write(writeDialback(answer))
    this.#offerWays()
  }

  proved(pair: DomainPair, by: 'certificate' | 'dialback'): void {
    if (this.#ending) return
    const way: Way = this.#wire.secured === undefined ? 'tcp-dialback' : 'tls-dialback'
    const rules = this.#rules(pair)
    // They may have changed since the key came.
    if (rules?.accepted.includes(way) !== true) this.#fail(RULES_CHANGED)
    else if (this.#admit(pair, rules, keyProof(by, this.#seen(pair)), way)) this.#becomeLive(pair)
  }

  leave(reason: 'invalid' | 'failures'): void {
    if (reason === 'invalid') this.#leave('its key is invalid')
    else this.#fail({ condition: 'policy-violation', text: 'too many keys came to nothing' })
  }

  suspect(what: Suspicion): void {
    this.#options.onEvent({ kind: 'suspicious', stream: this.name, address: this.address, what })
  }

  evict(): void {
    this.#options.onEvent({ kind: 'limit', limit: 'handshakes', address: this.address })
    this.#wire.destroy('nothing was proved, and others needed the room')
  }

  giveWay(): void {
    this.#fail({ condition: 'conflict', text: 'another stream takes its place' })
  }

  /** It ends where the rules of now do not allow what was proved on it. */
  recheck(): void {
    for (const { pair, way } of this.#stanzas.pairs.all)
      if (this.#rules(pair)?.accepted.includes(way) !== true) this.#fail(RULES_CHANGED)
  }

  end(error: StreamError): void {
    this.#fail(error)
  }

  /** Nothing is read from now on, once it brings stanzas. */
  pause(): void {
    if (this.#live) this.#wire.pause()
  }

  resume(): void {
    if (this.#live) this.#wire.resume()
  }

  view(): StreamView {
    return incomingView({
      name: this.name,
      address: this.address,
      port: this.#port,
      state: this.#state(),
      since: this.since,
      now: this.#options.clock.now(),
      wire: this.#wire,
      opening: this.#opening,
      proved: this.#stanzas.pairs.all,
      traffic: this.#traffic,
    })
  }

  get #isOpen(): boolean {
    return !this.#ending && this.#opening.phase === 'open'
  }

  #state(): string {
    if (this.#ending) return 'closing'
    if (this.#opening.phase === 'securing') return 'securing'
    if (this.#live) return 'live'
    return this.#keys.used ? 'proving' : 'negotiating'
  }

  #element(element: Element): void {
    if (this.#ending) this.#late(element)
    else if (this.#opening.phase !== 'open') return
    else if (isStanza(element)) this.#stanzas.stanza(element)
    else if (element.getNS() === STREAMS && element.getName() === 'error') this.#leave(theirError(element))
    else if (element.getNS() === STREAM_MANAGEMENT) this.#stanzas.management(element)
    else if (this.#mayGoOn()) this.#opening.element(element) || this.#keys.element(element)
  }

  /** What was under way when we ended the stream (RFC 6120 §4.4). Whoever counts knows which stanzas we have not taken. */
  #late(element: Element): void {
    if (element.getNS() === STREAM_MANAGEMENT) this.#stanzas.management(element)
    else if (this.#idled && !this.#traffic.managed && isStanza(element)) this.#stanzas.stanza(element)
  }

  #badStanza(stanza: BadStanza): void {
    if (this.#isOpen && this.#mayGoOn()) this.#stanzas.badStanza(stanza)
  }

  /** What is no stanza costs us something, and brings nobody anything. */
  #mayGoOn(): boolean {
    if (this.#oddments.take()) return true
    this.#fail({ condition: 'policy-violation', text: 'too much that is no stanza' })
    return false
  }

  /** The stream can be used. After SASL it is live by that. */
  #opened(): void {
    const [first] = this.#stanzas.pairs.all
    if (first === undefined) return
    this.#becomeLive(first.pair)
    this.#offerWays()
  }

  #admit(pair: DomainPair, rules: PeerRules, proof: StreamProof, way: Way): boolean {
    const { seats } = this.#deps
    if (!seats.take(rules.partner, this, rules.connections)) {
      this.#options.onEvent({ kind: 'limit', limit: 'perPartner', address: this.address })
      this.#fail({ condition: 'resource-constraint', text: 'the partner has as many streams as it may' })
      return false
    }
    if (this.#stanzas.pairs.has(pair)) return true
    this.#stanzas.pairs.add({ pair, proof, way })
    this.#ways.push({ sender: pair.target, target: pair.sender })
    const { name: stream, address } = this
    this.#options.onEvent({ kind: 'proved', stream, direction: 'in', pair, proof, address })
    return true
  }

  #hasRoom(rules: PeerRules): boolean {
    if (this.#deps.seats.hasRoom(rules.partner, this, rules.connections)) return true
    this.#options.onEvent({ kind: 'limit', limit: 'perPartner', address: this.address })
    return false
  }

  #becomeLive(pair: DomainPair): void {
    if (this.#live) return
    this.#live = true
    this.#setUp.cancel()
    this.#xml.stanzaBytes = this.#options.xml.stanzaBytes
    this.#deps.known(this)
    this.#vigil = this.#watch(pair)
  }

  #offerWays(): void {
    const ways = this.#ways
    this.#ways = []
    if (this.#isOpen && this.#opening.bidi) for (const way of ways) this.#deps.outward.offer(way, this)
  }

  #watch(pair: DomainPair): Vigil {
    const { clock, limits, timers } = this.#options
    const keepAlive = (): number => this.#rules(pair)?.keepAlive ?? 0
    return new Vigil(this.#traffic, {
      ...{ idle: limits.idle, keepAlive, answerWithin: limits.setUp, clock, timers },
      idled: () => {
        this.#idled = true
        this.#leave('idle')
      },
      died: () => this.#wire.destroy(DEAD),
      expired: () =>
        this.#wire.expired && this.#stanzas.pairs.all.some(({ proof }) => proof.certificate === 'match'),
      outdated: () => this.#fail(OUTDATED),
    })
  }

  #rules({ sender, target }: DomainPair): PeerRules | undefined {
    const { serves, rulesFor } = this.#options
    // Nobody outside speaks for one of ours, whatever the rules say.
    return serves(target) && !serves(sender) ? rulesFor(target, sender) : undefined
  }

  #seen({ sender }: DomainPair): Omit<Initiator, 'version'> {
    const { secured } = this.#wire
    return { tls: secured !== undefined, certificate: certificateCheck(secured, sender) }
  }

  #write(element: Element): void {
    if (!this.#ending && !this.#wire.write(writeElement(element)))
      this.#wire.destroy('the peer does not read what it asked for')
  }

  #fail(error: StreamError): void {
    const { condition, text } = error
    this.#leave(`${condition}: ${text}`, writeStreamError(error))
  }

  #leave(reason: string, last = CLOSE): void {
    if (this.#ending) return
    this.#ending = true
    this.#deps.outward.withdraw(this)
    if (this.#opening.phase === 'securing') this.#wire.destroy(reason)
    else {
      // What was written in this turn leaves with it; nobody waits for an answer any more.
      this.#traffic.leaving()
      this.#wire.end(this.#opening.owed() + this.#traffic.answer() + last, reason)
    }
  }

  #gone(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    const wasEnding = this.#ending
    this.#ending = true
    this.#setUp.cancel()
    this.#vigil?.stop()
    const { outward, receiver, seats, gone } = this.#deps
    if (!wasEnding) outward.withdraw(this, true)
    receiver.closed(this.name)
    seats.leave(this)
    gone(this)
    this.#traffic.broken()
    if (reason === OCTETS_BEFORE_TLS) this.suspect('octets-before-tls')
    this.#options.onEvent({
      kind: 'closed',
      stream: this.name,
      direction: 'in',
      peer: this.#stanzas.pairs.all[0]?.pair.sender ?? this.#opening.opened?.other,
      address: this.address,
      reason: this.#live ? reason : this.#inVain(reason),
      wasLive: this.#live,
    })
  }

  #inVain(reason: string): string {
    if (this.#keys.onlyAsked) return VERIFIED
    return reason + inVain(this.#wire, this.#opening.opened?.other, this.#verdict)
  }

  /** What a peer sent must not throw out of a socket's handler. */
  #guarded(handle: () => void): void {
    try {
      handle()
    } catch (error) {
      this.#options.onFault(error)
      if (!this.#ending) this.#fail({ condition: 'internal-server-error', text: 'a fault of ours' })
    }
  }
}
