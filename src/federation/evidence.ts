import type { Domain } from '../kernel/domain.ts'

/** What the verifiers found out about the peer that handed the request over. Plain data: it is logged as judged. */
export type Evidence =
  /** It came over this component link (XEP-0114 handshake done). */
  | { readonly kind: 'component'; readonly link: string }
  /** It came from this home server, on an inside listener. */
  | { readonly kind: 'home'; readonly home: string }
  /** A SIP peer whose validated client certificate carries `names`; `asserted` is what its asserting header said. */
  | {
      readonly kind: 'sip-peer'
      readonly names: readonly Domain[]
      readonly asserted: 'verified' | 'unverified' | 'absent'
    }
  /** An S2S stream (RFC 6120 §13.7, XEP-0220) on which the sender's domain was proved as stated. */
  | {
      readonly kind: 's2s'
      readonly link: string
      readonly certificate: 'match' | 'mismatch' | 'absent'
      readonly dialback: 'valid' | 'invalid' | 'not-tried'
      readonly tls: boolean
    }
  /** Nothing was proved. */
  | { readonly kind: 'none' }
