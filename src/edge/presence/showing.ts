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
import type { Element } from '../../xmpp/xml/element.ts'
import type { Answers } from './answers.ts'
import type { People, Resolved } from './people.ts'
import type { Watch } from './watch.ts'

/** Shows an XMPP user the state of the SIP user that it watches. */
export class Showing {
  readonly #people: People
  readonly #answers: Pick<Answers, 'first'>

  constructor(people: People, answers: Pick<Answers, 'first'>) {
    this.#people = people
    this.#answers = answers
  }

  /** As a whole, to somebody who asks: the user, or one of its devices. */
  all({ pair, known, withheld }: Watch, to: string): void {
    if (known === undefined) return
    this.#answers.first(pair)
    this.#people.tell(pair, (resolved) => {
      const stanzas = stanzasFor(NO_RESOURCES, withhold(known, withheld), resolved, to)
      return stanzas.length > 0 ? stanzas : [typedPresence('unavailable', { from: resolved.contact, to })]
    })
  }

  /** What has changed since the user was told last; where it cannot be told, that stays so until it can. */
  change(watch: Watch): void {
    const known = withhold(watch.known ?? NO_RESOURCES, watch.withheld)
    this.#answers.first(watch.pair)
    const told = this.#people.tell(watch.pair, (resolved) =>
      stanzasFor(watch.shown, known, resolved, watch.pair.xmpp),
    )
    if (told) watch.shown = known
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
