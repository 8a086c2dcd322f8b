import type { Clock } from '../../kernel/clock.ts'
import { type Element, xml } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import type { Confirmation } from './options.ts'
import { Acknowledgements, STREAM_MANAGEMENT } from './stream-management.ts'
import type { Wire } from './wire.ts'

/** The stanzas of one stream that has been let in, and what has become of them. */
export class Traffic {
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #acknowledgements = new Acknowledgements()
  /** Written in this turn, one for each stanza. */
  #turn: (Confirmation | undefined)[] = []
  #askedAt: number | undefined
  #lastStanza: number
  #lastWrite: number
  #in = 0
  #out = 0

  /** @param managed each side counts the other's stanzas, from here (XEP-0198) */
  constructor(wire: Wire, managed: boolean, clock: Clock) {
    this.#wire = wire
    this.#clock = clock
    this.#lastStanza = clock.now()
    this.#lastWrite = clock.now()
    if (!managed) return
    this.#acknowledgements.countOurs()
    this.#acknowledgements.countTheirs()
  }

  get managed(): boolean {
    return this.#acknowledgements.on
  }

  get stanzasIn(): number {
    return this.#in
  }

  get stanzasOut(): number {
    return this.#out
  }

  /** The clock's time of the last stanza in either direction. */
  get lastStanza(): number {
    return this.#lastStanza
  }

  /** The clock's time when anything was written or read last. */
  get lastSign(): number {
    return Math.max(this.#lastWrite, this.#wire.lastRead)
  }

  /** Since when the peer owes an acknowledgement. */
  get askedAt(): number | undefined {
    return this.#askedAt
  }

  /** False: nothing was taken. */
  send(stanza: Element, taken: Confirmation | undefined): boolean {
    if (!this.#wire.write(writeElement(stanza))) return false
    this.#out++
    this.#lastStanza = this.#clock.now()
    this.#turn.push(taken)
    return true
  }

  /** What was written is leaving. @returns the question to put behind it */
  leaving(): string {
    this.#lastWrite = this.#clock.now()
    for (const taken of this.#turn.splice(0)) this.#acknowledgements.sent(taken)
    const question = this.#acknowledgements.question()
    if (question === undefined) return ''
    this.#askedAt ??= this.#clock.now()
    return writeElement(question)
  }

  /** A stanza has come. */
  received(): void {
    this.#in++
    this.#lastStanza = this.#clock.now()
    this.#acknowledgements.received()
  }

  /** An element of stream management. @returns why the stream has to end */
  management(element: Element): StreamError | undefined {
    if (!this.managed) return undefined
    if (element.getName() === 'a') {
      this.#askedAt = undefined
      return this.#acknowledgements.acknowledge(element)
    }
    if (element.getName() === 'r') this.#wire.write(this.answer())
    return undefined
  }

  /** Our count of the peer's stanzas, also to be said at the end (XEP-0198 §4). */
  answer(): string {
    const answer = this.#acknowledgements.answer()
    return answer === undefined ? '' : writeElement(answer)
  }

  /** A sign of life is asked for, or, where nobody would answer, given. */
  test(): void {
    this.#lastWrite = this.#clock.now()
    if (!this.managed) {
      this.#wire.write(' ')
      return
    }
    this.#askedAt ??= this.#clock.now()
    this.#wire.write(writeElement(xml('r', { xmlns: STREAM_MANAGEMENT })))
  }

  /** The stream is gone: what nobody has acknowledged may be lost. */
  broken(): void {
    for (const taken of this.#turn.splice(0)) taken?.(false)
    this.#acknowledgements.broken()
  }
}
