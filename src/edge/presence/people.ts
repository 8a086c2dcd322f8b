import type { Address } from '../../federation/address.ts'
import { route } from '../../federation/route.ts'
import type { Snapshot } from '../../federation/snapshot.ts'
import type { Domain } from '../../kernel/domain.ts'
import { flat } from '../../kernel/flat.ts'
import type { SipUri, Uri } from '../../sip/uri.ts'
import { parseUri } from '../../sip/uri-parse.ts'
import { uriText } from '../../sip/uri-write.ts'
import { bareOf, domainOf, type Jid } from '../../xmpp/jid.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { addressOf, type Entry } from '../address-book.ts'
import type { Attached, Attachments } from '../attached.ts'
import type { PresenceDirection, PresencePair } from './store.ts'

/** A pair with all that is needed to speak to both of them now. */
export interface Resolved {
  /** The link that carries the XMPP user. */
  readonly via: Attached
  /** The bare JID of the SIP user, as that link writes it. */
  readonly contact: string
  /** The XMPP user, as SIP writes it: an address-of-record. */
  readonly uri: SipUri
  readonly xmpp: Address
  readonly sip: Address
}

export interface PeopleOptions {
  readonly snapshot: () => Snapshot
  readonly attached: Attachments
}

/** One string for a pair, whatever its direction; neither part holds a space. */
export const keyOf = ({ xmpp, sip }: Pick<PresencePair, 'xmpp' | 'sip'>): string => `${xmpp} ${sip}`

/** Finds pairs in what comes in, and the way to both people of a pair. */
export class People {
  readonly #options: PeopleOptions
  /** One event asks several times for the same pair. */
  #last:
    | {
        readonly xmpp: string
        readonly sip: string
        readonly snapshot: Snapshot
        readonly resolved: Resolved
      }
    | undefined

  constructor(options: PeopleOptions) {
    this.#options = options
  }

  /** @param xmpp, sip two addresses as one link knows them */
  pairOf(direction: PresenceDirection, xmpp: Entry, sip: Entry): PresencePair {
    return { direction, xmpp: flat(xmpp.bare), sip: flat(uriText(bareUri(sip.uri))) }
  }

  /** Of a SIP request from the SIP user to the XMPP user. Undefined where one has no form on the other side. */
  pairBetween(direction: PresenceDirection, via: Attached, xmpp: Uri, sip: Uri): PresencePair | undefined {
    const { book } = via
    const user = book.jidOf(xmpp, 'xmpp-user')
    const contact = book.jidOf(sip, 'sip-user')
    if (!user.ok || !contact.ok) return undefined
    const userEntry = book.ofJid(user.value)
    const contactEntry = book.ofJid(contact.value)
    if (!userEntry.ok || !contactEntry.ok) return undefined
    return this.pairOf(direction, userEntry.value, contactEntry.value)
  }

  /** Undefined while no link carries them. */
  resolve(pair: Pick<PresencePair, 'xmpp' | 'sip'>): Resolved | undefined {
    const { snapshot } = this.#options
    const last = this.#last
    if (last?.xmpp === pair.xmpp && last.sip === pair.sip && last.snapshot === snapshot()) {
      const { xmpp, sip, via } = last.resolved
      if (this.#via(sip.domain, xmpp.domain) === via) return last.resolved
    }
    const resolved = this.#resolve(pair)
    this.#last =
      resolved === undefined ? undefined : { xmpp: pair.xmpp, sip: pair.sip, snapshot: snapshot(), resolved }
    return resolved
  }

  #resolve({ xmpp, sip }: Pick<PresencePair, 'xmpp' | 'sip'>): Resolved | undefined {
    const uri = parseUri(sip)
    const own = uri.ok ? addressOf(uri.value) : undefined
    const domain = domainOf(xmpp as Jid)
    if (!uri.ok || own === undefined || domain === undefined) return undefined
    const via = this.#via(own.domain, domain)
    const entry = via?.book.ofJid(xmpp)
    const contact = via?.book.jidOf(uri.value, 'sip-user')
    if (via === undefined || !entry?.ok || !contact?.ok) return undefined
    return {
      via,
      contact: bareOf(contact.value as Jid),
      uri: bareUri(entry.value.uri),
      xmpp: entry.value.address,
      sip: own,
    }
  }

  #via(own: Domain, other: Domain): Attached | undefined {
    const { snapshot, attached } = this.#options
    const way = route(snapshot(), own, other)
    if (way.kind === 'component' || way.kind === 's2s') return attached(way.link, own, other)
    return way.kind === 'discover' ? attached(undefined, own, other) : undefined
  }

  /** True where all of them went out. */
  tell(pair: PresencePair, stanzasOf: (resolved: Resolved) => readonly Element[]): boolean {
    const resolved = this.resolve(pair)
    if (resolved === undefined || !resolved.via.link.live) return false
    let sent = true
    for (const stanza of stanzasOf(resolved)) sent = resolved.via.link.send(stanza) && sent
    return sent
  }
}

/** The address-of-record: without the device. */
const bareUri = (uri: SipUri): SipUri => (uri.params.length === 0 ? uri : { ...uri, params: [] })
