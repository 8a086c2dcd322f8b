import type { Evidence } from '../federation/evidence.ts'
import type { Link } from '../federation/model.ts'
import type { Domain } from '../kernel/domain.ts'
import type { Gateway } from '../xmpp/services/queries.ts'
import type { Element } from '../xmpp/xml/element.ts'
import type { AddressBook } from './address-book.ts'

/** What the edge needs of a link to XMPP servers. */
export interface StanzaLink {
  readonly live: boolean
  /** False: nothing was taken. Of what was, `taken` is told once whether the other server has it. */
  send(stanza: Element, taken?: (taken: boolean) => void): boolean
}

/** A link that is attached: its stream, or its streams, and the addresses it has seen. */
export interface Attached {
  /** That of its row. */
  readonly name: string
  /** One object as long as it is attached. */
  readonly link: StanzaLink
  readonly book: AddressBook
  readonly gateway: Gateway
  /** What is proved of who speaks over it. */
  readonly evidence: Evidence
  /** Our own name at the XMPP server; undefined: each of our domains speaks for itself. */
  readonly domain: Domain | undefined
}

/**
 * The link of that row as it stands between a domain of ours and another, if it is attached.
 * @param row undefined: no row knows the other domain; the link by which it was found, if it was
 */
export type Attachments = (row: Link | undefined, own: Domain, other: Domain) => Attached | undefined
