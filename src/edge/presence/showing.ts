import { conditionOfStatus } from '../../interworking/errors.ts'
import { presenceStanzas, typedPresence } from '../../interworking/presence/presence-write.ts'
import {
  type ContactState,
  NO_RESOURCES,
  type ResourceState,
  UNAVAILABLE,
  withhold,
} from '../../interworking/presence/state.ts'
import { capsElement } from '../../xmpp/services/device.ts'
import { stanzaError } from '../../xmpp/stanza-error.ts'
import { Element } from '../../xmpp/xml/element.ts'
import type { People, Resolved } from './people.ts'
import type { PresencePair } from './store.ts'
import type { Watch } from './watch.ts'

export interface ShowingOptions {
  readonly people: People
}

/** Shows an XMPP user the state of the SIP user that it watches. */
export class Showing {
  readonly #options: ShowingOptions

  constructor(options: ShowingOptions) {
    this.#options = options
  }

  /** As a whole, to somebody who has just come. */
  all(watch: Watch): void {
    const known = withhold(watch.known, watch.withheld)
    const to = watch.pair.xmpp
    const told = this.#options.people.tell(watch.pair, (resolved) => {
      const stanzas = stanzasFor(NO_RESOURCES, known, resolved, to)
      return stanzas.length > 0 ? stanzas : [typedPresence('unavailable', { from: resolved.contact, to })]
    })
    if (told) watch.shown = known
  }

  /** What has changed since the user was told last; where it cannot be told, that stays so until it can. */
  change(watch: Watch): void {
    const known = withhold(watch.known, watch.withheld)
    const told = this.#options.people.tell(watch.pair, (resolved) =>
      stanzasFor(watch.shown, known, resolved, watch.pair.xmpp),
    )
    if (told) watch.shown = known
  }

  answer(pair: PresencePair, type: 'subscribed' | 'unsubscribed'): void {
    this.#options.people.tell(pair, ({ contact }) => [typedPresence(type, { from: contact, to: pair.xmpp })])
  }

  /** The answer to a `subscribe` that came to nothing (RFC 7247 §7.2). */
  refusal({ pair }: Watch, status: number): void {
    this.#options.people.tell(pair, ({ contact }) => {
      const asked = new Element('presence', { from: pair.xmpp, to: contact, type: 'subscribe' })
      const error = stanzaError(asked, conditionOfStatus(status) ?? 'undefined-condition', {
        legacyCode: true,
      })
      return error === undefined ? [] : [error]
    })
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
  new Map(Array.from(resources, (resource) => [resource, FORGOTTEN]))
