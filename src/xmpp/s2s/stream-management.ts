import { type Element, xml } from '../xml/element.ts'
import type { StreamError } from '../xml/stream-error.ts'
import type { Confirmation } from './options.ts'

export const STREAM_MANAGEMENT = 'urn:xmpp:sm:3'

/** XEP-0198 §4: counts go round at 2³². */
const ROUND = 2 ** 32

/** What each side has of the other's stanzas on one stream, by acknowledgements without resumption (XEP-0198 §4). */
export class Acknowledgements {
  /** Stanzas that we were sent since it was switched on for what comes in; undefined: it is not. */
  #received: number | undefined
  /** By the other side's word, how many of ours it has; undefined: it is not asked. */
  #acknowledged: number | undefined
  /** One for each stanza of ours that is not acknowledged, oldest first. */
  #waiting: (Confirmation | undefined)[] = []
  #requested = false

  /** The other side counts what we send, from here. */
  countOurs(): void {
    this.#acknowledged = 0
  }

  /** We count what the other side sends, from here. */
  countTheirs(): void {
    this.#received = 0
  }

  /** In use in either way. */
  get on(): boolean {
    return this.#received !== undefined || this.#acknowledged !== undefined
  }

  /** Stanzas of ours that the other side has not acknowledged. */
  get unacknowledged(): number {
    return this.#waiting.length
  }

  /** A stanza of ours was written. Where nobody acknowledges it, it counts as taken. */
  sent(taken: Confirmation | undefined): void {
    if (this.#acknowledged === undefined) taken?.(true)
    else this.#waiting.push(taken)
  }

  /** The question to put behind what was written; undefined: nothing waits, or the question is under way (§4 `<r/>`). */
  question(): Element | undefined {
    if (this.#requested || this.#waiting.length === 0) return undefined
    this.#requested = true
    return xml('r', { xmlns: STREAM_MANAGEMENT })
  }

  /** A stanza has come. */
  received(): void {
    if (this.#received !== undefined) this.#received = (this.#received + 1) % ROUND
  }

  /** The answer to `<r/>`; undefined: they were not allowed to ask. */
  answer(): Element | undefined {
    if (this.#received === undefined) return undefined
    return xml('a', { xmlns: STREAM_MANAGEMENT, h: String(this.#received) })
  }

  /** `<a/>` has come. @returns why the stream has to end: they claim more than we sent (§4, `handled-count-too-high`) */
  acknowledge(answer: Element): StreamError | undefined {
    const h = /^\d{1,10}$/.test(String(answer.attrs.h)) ? Number(answer.attrs.h) : undefined
    if (this.#acknowledged === undefined || h === undefined || h >= ROUND)
      return { condition: 'undefined-condition', text: 'an acknowledgement that makes no sense' }
    const news = (h - this.#acknowledged + ROUND) % ROUND
    if (news > this.#waiting.length)
      return { condition: 'undefined-condition', text: 'more was acknowledged than was sent' }
    this.#acknowledged = h
    this.#requested = false
    for (const taken of this.#waiting.splice(0, news)) taken?.(true)
    return undefined
  }

  /** The stream is gone: what was not acknowledged may be lost. */
  broken(): void {
    for (const taken of this.#waiting.splice(0)) taken?.(false)
  }
}
