import type { Domain } from '../kernel/domain.ts'
import type { Address } from './address.ts'
import type { DomainPattern } from './domain-pattern.ts'

/** The objects of the federation data. Rows are plain, frozen values; `buildSnapshot` checks them together. */

export type Protocol = 'sip' | 'xmpp'
export type ProviderType = 'public' | 'hosted' | 'partner'
/** How far a provider's users are believed: its own mark decides, contacts only, or everybody. */
export type Level = 'verified' | 'contacts' | 'all'
/** What a request carries on: whether the sender is the user it says. */
export type Mark = 'verified' | 'unverified'

/** What one peer may do to us; undefined: no limit of that kind. */
export interface PeerLimits {
  readonly messagesPerSecond: number | undefined
  /** Distinct served users that it may address within an hour. */
  readonly contacts: number | undefined
  /** Connections that it may have open at once. */
  readonly connections: number | undefined
}

/** Contact entries that a user's own outgoing messages and subscriptions leave behind. */
export interface Learning {
  readonly enabled: boolean
  /** Milliseconds an entry lives after the last message or subscription that it rests on. */
  readonly lifetime: number
  /** Learned entries of one user. */
  readonly perUser: number
}

/** The one object of its kind: what holds for everybody. `suspended` acts as `enabled: false`. */
export interface FederationSwitches extends Suspendable {
  /** Nothing crosses while it is off. */
  readonly enabled: boolean
  readonly sip: boolean
  readonly publicIm: boolean
  readonly xmpp: boolean
  readonly openDiscovery: {
    readonly enabled: boolean
    readonly verification: Level
    readonly limits: PeerLimits
  }
  readonly learning: Learning
}

/** What an emergency stop sets on any row, whoever owns it; such a row acts as a disabled one. */
export interface Suspendable {
  readonly suspended: boolean
}

export type NextHop =
  /** A SIP URI in its text form: `sip:host:port;transport=udp`. */
  { readonly kind: 'uri'; readonly uri: string } | { readonly kind: 'embedded' }

/** Where a secret is to be found, never the secret itself. */
export type SecretPlace = { readonly env: string } | { readonly file: string }

export interface HomeCredentials {
  readonly realm: string
  readonly username: string
  readonly password: SecretPlace
}

export interface Home extends Suspendable {
  readonly name: string
  readonly nextHop: NextHop
  /** IP addresses it may speak from on an inside listener. */
  readonly addresses: readonly string[]
  /** What we answer its challenges with (RFC 3261 §22.2); the password is not federation data. */
  readonly credentials: HomeCredentials | undefined
  /** Name its certificate must carry, where it proves itself by TLS. */
  readonly certificate: Domain | undefined
  /** Who refuses what the level refuses: we, or the home server by the mark that we set. */
  readonly enforce: 'edge' | 'home'
  /** RFC 3428 §8: requests may be long and pipelined on this path. */
  readonly congestionSafePath: boolean
}

export interface ServedDomain extends Suspendable {
  readonly name: Domain
  readonly home: string
  /** `listed`: only users with a row exist; `any`: the home server knows. */
  readonly users: 'any' | 'listed'
  /** Names of the links that may carry it. */
  readonly links: readonly string[]
}

/** How addresses are written on a component link. */
export type Addressing =
  | { readonly kind: 'straight' }
  /** `user\40domain@component` (XEP-0106, XEP-0100). */
  | { readonly kind: 'escaped' }
  /** The served domain `sip` appears as `xmpp` at the XMPP server. */
  | { readonly kind: 'pair'; readonly sip: Domain; readonly xmpp: Domain }

/** XEP-0114. The secret is not federation data: it is handed to the link by name. */
export interface ComponentLink extends Suspendable {
  readonly kind: 'component'
  readonly name: string
  readonly host: string
  readonly port: number
  /** The component's own name at the XMPP server. */
  readonly domain: Domain
  /** The domains behind the XMPP server: what the link proves. */
  readonly remote: 'any' | readonly DomainPattern[]
  /** The user mark of everybody behind it. */
  readonly vouches: Mark
  readonly addressing: Addressing
}

/** Server-to-server XMPP; its remote domains are those of the providers that name it. */
export interface S2sLink extends Suspendable {
  readonly kind: 's2s'
  readonly name: string
}

export type Link = ComponentLink | S2sLink

export type Requirement = 'required' | 'optional' | 'unsupported'

/** How an XMPP provider proves its domains over S2S. */
export interface Negotiation {
  readonly tls: Requirement
  readonly sasl: Requirement
  readonly dialback: boolean
  /** The user mark that dialback over TLS earns. */
  readonly dialbackOverTls: Mark
  /** Milliseconds between keep-alives; 0: none. */
  readonly keepAlive: number
  readonly connections: number
}

interface ProviderRow extends Suspendable {
  readonly name: string
  readonly type: ProviderType
  readonly enabled: boolean
  readonly verification: Level
  readonly domains: readonly DomainPattern[]
  readonly icon: string | undefined
  readonly description: string | undefined
  readonly congestionSafePath: boolean
  readonly limits: PeerLimits
}

export interface SipProvider extends ProviderRow {
  readonly protocol: 'sip'
  /** FQDNs; a client certificate must name one of them. */
  readonly accessEdges: readonly Domain[]
  /** The header in which the provider asserts that its user is verified; undefined: none, the mark is absent. */
  readonly assertingHeader: string | undefined
}

/** Where an XMPP server is, whatever DNS says: a host name or an IP address without brackets. */
export interface ServerPlace {
  readonly host: string
  readonly port: number
  /** Whether TLS begins with the first octet (XEP-0368), or by STARTTLS. */
  readonly tls: 'starttls' | 'direct'
}

export interface XmppProvider extends ProviderRow {
  readonly protocol: 'xmpp'
  /** Name of the link that carries it; a provider without one can only be disabled. */
  readonly link: string | undefined
  /** Over an s2s link: where all its domains are; undefined: where DNS says. */
  readonly server: ServerPlace | undefined
  readonly negotiation: Negotiation
}

export type Provider = SipProvider | XmppProvider

/** Covers its subdomains. */
export interface AllowedDomain extends Suspendable {
  readonly name: Domain
  readonly verification: Level
  readonly comment: string
}

/** Covers its subdomains, and wins over everything. */
export interface BlockedDomain {
  readonly name: Domain
  readonly comment: string
}

/** What a policy grants; flags start as false. */
export interface PolicyFlags {
  readonly federation: boolean
  readonly publicIm: boolean
  readonly xmpp: boolean
}

/** The user's own policy wins over that of its site, and that over the global one; the winner counts whole. */
export interface Policy extends Suspendable {
  /** `global`, `site:NAME`, or a name under which it is granted to users. */
  readonly name: string
  readonly flags: PolicyFlags
  readonly description: string | undefined
}

export interface Privacy {
  readonly contactsOnly: boolean
  readonly hideNotes: boolean
}

/** A user of a served domain. */
export interface User extends Suspendable {
  readonly address: Address
  readonly enabled: boolean
  /** Undefined: the home of its served domain. */
  readonly home: string | undefined
  readonly site: string | undefined
  /** Name of the policy that is granted; undefined: that of the site, or the global one. */
  readonly policy: string | undefined
  readonly privacy: Privacy
}

/** Whom an entry of a contact list means. A domain covers its subdomains. */
export type ContactMatch =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'domain'; readonly domain: Domain }
  | { readonly kind: 'provider'; readonly provider: string }
  | { readonly kind: 'everyone' }

export interface ContactEntry {
  readonly match: ContactMatch
  readonly by: 'user' | 'admin' | 'learned'
  /** Milliseconds since the Unix epoch; from then on the entry counts as absent. Undefined: it stays. */
  readonly expires: number | undefined
}

export interface ContactList {
  readonly user: Address
  readonly allow: readonly ContactEntry[]
  readonly block: readonly ContactEntry[]
}
