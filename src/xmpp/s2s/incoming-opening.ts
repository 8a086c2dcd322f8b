import type { Domain } from '../../kernel/domain.ts'
import type { Random } from '../../kernel/random.ts'
import { type Element, xml } from '../xml/element.ts'
import type { StreamHeader } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import { certificateCheck } from './certificate-check.ts'
import type { DomainPair } from './domain-pair.ts'
import { type Opened, readInitial } from './incoming-header.ts'
import {
  type Accepted,
  type ExternalPolicy,
  externalPolicy,
  type Initiator,
  type Offer,
  offerTo,
  REFUSALS,
} from './negotiation.ts'
import type { PeerRules } from './options.ts'
import type { TlsStart } from './place.ts'
import { authFault, type SaslCondition, saslFailure, saslSuccess } from './sasl-external.ts'
import { BIDI, featuresOf, SASL, TLS } from './stream-features.ts'
import { CLOSE, writeHeader } from './stream-header.ts'
import type { Wire } from './wire.ts'

export interface OpeningDeps {
  readonly wire: Wire
  readonly random: Random
  /** Is there a certificate of ours to show? */
  readonly hasCertificate: () => boolean
  readonly serves: (domain: Domain) => boolean
  rules(pair: DomainPair): PeerRules | undefined
  fail(error: StreamError): void
  /** Ends the stream; `last` is all that is said. */
  leave(reason: string, last: string): void
  /** Proved by SASL. False: there is no room for it, and the stream has ended. */
  admit(pair: DomainPair, rules: PeerRules, policy: ExternalPolicy & { kind: 'success' }): boolean
  /** Stanzas and keys may come from now on. */
  opened(): void
  /** A key has come: what it was judged by must not change any more. */
  hasKeys(): boolean
}

const CHARACTERS_OF_ID = 24
/** RFC 6120 §6.4.5: at least two, no more than five. */
const SASL_TRIES = 3
const FAILED_TLS = writeElement(xml('failure', { xmlns: TLS }))
const PROCEED = writeElement(xml('proceed', { xmlns: TLS }))
const TOO_LATE: StreamError = { condition: 'policy-violation', text: 'too late for that on this stream' }

/** Where nothing can be shown, TLS comes to nothing: what is left without it, if anything is. */
function inClear(accepted: Accepted): Accepted {
  const left = accepted.filter((way) => way === 'tcp-dialback')
  return left.length > 0 ? left : accepted
}

/** What a stream that was opened to us goes through before it can be used: headers, features, STARTTLS, SASL (RFC 6120 §4 to §6). */
export class Opening {
  readonly #deps: OpeningDeps
  /** `header`: the peer's stream header is due. */
  #phase: 'securing' | 'header' | 'open'
  /** Of our last header; undefined: that header is not written yet. */
  #id: string | undefined
  #opened: Opened | undefined
  #offer: Offer | undefined
  #bidi = false
  #saslFailures = 0
  /** By SASL: the header that follows must say so too. */
  #authenticated: DomainPair | undefined

  constructor(tls: TlsStart, deps: OpeningDeps) {
    this.#deps = deps
    this.#phase = tls === 'direct' ? 'securing' : 'header'
  }

  get phase(): 'securing' | 'header' | 'open' {
    return this.#phase
  }

  /** The id that the keys on this stream are made for. */
  get id(): string {
    return this.#id ?? ''
  }

  get opened(): Opened | undefined {
    return this.#opened
  }

  /** The peer has asked for the way back (XEP-0288 §2.2). */
  get bidi(): boolean {
    return this.#bidi
  }

  /** An error comes after our header (RFC 6120 §4.9.1.2): the header, if it is not written yet. */
  owed(own = this.#opened?.own): string {
    if (this.#id !== undefined) return ''
    this.#id = this.#deps.random.token(CHARACTERS_OF_ID)
    return writeHeader({ from: own, to: this.#opened?.other, id: this.#id, version: true })
  }

  secured(): void {
    this.#again()
    this.#bidi = false
  }

  header(header: StreamHeader): void {
    const { wire, serves, fail, random } = this.#deps
    const read = readInitial(header, serves)
    if (!read.ok) {
      wire.write(this.owed(read.error.own))
      fail(read.error.error)
      return
    }
    const opened = read.value
    this.#opened = opened
    const { own, other, versioned } = opened
    this.#id = random.token(CHARACTERS_OF_ID)
    wire.write(writeHeader({ from: own, to: other, id: this.#id, version: versioned }))
    const before = this.#authenticated
    if (before !== undefined) this.#afterSasl(before, opened)
    else this.#features(opened)
  }

  /** False: it is something else. */
  element(element: Element): boolean {
    switch (element.getNS()) {
      case TLS:
        if (element.getName() !== 'starttls') return false
        this.#startTls()
        return true
      case SASL:
        this.#sasl(element)
        return true
      case BIDI:
        this.#askForBidi()
        return true
      default:
        return false
    }
  }

  #features(opened: Opened): void {
    const { wire, rules, fail, hasCertificate } = this.#deps
    const { own, other, versioned } = opened
    // An old one that says nothing of itself: its keys will be judged.
    if (own === undefined || other === undefined) this.#offer = { kind: 'none' }
    else {
      const accepted = rules({ sender: other, target: own })?.accepted ?? []
      const possible = hasCertificate() ? accepted : inClear(accepted)
      this.#offer = offerTo(possible, { version: versioned, ...this.#seen(other) })
    }
    const offer = this.#offer
    if (offer.kind === 'refuse') {
      fail(REFUSALS[offer.reason])
      return
    }
    if (offer.kind === 'features') {
      // After SASL there are features again; after dialback there are none.
      const managed = !offer.external && offer.starttls === 'no'
      wire.write(writeElement(featuresOf({ ...offer, managed })))
    }
    this.#open()
  }

  #afterSasl({ sender, target }: DomainPair, { own, other, versioned }: Opened): void {
    const { wire, fail } = this.#deps
    if (own !== target)
      fail({ condition: 'host-unknown', text: 'the stream was authenticated for another domain' })
    else if (other !== sender)
      fail({ condition: 'invalid-from', text: 'the stream was authenticated for another domain' })
    else {
      const features = {
        starttls: 'no',
        external: false,
        dialback: true,
        bidi: false,
        managed: true,
      } as const
      if (versioned) wire.write(writeElement(featuresOf(features)))
      this.#open()
    }
  }

  #open(): void {
    this.#phase = 'open'
    this.#deps.opened()
  }

  /** A new stream begins on the same connection. */
  #again(): void {
    this.#phase = 'header'
    this.#id = this.#opened = this.#offer = undefined
  }

  #startTls(): void {
    const { wire, leave, hasKeys } = this.#deps
    const offered = this.#offer?.kind === 'features' && this.#offer.starttls !== 'no'
    if (!offered || hasKeys()) {
      leave('STARTTLS where it was not offered', FAILED_TLS + CLOSE)
      return
    }
    wire.write(PROCEED)
    this.#phase = 'securing'
    wire.startTls({ kind: 'server', as: this.#opened?.own, direct: false })
  }

  #sasl(element: Element): void {
    const { wire, fail, rules, admit, hasKeys } = this.#deps
    const { own, other } = this.#opened ?? {}
    if (this.#authenticated !== undefined || hasKeys()) {
      fail(TOO_LATE)
      return
    }
    if (element.getName() === 'abort') this.#saslFailed('aborted')
    else if (element.getName() !== 'auth' || own === undefined || other === undefined)
      this.#saslFailed('malformed-request')
    else {
      const pair = { sender: other, target: own }
      const found = rules(pair)
      const fault = authFault(element, other)
      const policy = externalPolicy(found?.accepted ?? [], this.#seen(other))
      if (fault !== undefined) this.#saslFailed(fault)
      else if (policy.kind === 'failure' || found === undefined)
        this.#saslFailed(policy.kind === 'failure' ? policy.condition : 'not-authorized')
      else if (admit(pair, found, policy)) {
        this.#authenticated = pair
        wire.write(writeElement(saslSuccess()))
        wire.restart()
        this.#again()
      }
    }
  }

  #saslFailed(condition: SaslCondition): void {
    this.#deps.wire.write(writeElement(saslFailure(condition)))
    if (++this.#saslFailures >= SASL_TRIES)
      this.#deps.fail({ condition: 'policy-violation', text: 'too many failures of SASL' })
  }

  /** Before SASL or dialback; later it changes nothing. */
  #askForBidi(): void {
    if (this.#offer?.kind === 'features' && this.#offer.bidi && !this.#deps.hasKeys()) this.#bidi = true
  }

  #seen(other: Domain): Omit<Initiator, 'version'> {
    const { secured } = this.#deps.wire
    return { tls: secured !== undefined, certificate: certificateCheck(secured, other) }
  }
}
