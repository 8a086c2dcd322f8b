import type { Address } from './address.ts'

/** `query`: disco, version, vCard and the like towards a user. */
export const REQUEST_KINDS = ['message', 'presence', 'session', 'query'] as const

export type RequestKind = (typeof REQUEST_KINDS)[number]

export interface RequestFacts {
  readonly kind: RequestKind
  readonly from: Address
  readonly to: Address
  /** It is within a dialog that was admitted when it began: levels are not asked again. */
  readonly within?: boolean | undefined
  /** The limit of its peer that this request goes beyond, as the edge has counted; absent: none. */
  readonly beyond?: Beyond | 'not-counted' | undefined
}

/** A limit that a request can go beyond. `not-counted`: whoever asks cannot know, as `explain` without a gateway. */
export type Beyond = 'messages' | 'contacts'
