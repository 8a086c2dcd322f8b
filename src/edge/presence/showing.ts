import { conditionOfStatus } from '../../interworking/errors.ts'
import { presenceStanzas, typedPresence } from '../../interworking/presence/presence-write.ts'
import {
  type ContactState,
  NO_RESOURCES,
  type ResourceState,
  UNAVAILABLE,
  withhold,
} from '../../interworking/presence/state.ts'
import { smallMap } from '../../kernel/small-map.ts'
import { capsElement } from '../../xmpp/services/device.ts'
import { stanzaError } from '../../xmpp/stanza-error.ts'
import { Element } from '../../xmpp/xml/element.ts'
import { keyOf, type People, type Resolved } from './people.ts'
import type { PresencePair } from './store.ts'
import type { Watch } from './watch.ts'

export interface ShowingOptions {
  readonly people: People
  /** Pairs with an authorization; of as many it is kept that they could not be told how it ended. */
  readonly limit: number
}

type StanzasOf = (resolved: Resolved) => readonly Element[]
type Addressee = Pick<Watch, 'pair'> & Partial<Pick<Watch, 'shown'>>

/** Shows an XMPP user the state of the SIP user that it watches. */
export class Showing {
  readonly #options: ShowingOptions
  /** Answers that did not go out, since there was no link. The last one of a pair counts. */
  readonly #untold = new Map<string, readonly [PresencePair, StanzasOf]>()

  constructor(options: ShowingOptions) {
    this.#options = options
  }

  /** As a whole, to somebody who asks: the user, or one of its devices. */
  all({ pair, known, withheld }: Watch, to: string): void {
    if (known === undefined) return
    this.#options.people.tell(pair, (resolved) => {
      const stanzas = stanzasFor(NO_RESOURCES, withhold(known, withheld), resolved, to)
      return stanzas.length > 0 ? stanzas : [typedPresence('unavailable', { from: resolved.contact, to })]
    })
  }

  /** What has changed since the user was told last; where it cannot be told, that stays so until it can. */
  change(watch: Watch): void {
    const known = withhold(watch.known ?? NO_RESOURCES, watch.withheld)
    const told = this.#options.people.tell(watch.pair, (resolved) =>
      stanzasFor(watch.shown, known, resolved, watch.pair.xmpp),
    )
    if (told) watch.shown = known
  }

  answer({ pair, shown = NO_RESOURCES }: Addressee, type: 'subscribed' | 'unsubscribed'): void {
    const to = pair.xmpp
    this.#say(pair, (resolved) => [
      ...(type === 'unsubscribed' ? stanzasFor(shown, NO_RESOURCES, resolved, to) : []),
      typedPresence(type, { from: resolved.contact, to }),
    ])
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

  /** It is asked for anew: what could not be told would be taken for the answer. */
  recant(pair: PresencePair): void {
    this.#untold.delete(keyOf(pair))
  }

  /** A link is back. */
  settle(): void {
    for (const [pair, stanzasOf] of [...this.#untold.values()]) this.#say(pair, stanzasOf)
  }

  /** Without a link, as soon as there is one: the XMPP server must not believe what is over. */
  #say(pair: PresencePair, stanzasOf: StanzasOf): void {
    const key = keyOf(pair)
    if (this.#options.people.tell(pair, stanzasOf)) this.#untold.delete(key)
    else if (this.#untold.has(key) || this.#untold.size < this.#options.limit)
      this.#untold.set(key, [pair, stanzasOf])
  }
}

/** With what the device can, where it is there (XEP-0115). */
function stanzasFor(
  before: ContactState,
  after: ContactState,
  { contact, via }: Resolved,
  to: string,
): readonly Element[] {
  const stanzas = presenceStanzas(before, after, { from: contact, to })
  for (const stanza of stanzas)
    if (stanza.attrs.type === undefined) stanza.cnode(capsElement(via.gateway.software))
  return stanzas
}

/** Of a resource that was shown by an earlier process, or over a link that was lost: equal to no state that can be read. */
const FORGOTTEN: ResourceState = { ...UNAVAILABLE, available: true, priority: Number.NaN }

/** What the XMPP server may have forgotten, so that all of it is told anew. */
export const forgotten = (resources: Iterable<string>): ContactState =>
  smallMap(Array.from(resources, (resource) => [resource, FORGOTTEN]))
