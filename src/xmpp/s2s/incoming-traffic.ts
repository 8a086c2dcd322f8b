import { isStanzaName } from '../stanza.ts'
import { type StanzaCondition, stanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import type { BadStanza } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import type { StreamView } from './channel.ts'
import type { DomainPair } from './domain-pair.ts'
import type { Confirmation, S2sEvent, S2sOptions } from './options.ts'
import { ProvedPairs } from './proved-pairs.ts'
import { SERVER } from './stream-header.ts'
import { Acknowledgements, STREAM_MANAGEMENT } from './stream-management.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

export type Suspicion = Extract<S2sEvent, { kind: 'suspicious' }>['what']

export interface TrafficDeps {
  readonly options: Pick<S2sOptions, 'clock' | 'onStanza' | 'onFault'>
  write(element: Element): void
  fail(error: StreamError): void
  suspect(what: Suspicion): void
  /** Somebody has to be told; `pair.sender` is ours. */
  reply(stanza: Element, pair: DomainPair): void
}

export type TrafficStats = Pick<StreamView, 'stanzasIn' | 'stanzasOut' | 'managed'>

export const isStanza = (element: Element): boolean =>
  isStanzaName(element.name) && element.attrs.xmlns === SERVER

/** What is said on a stream that was opened to us, once something is proved, and who may say it. */
export class IncomingTraffic {
  readonly pairs = new ProvedPairs()
  readonly #deps: TrafficDeps
  readonly #acknowledgements = new Acknowledgements()
  /** Written in this turn, one for each stanza of ours. */
  #turn: (Confirmation | undefined)[] = []
  #lastStanza: number
  #askedAt: number | undefined
  #in = 0
  #out = 0

  constructor(deps: TrafficDeps) {
    this.#deps = deps
    this.#lastStanza = deps.options.clock.now()
  }

  /** The clock's time of the last stanza in either direction. */
  get lastStanza(): number {
    return this.#lastStanza
  }

  /** Since when the peer owes an acknowledgement. */
  get askedAt(): number | undefined {
    return this.#askedAt
  }

  stats(): TrafficStats {
    return { stanzasIn: this.#in, stanzasOut: this.#out, managed: this.#acknowledgements.on }
  }

  stanza(stanza: Element): void {
    const { options } = this.#deps
    if (this.#isEarly()) return
    const proved = this.pairs.of(stanza)
    if (!proved.ok) {
      this.#refuse(proved.error)
      return
    }
    this.#count()
    try {
      options.onStanza(stanza, proved.value.pair, proved.value.proof)
    } catch (error) {
      options.onFault(error)
    }
  }

  /** What people write can be refused, but costs nobody else the stream. */
  badStanza({ root, condition, text }: BadStanza): void {
    if (!isStanza(root)) {
      if (this.pairs.size === 0) this.#deps.fail({ condition: 'policy-violation', text })
      return
    }
    if (this.#isEarly()) return
    const proved = this.pairs.of(root)
    if (!proved.ok) {
      this.#refuse(proved.error)
      return
    }
    this.#count()
    const { type } = root.attrs
    // An IQ without a type that asks is none that waits for an answer.
    const answer =
      root.name === 'iq' && type !== 'get' && type !== 'set'
        ? undefined
        : stanzaError(root, condition, { text })
    const { sender, target } = proved.value.pair
    if (answer !== undefined) this.#deps.reply(answer, { sender: target, target: sender })
  }

  /** XEP-0198, without resumption. */
  management(element: Element): void {
    switch (element.getName()) {
      case 'enable':
        if (this.pairs.size === 0 || this.#acknowledgements.on) this.#fail('unexpected-request')
        else {
          this.#deps.write(xml('enabled', { xmlns: STREAM_MANAGEMENT }))
          this.#acknowledgements.countTheirs()
          this.#acknowledgements.countOurs()
        }
        return
      case 'resume':
        this.#fail(this.pairs.size === 0 ? 'unexpected-request' : 'item-not-found')
        return
      case 'r': {
        const answer = this.#acknowledgements.answer()
        if (answer !== undefined) this.#deps.write(answer)
        return
      }
      case 'a':
        this.#acknowledge(element)
        return
    }
  }

  /** A stanza of ours has been written. */
  sent(taken: Confirmation | undefined): void {
    this.#out++
    this.#lastStanza = this.#deps.options.clock.now()
    this.#turn.push(taken)
  }

  /** What was written is leaving. @returns the question to put behind it */
  leaving(): string {
    for (const taken of this.#turn.splice(0)) this.#acknowledgements.sent(taken)
    const question = this.#acknowledgements.question()
    if (question === undefined) return ''
    this.#askedAt ??= this.#deps.options.clock.now()
    return writeElement(question)
  }

  /** Our count of the peer's stanzas, also to be said at the end (XEP-0198 §4). */
  answer(): string {
    const answer = this.#acknowledgements.answer()
    return answer === undefined ? '' : writeElement(answer)
  }

  /** The stream is gone. */
  broken(): void {
    for (const taken of this.#turn.splice(0)) taken?.(false)
    this.#acknowledgements.broken()
  }

  #acknowledge(element: Element): void {
    const before = this.#acknowledgements.unacknowledged
    const error = this.#acknowledgements.acknowledge(element)
    if (error !== undefined) {
      this.#deps.fail(error)
      return
    }
    const after = this.#acknowledgements.unacknowledged
    if (after === 0) this.#askedAt = undefined
    // What was sent since has not been asked for. Where nothing moves, asking on and on would not help.
    else if (after < before) {
      this.#askedAt = this.#deps.options.clock.now()
      const question = this.#acknowledgements.question()
      if (question !== undefined) this.#deps.write(question)
    }
  }

  #count(): void {
    this.#in++
    this.#lastStanza = this.#deps.options.clock.now()
    this.#acknowledgements.received()
  }

  /** Nothing is proved: whoever it is does not wait to be let in. */
  #isEarly(): boolean {
    if (this.pairs.size > 0) return false
    this.#deps.suspect('early-stanza')
    this.#deps.fail({ condition: 'not-authorized', text: 'a stanza before anything was proved' })
    return true
  }

  #refuse(error: StreamError): void {
    if (error.condition === 'invalid-from') this.#deps.suspect('wrong-from')
    this.#deps.fail(error)
  }

  #fail(condition: StanzaCondition): void {
    this.#deps.write(xml('failed', { xmlns: STREAM_MANAGEMENT }, xml(condition, { xmlns: STANZAS })))
  }
}
