import type { Domain } from '../../kernel/domain.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Element } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import { Arrivals, type Suspicion } from './arrivals.ts'
import type { Channel, StreamView } from './channel.ts'
import { type VerifyAnswer, type VerifyRequest, writeDialback } from './dialback.ts'
import { Dialling } from './dialling.ts'
import type { DomainPair } from './domain-pair.ts'
import type { StreamProof, Way } from './negotiation.ts'
import { type Confirmation, type PeerRules, type S2sEvent, type S2sOptions, VERIFIED } from './options.ts'
import { outgoingView } from './outgoing-view.ts'
import type { StreamName, Unreachable } from './receiving-state.ts'
import { addressOf, type StreamFailure, unreachableFor } from './stream-failure.ts'
import { CLOSE, writeStreamError } from './stream-header.ts'
import { Traffic } from './traffic.ts'
import { DEAD, OUTDATED, Vigil } from './vigil.ts'

export type VerifyOutcome = { readonly via: StreamName } | { readonly unreachable: Unreachable }

/** How a stream that was live ended: by whom, and how long it had been live, in milliseconds. */
export interface StreamEnd {
  readonly by: 'us' | 'peer'
  readonly reason: string
  readonly lived: number
  /** Without a word: what was under way may be lost. */
  readonly cut: boolean
}

export interface OutgoingEvents {
  /** Stanzas of the pair may go. */
  live(): void
  /** It never came to that. */
  failed(failure: StreamFailure): void
  /** It was live, or was good for verification alone (`undefined`), and takes nothing more. */
  ended(end: StreamEnd | undefined): void
  /** Nothing more comes of it. */
  gone(): void
  /** What the authoritative server says, on this stream; whether anybody has asked is for others to know. */
  verified(answer: VerifyAnswer): void
}

export interface OutgoingOptions {
  readonly name: StreamName
  /** From us to the other domain. */
  readonly pair: DomainPair
  readonly s2s: S2sOptions
  readonly events: OutgoingEvents
}

type State = 'setting-up' | 'live' | 'closing'

/** A stream that we open for one pair of domains, from the look-up of the other domain's servers to its end. */
export class Outgoing implements Channel {
  readonly name: StreamName
  readonly #options: OutgoingOptions
  readonly #own: Domain
  readonly #other: Domain
  readonly #dialling: Dialling
  readonly #openedAt: number
  #state: State = 'setting-up'
  /** There are stanzas for it; else it is for verification alone. */
  #wanted = false
  #liveAt = 0
  #traffic: Traffic | undefined
  #vigil: Vigil | undefined
  readonly #arrivals: Arrivals
  #limit: Timer | undefined
  /** It could verify, and had nothing else to do: its end is none of the domain's faults. */
  #parked = false
  #verifying: { readonly request: VerifyRequest; readonly tell: (outcome: VerifyOutcome) => void }[] = []

  constructor(options: OutgoingOptions) {
    const { name, pair, s2s } = options
    this.name = name
    this.#options = options
    this.#own = pair.sender
    this.#other = pair.target
    this.#openedAt = s2s.clock.now()
    this.#dialling = new Dialling({
      own: this.#own,
      other: this.#other,
      s2s,
      rules: () => this.#rules(),
      events: {
        element: (element, setUp) => this.#arrivals.element(element, setUp),
        badStanza: (bad, setUp) => this.#arrivals.badStanza(bad, setUp),
        leaving: () => this.#traffic?.leaving() ?? '',
        ready: () => this.#ready(),
        live: (managed) => this.#live(managed),
        unsolicited: () => this.#suspect('unsolicited-dialback'),
        octetsBeforeTls: () => this.#suspect('octets-before-tls'),
        failed: (failure) => this.#failed(failure),
        ended: (reason, error) => this.#end('peer', reason, error),
        closed: (reason) => this.#closed(reason),
      },
    })
    this.#arrivals = new Arrivals({
      s2s,
      pair,
      dialling: this.#dialling,
      traffic: () => this.#traffic,
      closing: () => this.#state === 'closing',
      refuse: (error) => this.#refuse(error),
      suspect: (what) => this.#suspect(what),
      reply: (stanza) => this.send(stanza),
      verified: (answer) => options.events.verified(answer),
    })
  }

  get live(): boolean {
    return this.#state === 'live'
  }

  /** It may still be used, once it is live if it is not yet. */
  get usable(): boolean {
    return this.#state !== 'closing'
  }

  /** Nothing needs it but keys to be verified. */
  get spare(): boolean {
    return this.#state === 'setting-up' && !this.#wanted
  }

  start(): void {
    this.#expectWithin()
    this.#dialling.start()
  }

  /** There are stanzas: it has to prove our domain. */
  want(): void {
    if (this.#wanted || this.#state !== 'setting-up') return
    this.#wanted = true
    this.#expectWithin()
    this.#dialling.prove()
  }

  send(stanza: Element, taken?: Confirmation): boolean {
    return this.#state === 'live' && (this.#traffic as Traffic).send(stanza, taken)
  }

  /** Asks the other domain about a key, as soon as it can be asked. */
  verify(request: VerifyRequest, tell: (outcome: VerifyOutcome) => void): void {
    if (this.#state === 'closing') {
      tell({ unreachable: 'no-connection' })
      return
    }
    this.#verifying.push({ request, tell })
    if (this.#dialling.setUp?.verifies === true || this.#state === 'live') this.#verify()
  }

  /** Ends it in good order, or gives up if it is not live. */
  end(reason: string, error?: StreamError): void {
    if (this.#state === 'live') this.#end('us', reason, error)
    else if (this.#state === 'setting-up') this.#dialling.fail({ kind: 'unwanted', text: reason }, error)
  }

  /** The rules have changed: a stream that they do not allow ends. */
  recheck(): void {
    const accepted = this.#rules()?.accepted ?? []
    const proof = this.#dialling.setUp?.proof
    this.#arrivals.recheck()
    if (proof === undefined ? accepted.length > 0 : accepted.includes(wayOf(proof))) return
    const text = `no stream to ${this.#other} any more: the rules have changed`
    this.end(text, { condition: 'policy-violation', text: 'this stream is no longer allowed' })
  }

  /** Nothing is read from now on, once it may bring stanzas. */
  pause(): void {
    if (this.#state === 'live') this.#dialling.wire?.pause()
  }

  resume(): void {
    if (this.#state === 'live') this.#dialling.wire?.resume()
  }

  view(): StreamView {
    return outgoingView({
      name: this.name,
      own: this.#own,
      other: this.#other,
      closing: this.#state === 'closing',
      dialling: this.#dialling,
      traffic: this.#traffic,
      openedAt: this.#openedAt,
      now: this.#options.s2s.clock.now(),
    })
  }

  #rules(): PeerRules | undefined {
    return this.#options.s2s.rulesFor(this.#own, this.#other)
  }

  /** Until our domain is proved, or, where it need not be, until keys can be verified. */
  #expectWithin(): void {
    const { timers, limits } = this.#options.s2s
    this.#limit?.cancel()
    this.#limit = timers.set(limits.setUp, () => this.#dialling.expire())
  }

  #ready(): void {
    this.#verify()
    if (!this.#wanted && this.#state === 'setting-up') this.#park()
  }

  /** Nothing needs it but keys to be verified: it stays as long as that may take. */
  #park(): void {
    const { timers, limits } = this.#options.s2s
    this.#parked = true
    this.#limit?.cancel()
    this.#limit = timers.set(limits.setUp, () => this.end(VERIFIED))
  }

  #verify(): void {
    const { setUp, wire } = this.#dialling
    for (const { request, tell } of this.#verifying.splice(0)) {
      const sent = setUp?.verifies === true && wire?.write(writeElement(writeDialback(request))) === true
      tell(sent ? { via: this.name } : { unreachable: 'no-connection' })
    }
    if (this.#parked && this.#state === 'setting-up' && !this.#wanted) this.#park()
  }

  #live(managed: boolean): void {
    const { s2s, pair, events } = this.#options
    const { wire, setUp, place } = this.#dialling
    if (this.#state !== 'setting-up' || !wire?.open || setUp?.proof === undefined || place === undefined)
      return
    this.#limit?.cancel()
    this.#state = 'live'
    this.#liveAt = s2s.clock.now()
    const traffic = new Traffic(wire, s2s.clock)
    if (managed) traffic.manage()
    this.#traffic = traffic
    this.#vigil = new Vigil(traffic, {
      idle: s2s.limits.idle,
      keepAlive: () => this.#rules()?.keepAlive ?? 0,
      answerWithin: s2s.limits.setUp,
      clock: s2s.clock,
      timers: s2s.timers,
      idled: () => this.#end('us', 'idle'),
      died: () => wire.destroy(DEAD),
      expired: () => wire.expired && setUp.proof?.certificate === 'match',
      outdated: () => this.#end('us', OUTDATED.text, OUTDATED),
    })
    const address = addressOf(place)
    this.#tell({ kind: 'proved', stream: this.name, direction: 'out', pair, proof: setUp.proof, address })
    events.live()
    this.#verify()
  }

  /** The peer does what it must not do. */
  #refuse(error: StreamError): void {
    if (this.#state === 'live') this.#end('us', error.text, error)
    else
      this.#dialling.fail({ kind: 'refused', text: `${this.#other} broke the rules: ${error.text}` }, error)
  }

  #end(by: StreamEnd['by'], reason: string, error?: StreamError): void {
    if (this.#state !== 'live') return
    const { clock } = this.#options.s2s
    const traffic = this.#traffic as Traffic
    this.#over(reason)
    const last =
      traffic.leaving() + traffic.answer() + (error === undefined ? CLOSE : writeStreamError(error))
    this.#dialling.wire?.end(last, reason)
    // What drove us to an error is the peer's doing.
    const doer = error === undefined ? by : 'peer'
    this.#options.events.ended({ by: doer, reason, lived: clock.now() - this.#liveAt, cut: false })
  }

  #failed(failure: StreamFailure): void {
    if (this.#state === 'closing') return
    const { events } = this.#options
    this.#over(failure.text)
    for (const { tell } of this.#verifying.splice(0)) tell({ unreachable: unreachableFor(failure) })
    // The peer may have ended it for having nothing to do, just when there was something.
    if (this.#parked && (!this.#wanted || failure.kind === 'refused')) events.ended(undefined)
    else events.failed(failure)
  }

  /** From here on nothing is taken. */
  #over(reason: string): void {
    this.#limit?.cancel()
    this.#vigil?.stop()
    const wasLive = this.#state === 'live'
    this.#state = 'closing'
    const { place } = this.#dialling
    const address = place === undefined ? '' : addressOf(place)
    this.#tell({
      kind: 'closed',
      stream: this.name,
      direction: 'out',
      peer: this.#other,
      address,
      reason,
      wasLive,
    })
  }

  /** The connection is gone. */
  #closed(reason: string): void {
    const { clock } = this.#options.s2s
    if (this.#state === 'live') {
      this.#over(reason)
      this.#options.events.ended({ by: 'peer', reason, lived: clock.now() - this.#liveAt, cut: true })
    } else if (this.#state === 'setting-up')
      this.#failed({ kind: 'refused', text: `${this.#other} left: ${reason}` })
    this.#traffic?.broken()
    this.#options.events.gone()
  }

  #suspect(what: Suspicion): void {
    const { place } = this.#dialling
    const address = place === undefined ? '' : addressOf(place)
    this.#tell({ kind: 'suspicious', stream: this.name, address, what })
  }

  #tell(event: S2sEvent): void {
    const { s2s } = this.#options
    try {
      s2s.onEvent(event)
    } catch (error) {
      s2s.onFault(error)
    }
  }
}

/** What a stream stands on. */
const wayOf = ({ dialback, tls }: StreamProof): Way =>
  dialback === 'not-tried' ? 'sasl-tls' : tls ? 'tls-dialback' : 'tcp-dialback'
