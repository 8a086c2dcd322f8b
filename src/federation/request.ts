import type { Address } from './address.ts'

export type RequestKind = 'message' | 'presence' | 'session' | 'query'

export interface RequestFacts {
  /** `query`: disco, version, vCard and the like towards a user. */
  readonly kind: RequestKind
  readonly from: Address
  readonly to: Address
  /** The limit of its peer that this request goes beyond, as the edge has counted; absent: none. */
  readonly beyond?: 'messages' | 'contacts' | undefined
}
