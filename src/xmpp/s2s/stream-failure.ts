import type { Element } from '../xml/element.ts'
import { type AskFailure, bounceOf } from './initiating.ts'
import type { Bounce } from './options.ts'
import type { Place } from './place.ts'
import type { Unreachable } from './receiving-state.ts'
import { STREAM_ERRORS } from './stream-header.ts'

/** Why there is no stream to a domain. */
export interface StreamFailure {
  /**
   * `not-found`: no such server, by DNS or by its own word. `unreachable`: no connection, or nobody who speaks XMPP.
   * `refused`: by us or by them. `invalid-key`: they say that a key of ours is not ours. `full`: a limit of ours.
   * `unwanted`: our rules have no stream between the two, or we are closing; it says nothing about the domain.
   */
  readonly kind: 'not-found' | 'unreachable' | 'refused' | 'invalid-key' | 'full' | 'unwanted'
  /** The cause, on one line: names, addresses and words of ours, nothing that a peer wrote. */
  readonly text: string
}

const CONDITION_OF = {
  'not-found': 'remote-server-not-found',
  unreachable: 'remote-server-timeout',
  refused: 'remote-server-timeout',
  'invalid-key': 'internal-server-error',
  full: 'resource-constraint',
  unwanted: 'remote-server-timeout',
} as const satisfies Record<StreamFailure['kind'], Bounce['condition']>

/** What the senders of the stanzas that waited are told (RFC 6120 §10.4.3, XEP-0220 §2.1.1). */
export const bounceFor = ({ kind, text }: StreamFailure): Bounce => ({ condition: CONDITION_OF[kind], text })

/** What the claim of a key that could not be verified is told. */
export const unreachableFor = ({ kind }: StreamFailure): Unreachable =>
  kind === 'not-found' ? 'not-found' : 'no-connection'

/** Does it tell something of the domain that will still hold in a moment? */
export const isLasting = ({ kind }: StreamFailure): boolean => kind !== 'full' && kind !== 'unwanted'

/** Does it tell that they are there, and what they think of one domain of ours? */
export const isOfPair = ({ kind }: StreamFailure): boolean => kind === 'refused' || kind === 'invalid-key'

/** What came of our key. */
export function keyFailure(domain: string, failure: AskFailure): StreamFailure {
  const kind = bounceOf(failure) === 'internal-server-error' ? 'invalid-key' : 'refused'
  switch (failure.kind) {
    case 'invalid':
      return { kind, text: `${domain} says that our dialback key is invalid` }
    case 'error':
      return { kind, text: `${domain} could not verify our dialback key: ${failure.condition}` }
    case 'no-answer':
      return { kind, text: `${domain} did not answer to our dialback key in time` }
    case 'closed':
      return { kind, text: `${domain} closed the stream while it verified our dialback key` }
    default:
      return failure satisfies never
  }
}

/** `192.0.2.1:5269`, `[2001:db8::1]:5269`. */
export const addressOf = ({ address, port }: Pick<Place, 'address' | 'port'>): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`

/** The condition of a peer's `<stream:error/>`, if it looks like one. */
export function conditionOf(error: Element): string {
  const condition = error
    .getChildElements()
    .find((child) => child.getNS() === STREAM_ERRORS && child.getName() !== 'text')
    ?.getName()
  return condition !== undefined && /^[a-z-]{1,40}$/.test(condition) ? condition : 'undefined-condition'
}
