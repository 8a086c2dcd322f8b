import { isStanzaName } from '../stanza.ts'
import { stanzaError } from '../stanza-error.ts'
import type { Element } from '../xml/element.ts'
import { type BadStanza, STREAMS } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import { verifyAnswer } from './authoritative.ts'
import { DIALBACK, readDialback, type VerifyAnswer, writeDialback } from './dialback.ts'
import type { Dialling } from './dialling.ts'
import type { DomainPair } from './domain-pair.ts'
import type { S2sEvent, S2sOptions } from './options.ts'
import { ReverseWay } from './reverse-way.ts'
import type { SetUp } from './set-up.ts'
import { conditionOf } from './stream-failure.ts'
import { SERVER } from './stream-header.ts'
import { STREAM_MANAGEMENT } from './stream-management.ts'
import type { Traffic } from './traffic.ts'

export type Suspicion = Extract<S2sEvent, { kind: 'suspicious' }>['what']

export interface ArrivalsDeps {
  readonly s2s: S2sOptions
  /** From us to the other domain. */
  readonly pair: DomainPair
  readonly dialling: Dialling
  readonly traffic: () => Traffic | undefined
  /** Stanzas that were under way when we ended the stream still count; nothing is answered any more. */
  readonly closing: () => boolean
  /** The stream has to end. */
  refuse(error: StreamError): void
  suspect(what: Suspicion): void
  /** Sends an error to somebody over there. */
  reply(stanza: Element): void
  verified(answer: VerifyAnswer): void
}

/** What comes on a stream that we opened: the set-up, dialback, acknowledgements, and stanzas where they may come back. */
export class Arrivals {
  readonly #deps: ArrivalsDeps
  #reverse: ReverseWay | undefined

  constructor(deps: ArrivalsDeps) {
    this.#deps = deps
  }

  recheck(): void {
    this.#reverse?.recheck()
  }

  element(element: Element, setUp: SetUp): void {
    const { dialling, traffic } = this.#deps
    const namespace = element.getNS()
    if (namespace === DIALBACK) this.#dialback(element, setUp)
    else if (namespace === STREAMS && element.getName() === 'error') dialling.said(conditionOf(element))
    else if (namespace === SERVER && isStanzaName(element.name)) this.#stanza(element, setUp)
    else if (namespace === STREAM_MANAGEMENT && setUp.stage === 'live') {
      const error = traffic()?.management(element)
      if (error !== undefined) this.#refuse(error)
    } else setUp.element(element)
  }

  /** What people write can be refused, but costs nobody else the stream. */
  badStanza({ root, condition, text }: BadStanza, setUp: SetUp): void {
    const reverse = this.#reverseOf(setUp)
    if (!isStanzaName(root.name) || reverse === undefined) {
      this.#refuse({ condition: 'policy-violation', text })
      return
    }
    const proved = reverse.of(root)
    if (!proved.ok) {
      this.#refuse(proved.error)
      return
    }
    this.#deps.traffic()?.received()
    const asks = root.name !== 'iq' || root.attrs.type === 'get' || root.attrs.type === 'set'
    const answer = asks ? stanzaError(root, condition, { text }) : undefined
    if (answer !== undefined) this.#deps.reply(answer)
  }

  #dialback(element: Element, setUp: SetUp): void {
    const { s2s, dialling, closing, verified } = this.#deps
    const read = readDialback(element)
    if (!read.ok) return
    const dialback = read.value
    if (dialback.kind === 'answer') {
      if (dialback.element === 'result') setUp.answer(dialback)
      else verified(dialback)
      return
    }
    // Asked of us on a stream that goes one way alone: nobody waits for it there.
    const reverse = this.#reverseOf(setUp)
    if (reverse === undefined || closing()) return
    const answer = dialback.element === 'verify' ? verifyAnswer(dialback, s2s) : reverse.key(dialback)
    dialling.wire?.write(writeElement(writeDialback(answer)))
  }

  #stanza(stanza: Element, setUp: SetUp): void {
    const { s2s, traffic } = this.#deps
    const reverse = this.#reverseOf(setUp)
    if (reverse === undefined) {
      this.#refuse({ condition: 'not-authorized', text: 'stanzas may not come on this stream' })
      return
    }
    const proved = reverse.of(stanza)
    if (!proved.ok) {
      this.#refuse(proved.error)
      return
    }
    // Before the answer to `<enable/>` it is not counted (XEP-0198 §4).
    traffic()?.received()
    try {
      s2s.onStanza(stanza, proved.value.pair, proved.value.proof)
    } catch (error) {
      s2s.onFault(error)
    }
  }

  /** Undefined: the stream goes one way alone. */
  #reverseOf(setUp: SetUp): ReverseWay | undefined {
    const { s2s, dialling, pair } = this.#deps
    const secured = dialling.wire?.secured
    if (!setUp.bidi || secured === undefined) return undefined
    this.#reverse ??= new ReverseWay(s2s, secured, { sender: pair.target, target: pair.sender })
    return this.#reverse
  }

  #refuse(error: StreamError): void {
    if (this.#deps.closing()) return
    if (error.condition === 'not-authorized') this.#deps.suspect('early-stanza')
    else if (error.condition === 'invalid-from') this.#deps.suspect('wrong-from')
    this.#deps.refuse(error)
  }
}
