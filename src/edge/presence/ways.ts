import { assertedMark } from '../../federation/case.ts'
import { markBy } from '../../federation/level.ts'
import { standingOf } from '../../federation/lookup.ts'
import type { Home } from '../../federation/model.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import { withGr } from '../../interworking/presence/presence-to-pidf.ts'
import type { Endpoint } from '../../sip/endpoint/endpoint.ts'
import type { Sending } from '../../sip/events/carry.ts'
import type { HeaderField } from '../../sip/headers.ts'
import type { SipUri } from '../../sip/uri.ts'
import { uriText } from '../../sip/uri-write.ts'
import type { Destination } from '../reach.ts'
import { markField } from '../trust-headers.ts'
import type { Resolved } from './people.ts'

export interface WaysOptions {
  readonly endpoint: () => Pick<Endpoint, 'listenerFor'>
  readonly snapshot: () => Snapshot
  /** Where a home server is now, in the order in which to try; empty: it was not found. */
  readonly placesOf: (home: Home) => readonly Destination[]
  /** How one request goes to a home server. */
  readonly sendingTo: (home: Home) => Sending
  /** The name by which we are known. */
  readonly edge: () => string
}

/**
 * The way of our dialogs. Whatever belongs to one goes to the home server of the SIP user, never to an address that a Contact
 * names; and comes to the listener that faces it.
 */
export class Ways {
  readonly #options: WaysOptions

  constructor(options: WaysOptions) {
    this.#options = options
  }

  to(home: string): readonly Destination[] {
    const { snapshot, placesOf } = this.#options
    const row = snapshot().homes.get(home)
    return row === undefined ? [] : placesOf(row)
  }

  sending(home: string): Sending | undefined {
    const { snapshot, sendingTo } = this.#options
    const row = snapshot().homes.get(home)
    return row === undefined ? undefined : sendingTo(row)
  }

  /**
   * Contact: the XMPP user with our tag as its device (RFC 6665 §4.5.1), which says nothing of a host. So Record-Route names
   * us, as of a proxy before that user: no home server needs to find out where the user's domain is.
   */
  fields(uri: SipUri, tag: string, home: string): readonly HeaderField[] {
    const contact: HeaderField = ['Contact', `<${uriText(withGr(uri, tag))}>`]
    const [place] = this.to(home)
    const listener = place === undefined ? undefined : this.#options.endpoint().listenerFor(place)
    if (listener === undefined) return [contact]
    const { sentBy, transport } = listener
    return [contact, ['Record-Route', `<sip:${sentBy};transport=${transport};lr>`]]
  }

  /** Of requests and responses, where the home server acts by it: what we know of the XMPP user (design: enforcement). */
  mark({ xmpp, via }: Pick<Resolved, 'xmpp' | 'via'>, home: string): readonly HeaderField[] {
    const { snapshot, edge } = this.#options
    const now = snapshot()
    if (now.homes.get(home)?.enforce !== 'home') return []
    const standing = standingOf(now, xmpp.domain)
    const { level, provider } = standing
    return [markField({ mark: markBy(level, assertedMark(via.evidence, now, standing)), provider }, edge())]
  }
}
