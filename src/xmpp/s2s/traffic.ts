import type { Clock } from '../../kernel/clock.ts'
import { type Element, xml } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import { writeElement } from '../xml/writer.ts'
import type { StreamView } from './channel.ts'
import type { Confirmation } from './options.ts'
import { Acknowledgements, STREAM_MANAGEMENT } from './stream-management.ts'
import type { Wire } from './wire.ts'

export type TrafficStats = Pick<StreamView, 'stanzasIn' | 'stanzasOut' | 'managed'>

/** The stanzas of one stream, whoever opened it, and what has become of ours (XEP-0198, without resumption). */
export class Traffic {
  readonly #wire: Pick<Wire, 'write' | 'lastRead'>
  readonly #clock: Clock
  readonly #acknowledgements = new Acknowledgements()
  /** Written in this turn, one for each stanza of ours. */
  #turn: (Confirmation | undefined)[] = []
  #askedAt: number | undefined
  #lastStanza: number
  #in = 0
  #out = 0

  constructor(wire: Pick<Wire, 'write' | 'lastRead'>, clock: Clock) {
    this.#wire = wire
    this.#clock = clock
    this.#lastStanza = clock.now()
  }

  /** Each side counts the other's stanzas. */
  get managed(): boolean {
    return this.#acknowledgements.on
  }

  /** The clock's time of the last stanza in either direction. */
  get lastStanza(): number {
    return this.#lastStanza
  }

  /** The clock's time when anything was read last. */
  get lastRead(): number {
    return this.#wire.lastRead
  }

  /** Since when the peer owes an acknowledgement. */
  get askedAt(): number | undefined {
    return this.#askedAt
  }

  stats(): TrafficStats {
    return { stanzasIn: this.#in, stanzasOut: this.#out, managed: this.managed }
  }

  /** From here on both sides count. */
  manage(): void {
    this.#acknowledgements.countTheirs()
    this.#acknowledgements.countOurs()
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
    // More may be written by whoever is told, and leaves with the rest.
    while (this.#turn.length > 0) for (const taken of this.#turn.splice(0)) this.#acknowledgements.sent(taken)
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

  /** `<r/>` or `<a/>`, where both sides count. @returns why the stream has to end */
  management(element: Element): StreamError | undefined {
    if (!this.managed) return undefined
    if (element.getName() === 'r') this.#wire.write(this.answer())
    return element.getName() === 'a' ? this.#acknowledge(element) : undefined
  }

  /** Our count of the peer's stanzas, also to be said at the end (XEP-0198 §4). */
  answer(): string {
    const answer = this.#acknowledgements.answer()
    return answer === undefined ? '' : writeElement(answer)
  }

  /** A sign of life is asked for; where nobody would answer, white space finds out whether the connection is gone (RFC 6120 §4.6.1). */
  test(): void {
    if (!this.managed) this.#wire.write(' ')
    else if (this.#askedAt === undefined) {
      this.#askedAt = this.#clock.now()
      this.#wire.write(writeElement(xml('r', { xmlns: STREAM_MANAGEMENT })))
    }
  }

  /** The stream is gone: what nobody has acknowledged may be lost. */
  broken(): void {
    for (const taken of this.#turn.splice(0)) taken?.(false)
    this.#acknowledgements.broken()
  }

  #acknowledge(element: Element): StreamError | undefined {
    const before = this.#acknowledgements.unacknowledged
    const error = this.#acknowledgements.acknowledge(element)
    if (error !== undefined) return error
    const after = this.#acknowledgements.unacknowledged
    if (after === 0) this.#askedAt = undefined
    // What was sent since has not been asked for. Where nothing moves, asking on and on would not help.
    else if (after < before) {
      this.#askedAt = this.#clock.now()
      const question = this.#acknowledgements.question()
      if (question !== undefined) this.#wire.write(writeElement(question))
    }
    return undefined
  }
}
