import type { Element } from '../xml/element.ts'
import { writeElement } from '../xml/writer.ts'
import type { Confirmation } from './options.ts'

export interface Waiting {
  readonly stanza: Element
  readonly taken: Confirmation | undefined
  readonly octets: number
}

export interface WaitingLimits {
  /** Of one queue. */
  readonly stanzas: number
  /** Of all queues together. */
  readonly octets: number
}

/** What waits for streams, over all domain pairs: their queues share the octets. */
export class WaitingRoom {
  readonly #limits: WaitingLimits
  #octets = 0
  #stanzas = 0

  constructor(limits: WaitingLimits) {
    this.#limits = limits
  }

  get octets(): number {
    return this.#octets
  }

  get stanzas(): number {
    return this.#stanzas
  }

  /** False: there is no room; nothing was taken. */
  enter(queue: Waiting[], stanza: Element, taken: Confirmation | undefined): boolean {
    if (queue.length >= this.#limits.stanzas) return false
    const octets = Buffer.byteLength(writeElement(stanza))
    if (this.#octets + octets > this.#limits.octets) return false
    queue.push({ stanza, taken, octets })
    this.#octets += octets
    this.#stanzas++
    return true
  }

  /** Everything of the queue, in its order. */
  leave(queue: Waiting[]): readonly Waiting[] {
    const all = queue.splice(0)
    for (const { octets } of all) this.#octets -= octets
    this.#stanzas -= all.length
    return all
  }
}
