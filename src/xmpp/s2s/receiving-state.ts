import type {
  DialbackCondition,
  ResultAnswer,
  ResultRequest,
  VerifyAnswer,
  VerifyRequest,
} from './dialback.ts'
import type { DomainPair, PairKey } from './domain-pair.ts'

export interface ReceivingLimits {
  /** Domain pairs of one stream, proved and under way (100). */
  readonly pairs: number
  /** Verifications of all streams, those that wait for another of their pair included (500). */
  readonly verifications: number
  /** Keys of one stream that are being verified (20): with one stream nobody sets us on more third parties at once. */
  readonly underWay: number
  /** Streams that wait while another one's key for the same pair is verified (4). */
  readonly waiting: number
  /** Verifications for one stream that came to nothing, since the last that did not, until it is closed (10). */
  readonly failures: number
  /** Milliseconds from the key to the answer (30,000): the way to the authoritative server is in it. */
  readonly timeout: number
}
export const DEFAULT_RECEIVING: ReceivingLimits = {
  pairs: 100,
  verifications: 500,
  underWay: 20,
  waiting: 4,
  failures: 10,
  timeout: 30_000,
}

/** A stream, by a name of ours that is not used again. */
export type StreamName = string

/** A key that waits for the authoritative server's word. */
export interface Claim {
  readonly stream: StreamName
  /** The id that our header gave that stream. */
  readonly streamId: string
  readonly request: ResultRequest
  readonly until: number
}

/**
 * At most one verification of a pair is under way, whoever claims it; the others come after it. It goes on to its end when the stream
 * that brought the key is gone: else whoever comes and goes would send as many requests as they like.
 */
export interface Verification {
  readonly claim: Claim
  readonly gone: boolean
  readonly waiting: readonly Claim[]
  /** The stream that the request was sent on; undefined: not yet. */
  readonly via: StreamName | undefined
}

/** What a stream has come to; kept until it is closed. */
export interface Standing {
  readonly proved: ReadonlySet<PairKey>
  readonly failures: number
  /** It is being closed: nothing more is done for it. */
  readonly spent: boolean
}

/** All streams of the process together, since what has to be bounded is what they cause together. */
export interface ReceivingState {
  readonly verifications: ReadonlyMap<PairKey, Verification>
  readonly streams: ReadonlyMap<StreamName, Standing>
}

/**
 * What is done about a key: asked for at the authoritative server; taken without, since the certificate on the stream names the
 * sender (§1.2, “without dialing back”); or refused at once.
 */
export type KeyPolicy =
  | { readonly kind: 'verify' }
  | { readonly kind: 'vouched' }
  | { readonly kind: 'refuse'; readonly condition: DialbackCondition }

/** Why the authoritative server could not be asked (XEP-0220 §2.5). */
export type Unreachable = 'not-found' | 'no-connection' | 'lost'

export type ReceivingEvent =
  | {
      readonly kind: 'key'
      readonly stream: StreamName
      readonly streamId: string
      readonly request: ResultRequest
      readonly policy: KeyPolicy
    }
  /** The request `id` for the pair went out on the stream `via`. */
  | { readonly kind: 'sent'; readonly pair: DomainPair; readonly id: string; readonly via: StreamName }
  | {
      readonly kind: 'unreachable'
      readonly pair: DomainPair
      readonly id: string
      readonly reason: Unreachable
    }
  /** It came on the stream `via`. */
  | { readonly kind: 'answer'; readonly via: StreamName; readonly answer: VerifyAnswer }
  | { readonly kind: 'closed'; readonly stream: StreamName }
  | { readonly kind: 'alarm' }

export type ReceivingEffect =
  /**
   * Find or open a stream to the sender's authoritative server, other than `except` (XEP-0288 §2.2), and send this; then tell `sent`,
   * or `unreachable`.
   */
  | {
      readonly kind: 'verify'
      readonly pair: DomainPair
      readonly request: VerifyRequest
      readonly except: StreamName
    }
  | { readonly kind: 'send'; readonly stream: StreamName; readonly answer: ResultAnswer }
  /** From now on the stream may bring stanzas of the pair. */
  | {
      readonly kind: 'proved'
      readonly stream: StreamName
      readonly pair: DomainPair
      readonly by: 'certificate' | 'dialback'
    }
  /** `invalid`: after the answer (§2.2.1). `failures`: policy-violation. */
  | { readonly kind: 'close'; readonly stream: StreamName; readonly reason: 'invalid' | 'failures' }
  /** Nobody asked that, of that stream (§3.1): an attack or a fault of theirs. To be counted. */
  | { readonly kind: 'unsolicited'; readonly via: StreamName; readonly answer: VerifyAnswer }

export type ReceivingStep = readonly [next: ReceivingState, effects: readonly ReceivingEffect[]]

export const NO_STREAMS: ReceivingState = { verifications: new Map(), streams: new Map() }
