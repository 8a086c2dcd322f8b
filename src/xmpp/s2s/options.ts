import type { Clock } from '../../kernel/clock.ts'
import type { Domain } from '../../kernel/domain.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Lookups } from '../../net/dns/answer.ts'
import type { Credentials } from '../../net/tls/credentials.ts'
import type { ReconnectTimes } from '../component/back-off.ts'
import type { StanzaCondition } from '../stanza-error.ts'
import type { Element } from '../xml/element.ts'
import type { XmlLimits } from '../xml/limits.ts'
import type { DialbackKeys } from './dialback-key.ts'
import type { DomainPair } from './domain-pair.ts'
import type { FixedHost } from './locate.ts'
import type { Accepted, StreamProof } from './negotiation.ts'
import type { TlsStart } from './place.ts'

/** What holds for streams between a domain of ours and another one. */
export interface PeerRules {
  readonly accepted: Accepted
  /** Milliseconds of silence after which a stream is tested; 0: never. */
  readonly keepAlive: number
  /** Whose streams are counted together: those of all its domains. */
  readonly partner: string
  /** Streams from that partner at once. */
  readonly connections: number
  /** Where its server is, instead of where DNS says. */
  readonly fixed: FixedHost | undefined
  /** DNS may not send us to a private address for it: whoever may name a domain would choose where inside we connect. */
  readonly publicOnly?: boolean | undefined
}

export interface S2sListener {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly tls: TlsStart
}

export interface S2sLimits {
  /** Connections of both directions. */
  readonly connections: number
  /** Connections that came from one address. */
  readonly connectionsPerAddress: number
  /** Of those that came, how many have not proved anything yet. */
  readonly handshakes: number
  /** Milliseconds from the connection until something is proved on it. */
  readonly setUp: number
  /** Milliseconds without a stanza in either direction after which a stream is closed. */
  readonly idle: number
  /** Pairs of domains that one stream may carry. */
  readonly pairs: number
  /** Stanzas that wait for the stream of one domain pair. */
  readonly queueStanzas: number
  /** Octets of all stanzas that wait for streams. */
  readonly queueBytes: number
  /** Domains that could not be reached and are remembered. */
  readonly domains: number
  /** Dialback keys that are being verified, for all streams together. */
  readonly verifications: number
  /** Octets that may wait to be written on one stream. */
  readonly outgoingBytes: number
}

export const DEFAULT_S2S_LIMITS: S2sLimits = {
  connections: 5_000,
  connectionsPerAddress: 100,
  handshakes: 500,
  setUp: 30_000,
  idle: 600_000,
  pairs: 100,
  queueStanzas: 100,
  queueBytes: 16 * 1024 * 1024,
  domains: 10_000,
  verifications: 500,
  outgoingBytes: 1024 * 1024,
}

/** Told once what has become of a stanza: whether the other side has it (XEP-0198), or the kernel where there is no such word. */
export type Confirmation = (taken: boolean) => void

/** Why a stanza did not leave; `text` tells the cause and goes to its sender. */
export interface Bounce {
  readonly condition: Extract<
    StanzaCondition,
    'remote-server-not-found' | 'remote-server-timeout' | 'internal-server-error' | 'resource-constraint'
  >
  readonly text: string
}

/** Why a stream ends that was for keys alone, whoever opened it. */
export const VERIFIED = 'nothing more to verify'

/** What happens, as values for the log and the counters. */
export type S2sEvent =
  /** Stanzas of the pair may cross; `direction` as seen from us. */
  | {
      readonly kind: 'proved'
      readonly stream: string
      readonly direction: 'in' | 'out'
      readonly pair: DomainPair
      readonly proof: StreamProof
      readonly address: string
    }
  /** A stream has ended; `wasLive`: something had been proved on it. */
  | {
      readonly kind: 'closed'
      readonly stream: string
      readonly direction: 'in' | 'out'
      /** The other domain, as far as it is known. */
      readonly peer: Domain | undefined
      readonly address: string
      readonly reason: string
      readonly wasLive: boolean
    }
  /** A domain could not be reached, and is not tried again for so many milliseconds. */
  | {
      readonly kind: 'unreachable'
      readonly domain: Domain
      readonly reason: string
      readonly retryIn: number
    }
  /** Stanzas to that domain can leave. */
  | { readonly kind: 'reachable'; readonly domain: Domain }
  /** A stream that they took broke, and with it perhaps what was under way. */
  | { readonly kind: 'cut'; readonly domain: Domain }
  /** Kept out by a limit. */
  | { readonly kind: 'limit'; readonly limit: keyof S2sLimits | 'perPartner'; readonly address: string }
  /** An attack or a grave fault of theirs: what it was. */
  | {
      readonly kind: 'suspicious'
      readonly stream: string
      readonly address: string
      readonly what: 'unsolicited-dialback' | 'wrong-from' | 'early-stanza' | 'octets-before-tls'
    }

export interface S2sOptions {
  readonly credentials: Credentials
  readonly keys: DialbackKeys
  /** Is it a domain of ours that speaks XMPP itself? */
  readonly serves: (own: Domain) => boolean
  /** Undefined: no stream between the two. Asked at each set-up, and for each pair. */
  readonly rulesFor: (own: Domain, other: Domain) => PeerRules | undefined
  readonly lookups: Lookups
  readonly families?: readonly (4 | 6)[] | undefined
  readonly reachable?: ((address: string, port: number) => boolean) | undefined
  readonly xml: XmlLimits
  readonly limits: S2sLimits
  readonly retry: ReconnectTimes
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  /** A stanza that came from `pair.sender` to `pair.target`, both proved on its stream; it has a from and a to of them. */
  onStanza(stanza: Element, pair: DomainPair, proof: StreamProof): void
  /** A stanza of ours that did not leave. */
  onBounce(stanza: Element, bounce: Bounce): void
  onEvent(event: S2sEvent): void
  /** An exception of one of the above; the stream goes on. */
  onFault(error: unknown): void
}
