import type { Element } from '../xml/element.ts'
import type { VerifyRequest } from './dialback.ts'
import type { DomainPair } from './domain-pair.ts'
import type { StreamProof } from './negotiation.ts'
import type { Confirmation } from './options.ts'
import type { StreamName, Unreachable } from './receiving-state.ts'

/** A live way for stanzas of ours: a stream that we opened, or the other way of one that was opened to us (XEP-0288). */
export interface Channel {
  readonly name: StreamName
  /** False: it is ending, or its reader too slow; nothing was taken, and nobody is told. */
  send(stanza: Element, taken?: Confirmation): boolean
}

/** Where stanzas of ours leave: what streams that were opened to us need of those that we open. */
export interface Outward {
  /** Stanzas of the pair may go over it from now on, until it is taken back. `sender` is ours. */
  offer(pair: DomainPair, channel: Channel): void
  /** @param cut it broke, with what was under way */
  withdraw(channel: Channel, cut?: boolean): void
  /** Asks the authoritative server, over a stream other than `except`, and tells once over which, or why not. */
  verify(
    pair: DomainPair,
    request: VerifyRequest,
    except: StreamName,
    tell: (outcome: { readonly via: StreamName } | { readonly unreachable: Unreachable }) => void,
  ): void
}

/** What a stream was proved by, in one word. */
export function authOf(proof: StreamProof | undefined): StreamView['auth'] {
  if (proof === undefined) return 'none'
  if (proof.certificate === 'match') return 'certificate'
  return proof.tls ? 'dialback-tls' : 'dialback'
}

/** What a stream tells of itself. */
export interface StreamView {
  readonly id: StreamName
  readonly direction: 'in' | 'out'
  /** The other domains, those proved first; empty while it is not known who that is. */
  readonly peers: readonly string[]
  /** Ours. */
  readonly own: readonly string[]
  readonly bidi: boolean
  /** `192.0.2.1:5269`. */
  readonly address: string
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined
  readonly auth: 'certificate' | 'dialback-tls' | 'dialback' | 'none'
  /** `connecting`, `securing`, `negotiating`, `proving`, `live`, `closing`. */
  readonly state: string
  /** Milliseconds since it was opened, and since the last stanza. */
  readonly age: number
  readonly idle: number
  readonly stanzasIn: number
  readonly stanzasOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** XEP-0198 in use. */
  readonly managed: boolean
}
