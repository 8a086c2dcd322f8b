import { isStanzaName } from '../stanza.ts'
import { type StanzaCondition, stanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import type { BadStanza } from '../xml/reader.ts'
import type { StreamError } from '../xml/stream-error.ts'
import type { DomainPair } from './domain-pair.ts'
import type { S2sEvent, S2sOptions } from './options.ts'
import { ProvedPairs } from './proved-pairs.ts'
import { SERVER } from './stream-header.ts'
import { STREAM_MANAGEMENT } from './stream-management.ts'
import type { Traffic } from './traffic.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

export type Suspicion = Extract<S2sEvent, { kind: 'suspicious' }>['what']

export interface IncomingTrafficDeps {
  readonly options: Pick<S2sOptions, 'onStanza' | 'onFault'>
  write(element: Element): void
  fail(error: StreamError): void
  suspect(what: Suspicion): void
  /** Somebody has to be told; `pair.sender` is ours. */
  reply(stanza: Element, pair: DomainPair): void
}

export const isStanza = (element: Element): boolean =>
  isStanzaName(element.name) && element.attrs.xmlns === SERVER

/** What is said on a stream that was opened to us, once something is proved, and who may say it. */
export class IncomingTraffic {
  readonly pairs = new ProvedPairs()
  readonly #deps: IncomingTrafficDeps
  readonly #traffic: Traffic

  constructor(traffic: Traffic, deps: IncomingTrafficDeps) {
    this.#traffic = traffic
    this.#deps = deps
  }

  stanza(stanza: Element): void {
    const { options } = this.#deps
    if (this.#isEarly()) return
    const proved = this.pairs.of(stanza)
    if (!proved.ok) {
      this.#refuse(proved.error)
      return
    }
    this.#traffic.received()
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
    this.#traffic.received()
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
        if (this.pairs.size === 0 || this.#traffic.managed) this.#fail('unexpected-request')
        else {
          this.#deps.write(xml('enabled', { xmlns: STREAM_MANAGEMENT }))
          this.#traffic.manage()
        }
        return
      case 'resume':
        this.#fail(this.pairs.size === 0 ? 'unexpected-request' : 'item-not-found')
        return
      default: {
        const error = this.#traffic.management(element)
        if (error !== undefined) this.#deps.fail(error)
      }
    }
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
