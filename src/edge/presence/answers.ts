import { conditionOfStatus } from '../../interworking/errors.ts'
import { presenceStanzas, typedPresence } from '../../interworking/presence/presence-write.ts'
import { NO_RESOURCES } from '../../interworking/presence/state.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import { stanzaError } from '../../xmpp/stanza-error.ts'
import { Element } from '../../xmpp/xml/element.ts'
import type { Counters } from '../counters.ts'
import { Pace } from './pace.ts'
import { keyOf, type People, type Resolved } from './people.ts'
import type { PresencePair } from './store.ts'
import type { Watch } from './watch.ts'

export interface AnswersOptions {
  readonly people: People
  /** Pairs with an authorization; of as many it is kept that they could not be told how it ended. */
  readonly limit: number
  /** Pairs a second that are told once a link is back. */
  readonly resume: number
  readonly timers: Timers
  readonly counters: Counters
  readonly fault: (error: unknown) => void
}

type StanzasOf = (resolved: Resolved) => readonly Element[]
type Addressee = Pick<Watch, 'pair'> & Partial<Pick<Watch, 'shown'>>

/**
 * Milliseconds between the end of a subscription that the user wanted to end and our word of it: the server of somebody who asks
 * again at once would take it for the answer (RFC 6121 §3.2.2).
 */
const HOLD = 1000

/** What XMPP users are told of their requests. Without a link, as soon as there is one: their servers must not believe what is over. */
export class Answers {
  readonly #options: AnswersOptions
  /** What did not go out, since there was no link. The last word of a pair counts. */
  readonly #untold = new Map<string, readonly [PresencePair, StanzasOf]>()
  readonly #telling: Pace<string>
  readonly #held = new Map<string, Timer>()

  constructor(options: AnswersOptions) {
    this.#options = options
    const { resume: perSecond, timers, fault } = options
    this.#telling = new Pace({ perSecond, timers, run: (key) => this.#tell(key), fault })
  }

  get untold(): number {
    return this.#untold.size
  }

  close(): void {
    this.#telling.close()
    for (const timer of this.#held.values()) timer.cancel()
    this.#held.clear()
  }

  answer({ pair, shown = NO_RESOURCES }: Addressee, type: 'subscribed' | 'unsubscribed'): void {
    const to = pair.xmpp
    this.#say(pair, ({ contact }) => [
      ...(type === 'unsubscribed' ? presenceStanzas(shown, NO_RESOURCES, { from: contact, to }) : []),
      typedPresence(type, { from: contact, to }),
    ])
  }

  /** `unsubscribed`, to somebody who wanted it so (RFC 8048 §5.2.3); not at once. */
  confirm({ pair, shown = NO_RESOURCES }: Addressee): void {
    const key = keyOf(pair)
    if (this.#held.has(key)) return
    const say = (): void => this.answer({ pair, shown }, 'unsubscribed')
    if (this.#held.size < this.#options.limit) this.#held.set(key, this.#options.timers.set(HOLD, say))
    else say()
  }

  /** The answer to a `subscribe` that came to nothing (RFC 7247 §7.2). */
  refusal({ pair, request: id }: Watch, status: number): void {
    this.#say(pair, ({ contact }) => {
      const asked = new Element('presence', { from: pair.xmpp, to: contact, type: 'subscribe', id })
      const error = stanzaError(asked, conditionOfStatus(status) ?? 'undefined-condition', {
        legacyCode: true,
      })
      return error === undefined ? [] : [error]
    })
  }

  /** It is asked for anew: what was not said yet would be taken for the answer. */
  recant(pair: PresencePair): void {
    const key = keyOf(pair)
    this.#untold.delete(key)
    this.#release(key)
  }

  /** A link is back: a few at a time. */
  settle(): void {
    for (const key of this.#untold.keys()) this.#telling.add(key)
  }

  /** Whatever else is said to this pair comes after it. */
  first(pair: PresencePair): void {
    if (this.#untold.size > 0) this.#tell(keyOf(pair))
  }

  #tell(key: string): void {
    const untold = this.#untold.get(key)
    if (untold !== undefined) this.#say(...untold)
  }

  #say(pair: PresencePair, stanzasOf: StanzasOf): void {
    const key = keyOf(pair)
    this.#release(key)
    if (this.#options.people.tell(pair, stanzasOf)) this.#untold.delete(key)
    else if (this.#untold.has(key) || this.#untold.size < this.#options.limit)
      this.#untold.set(key, [pair, stanzasOf])
    else this.#options.counters.add('presence.untold')
  }

  #release(key: string): void {
    this.#held.get(key)?.cancel()
    this.#held.delete(key)
  }
}
