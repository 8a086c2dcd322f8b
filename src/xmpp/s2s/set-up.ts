import { type Domain, unicodeOf } from '../../kernel/domain.ts'
import { type Element, xml } from '../xml/element.ts'
import type { StreamHeader } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import { keyFor } from './authoritative.ts'
import { certificateCheck, certificateFault } from './certificate-check.ts'
import { DIALBACK, type ResultAnswer, writeDialback } from './dialback.ts'
import type { DialbackKeys } from './dialback-key.ts'
import { type InitiatingState, initiating, initiatingMachine } from './initiating.ts'
import {
  type Accepted,
  type InitiatorStep,
  nextStep,
  REFUSALS,
  type Receiver,
  type StreamProof,
} from './negotiation.ts'
import { authElement, NO_FEATURES, type OfferedFeatures, readFeatures } from './offered-features.ts'
import { greetingOf, type Place } from './place.ts'
import { keyFailure, type StreamFailure } from './stream-failure.ts'
import { BIDI, SASL, TLS } from './stream-features.ts'
import { isVersioned, SERVER, writeHeader } from './stream-header.ts'
import { STREAM_MANAGEMENT } from './stream-management.ts'
import type { Secured, Wire } from './wire.ts'

/** What did not work on the connection before this one, to the same place. */
export type Tried = 'starttls' | 'external'

export interface SetUpEvents {
  /** Keys of others can be verified on it now, and our domain be proved. */
  ready(): void
  /** Stanzas of the pair may go. `managed`: the peer counts them (XEP-0198). */
  live(managed: boolean): void
  /** It cannot go on. `error` is what the peer is to hear. */
  failed(failure: StreamFailure, error: StreamError): void
  /** An answer about a key that nobody sent. */
  unsolicited(): void
}

export interface SetUpOptions {
  readonly own: Domain
  readonly other: Domain
  readonly wire: Wire
  readonly place: Place
  readonly keys: DialbackKeys
  /** Asked at every step, since rules change. */
  readonly accepted: () => Accepted
  readonly tried: ReadonlySet<Tried>
  readonly clock: { now(): number }
  readonly events: SetUpEvents
}

type Proving = Extract<InitiatorStep, { kind: 'external' | 'dialback' }>

/**
 * `header`, `features`: the peer's are waited for. `asked-tls`, `shaking`: TLS. `ready`: it may prove our domain, but need
 * not. `sasl`, `dialback`: it does. `managing`: stream management is being switched on.
 */
export type Stage =
  | 'header'
  | 'features'
  | 'asked-tls'
  | 'shaking'
  | 'ready'
  | 'sasl'
  | 'dialback'
  | 'managing'
  | 'live'

const NOTHING: Receiver = {
  version: true,
  tls: false,
  starttls: 'absent',
  certificate: 'absent',
  external: 'absent',
  dialback: false,
  bidi: false,
}
const machine = initiatingMachine()

/** The initiating server's way on one connection, from the first octet until stanzas may go (RFC 6120 §4.3, XEP-0178, XEP-0220). */
export class SetUp {
  readonly #options: SetUpOptions
  #stage: Stage = 'header'
  #peer: Receiver
  #features: OfferedFeatures = NO_FEATURES
  #streamId: string | undefined
  #spoken = false
  #wanted = false
  #step: Proving | undefined
  #proof: StreamProof | undefined
  #bidi = false
  #initiating: InitiatingState | undefined

  constructor(options: SetUpOptions) {
    this.#options = options
    const { tried } = options
    this.#peer = {
      ...NOTHING,
      starttls: tried.has('starttls') ? 'failed' : 'absent',
      external: tried.has('external') ? 'failed' : 'absent',
    }
  }

  get stage(): Stage {
    return this.#stage
  }

  /** The peer has answered with a stream of its own: this place is the one. */
  get spoken(): boolean {
    return this.#spoken
  }

  /** What was proved, once it was. */
  get proof(): StreamProof | undefined {
    return this.#proof
  }

  /** The peer may send stanzas, and keys, on it (XEP-0288). */
  get bidi(): boolean {
    return this.#bidi && this.established
  }

  /** The peer has let us in. */
  get established(): boolean {
    return this.#stage === 'managing' || this.#stage === 'live'
  }

  /** Keys of others may be verified on it. */
  get verifies(): boolean {
    return this.#peer.dialback && (this.#stage === 'ready' || this.#stage === 'dialback' || this.established)
  }

  /** What to leave out on another connection to the same place; undefined: there is nothing more to try. */
  again(): Tried | undefined {
    const { accepted, tried, place } = this.#options
    const tls = this.#stage === 'asked-tls' || this.#stage === 'shaking'
    if (tls && place.tls === 'starttls' && !tried.has('starttls') && accepted().includes('tcp-dialback'))
      return 'starttls'
    const external = this.#peer.external === 'failed' && this.#stage === 'dialback'
    return external && !tried.has('external') && accepted().includes('tls-dialback') ? 'external' : undefined
  }

  connected(): void {
    if (this.#options.place.tls === 'direct') this.#startTls()
    else this.#open()
  }

  /** There are stanzas for it. */
  prove(): void {
    this.#wanted = true
    if (this.#stage === 'ready') this.#prove()
  }

  secured(secured: Secured): void {
    const certificate = certificateCheck(secured, this.#options.other)
    // What was said in clear counts no more.
    this.#peer = { ...this.#peer, tls: true, certificate, dialback: false }
    this.#open()
  }

  header({ namespace, id, version, namespaces }: StreamHeader): void {
    if (this.#stage !== 'header') return
    this.#spoken = true
    if (namespace !== SERVER) {
      this.#fail(`${this.#options.other} does not speak to servers there`, {
        condition: 'invalid-namespace',
        text: 'this is a stream between servers',
      })
      return
    }
    this.#streamId = id
    const versioned = isVersioned(version)
    const dialback = Object.values(namespaces).includes(DIALBACK)
    this.#peer = { ...this.#peer, version: versioned, dialback: dialback || this.#peer.dialback }
    if (versioned) this.#stage = 'features'
    else this.#offered(NO_FEATURES)
  }

  /** A child of the stream that is no stanza, no error and no dialback. */
  element(element: Element): void {
    const name = element.getName()
    const namespace = element.getNS()
    switch (this.#stage) {
      case 'features': {
        const features = readFeatures(element)
        if (features !== undefined) this.#offered(features)
        break
      }
      case 'asked-tls':
        if (namespace !== TLS) break
        if (name === 'proceed') this.#startTls()
        else this.#options.wire.destroy('STARTTLS was refused')
        break
      case 'sasl':
        if (namespace !== SASL) break
        if (name === 'success') this.#authenticated()
        else if (name === 'failure') {
          this.#peer = { ...this.#peer, external: 'failed' }
          this.#next()
        }
        break
      case 'managing':
        if (namespace === STREAM_MANAGEMENT && (name === 'enabled' || name === 'failed'))
          this.#live(name === 'enabled')
        break
    }
  }

  /** What the peer says of our key. */
  answer(answer: ResultAnswer): void {
    const state = this.#initiating ?? initiating(this.#options.other, false)
    const [next, effects] = machine.step(state, { kind: 'answer', answer }, this.#options.clock.now())
    if (this.#initiating !== undefined) this.#initiating = next
    for (const effect of effects) {
      if (effect.kind === 'unsolicited') this.#options.events.unsolicited()
      else if (effect.kind === 'valid') this.#proved()
      else if (effect.kind === 'failed') {
        const failure = keyFailure(this.#options.other, effect.failure)
        this.#options.events.failed(failure, { condition: 'not-authorized', text: failure.text })
      }
    }
  }

  #open(): void {
    const { wire, own, other } = this.#options
    this.#stage = 'header'
    wire.write(writeHeader({ from: own, to: other, version: true }))
  }

  #startTls(): void {
    const { wire, place, own } = this.#options
    this.#stage = 'shaking'
    wire.startTls({ kind: 'client', greeting: greetingOf(place), as: own })
  }

  #offered(features: OfferedFeatures): void {
    this.#features = features
    if (this.#proof !== undefined) {
      this.#manage()
      return
    }
    const { starttls, external } = this.#peer
    this.#peer = {
      ...this.#peer,
      starttls: starttls === 'failed' ? 'failed' : features.starttls,
      external: external === 'failed' ? 'failed' : features.external ? 'offered' : 'absent',
      dialback: this.#peer.dialback || features.dialback,
      bidi: features.bidi,
    }
    this.#next()
  }

  #next(): void {
    const step = nextStep(this.#options.accepted(), this.#peer)
    switch (step.kind) {
      case 'starttls':
        this.#stage = 'asked-tls'
        this.#write(xml('starttls', { xmlns: TLS }))
        break
      case 'refuse': {
        const error = REFUSALS[step.reason]
        const { other, wire } = this.#options
        const fault = certificateFault(wire.secured, other)
        const why = fault === undefined ? '' : ` (certificate: ${fault})`
        this.#fail(`no stream to ${other}: ${error.text}${why}`, error)
        break
      }
      case 'external':
      case 'dialback':
        this.#step = step
        this.#stage = 'ready'
        this.#options.events.ready()
        if (this.#wanted && this.stage === 'ready') this.#prove()
        break
      default:
        step satisfies never
    }
  }

  #prove(): void {
    const { own, other, keys, clock } = this.#options
    const step = this.#step as Proving
    // Only where the certificate vouches for what would come the other way.
    if (step.bidi && this.#peer.certificate === 'match' && !this.#bidi) {
      this.#bidi = true
      this.#write(xml('bidi', { xmlns: BIDI }))
    }
    if (step.kind === 'external') {
      this.#stage = 'sasl'
      this.#write(authElement(unicodeOf(own)))
      return
    }
    if (this.#streamId === undefined) {
      this.#fail(`${other} gave the stream no id`, { condition: 'not-authorized', text: 'no stream id' })
      return
    }
    this.#stage = 'dialback'
    const key = keyFor(keys, own, other, this.#streamId)
    const [state, effects] = machine.step(
      initiating(other, this.#features.errors),
      { kind: 'ask', pair: { sender: own, target: other }, key },
      clock.now(),
    )
    this.#initiating = state
    for (const effect of effects) if (effect.kind === 'send') this.#write(writeDialback(effect.request))
  }

  /** RFC 6120 §6.4.6: the stream begins anew. */
  #authenticated(): void {
    this.#proof = this.#step?.proof
    this.#options.wire.restart()
    this.#open()
  }

  #proved(): void {
    this.#proof = this.#step?.proof
    this.#manage()
  }

  #manage(): void {
    if (!this.#features.management) {
      this.#live(false)
      return
    }
    this.#stage = 'managing'
    this.#write(xml('enable', { xmlns: STREAM_MANAGEMENT }))
  }

  #live(managed: boolean): void {
    this.#stage = 'live'
    this.#options.events.live(managed)
  }

  #fail(text: string, error: StreamError): void {
    this.#options.events.failed({ kind: 'refused', text }, error)
  }

  #write(element: Element): void {
    this.#options.wire.write(writeElement(element))
  }
}
