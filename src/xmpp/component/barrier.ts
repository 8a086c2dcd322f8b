import type { Random } from '../../kernel/random.ts'
import { type Element, xml } from '../xml/element.ts'

const PING = 'urn:xmpp:ping'

/** Told true once the server has taken all that was sent before; false if the stream broke first. */
export type Confirmation = (taken: boolean) => void

/**
 * An acknowledgement for a stream that has none. The server handles a stream in order, so a ping (XEP-0199) that comes back,
 * answered or routed to where it was addressed, proves that everything sent before it was handled. One ping is under way
 * at a time; the next speaks for all who asked meanwhile.
 */
export class Barrier {
  readonly #self: string
  readonly #target: string
  readonly #random: Random
  readonly #onFault: (error: unknown) => void
  #asking: Confirmation[] = []
  #sent: { readonly id: string; readonly for: readonly Confirmation[] } | undefined

  /** @param self the component's own address; @param target whom to ping: the component itself, routed back by the server */
  constructor(self: string, target: string, random: Random, onFault: (error: unknown) => void) {
    this.#self = self
    this.#target = target
    this.#random = random
    this.#onFault = onFault
  }

  /** Confirmations asked for and not yet given. */
  get open(): number {
    return this.#asking.length + (this.#sent?.for.length ?? 0)
  }

  get underWay(): boolean {
    return this.#sent !== undefined
  }

  ask(confirmation: Confirmation): void {
    this.#asking.push(confirmation)
  }

  /** The ping to put behind what is about to be written; undefined: nobody asks, or one is under way. */
  next(): Element | undefined {
    return this.#sent === undefined && this.#asking.length > 0 ? this.ping() : undefined
  }

  /** A ping in any case: also the sign of life (XEP-0199). Only if none is under way. */
  ping(): Element {
    const id = `barrier-${this.#random.token(12)}`
    this.#sent = { id, for: this.#asking }
    this.#asking = []
    return xml('iq', { type: 'get', id, from: this.#self, to: this.#target }, xml('ping', { xmlns: PING }))
  }

  /** True if this stanza was the ping coming back: it is ours and goes no further. */
  returned(stanza: Element): boolean {
    const sent = this.#sent
    if (sent === undefined || stanza.name !== 'iq' || stanza.attrs.id !== sent.id) return false
    const { type, from } = stanza.attrs
    const itself = type === 'get' && from === this.#self
    const answer = (type === 'result' || type === 'error') && from === this.#target
    if (!itself && !answer) return false
    this.#sent = undefined
    this.#tell(sent.for, true)
    return true
  }

  /** The stream is gone: nothing that is open will be confirmed. */
  broken(): void {
    const open = [...(this.#sent?.for ?? []), ...this.#asking]
    this.#sent = undefined
    this.#asking = []
    this.#tell(open, false)
  }

  /** One that throws keeps nobody else from being told. */
  #tell(confirmations: readonly Confirmation[], taken: boolean): void {
    for (const confirmation of confirmations) {
      try {
        confirmation(taken)
      } catch (error) {
        this.#onFault(error)
      }
    }
  }
}
