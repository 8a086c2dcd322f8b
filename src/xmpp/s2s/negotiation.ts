import type { StreamCondition } from '../xml/stream-error.ts'
import type { KeyPolicy } from './receiving-state.ts'

/** What a domain may be proved by on a stream: SASL EXTERNAL (XEP-0178), dialback over TLS, dialback in clear (XEP-0220). */
export type Way = 'sasl-tls' | 'tls-dialback' | 'tcp-dialback'

/** The ways that the rules for the other domain allow, the best first; none: no stream at all. Everything here follows from them. */
export type Accepted = readonly Way[]

/**
 * Does the certificate that the other side showed name its domain, with a chain that we believe? `absent` also where there is no TLS.
 */
export type CertificateCheck = 'match' | 'mismatch' | 'absent'

/** What was proved once the step is through. A matching certificate counts as one, whatever was said over it. */
export interface StreamProof {
  readonly certificate: CertificateCheck
  readonly dialback: 'valid' | 'not-tried'
  readonly tls: boolean
}

/** What the initiating server sees of the receiving one, after each of its stream headers and what followed. */
export interface Receiver {
  /** Its header has a version of 1.0 or later (RFC 6120 §4.7.5). Without, no features follow, and none are waited for. */
  readonly version: boolean
  readonly tls: boolean
  /** `failed`: tried on the stream before this one, which ended with it. */
  readonly starttls: 'absent' | 'offered' | 'required' | 'failed'
  readonly certificate: CertificateCheck
  /** `absent` also where no features came. `failed`: tried on this stream (XEP-0178 §3: dialback may still do). */
  readonly external: 'absent' | 'offered' | 'failed'
  /** By its namespace on the header or by the feature (XEP-0220 §2.4). */
  readonly dialback: boolean
  readonly bidi: boolean
}

export const REFUSALS = {
  'nothing-accepted': { condition: 'policy-violation', text: 'there are no streams with this domain' },
  'old-peer': { condition: 'unsupported-version', text: 'TLS is required, and comes with version 1.0' },
  'no-tls': { condition: 'policy-violation', text: 'TLS is required' },
  'tls-unwanted': { condition: 'policy-violation', text: 'there is no TLS with this domain' },
  certificate: { condition: 'not-authorized', text: 'the certificate does not prove the domain' },
  'no-external': { condition: 'not-authorized', text: 'SASL EXTERNAL is required, and not offered' },
  'external-failed': { condition: 'not-authorized', text: 'SASL EXTERNAL is required, and failed' },
  'no-dialback': { condition: 'not-authorized', text: 'dialback is required, and not offered' },
} as const satisfies Record<string, { condition: StreamCondition; text: string }>

export type Refusal = keyof typeof REFUSALS
export interface Refused {
  readonly kind: 'refuse'
  readonly reason: Refusal
}

export type InitiatorStep =
  | { readonly kind: 'starttls' }
  /** `bidi`: ask for it first (XEP-0288 §2.2). */
  | { readonly kind: 'external'; readonly bidi: boolean; readonly proof: StreamProof }
  | { readonly kind: 'dialback'; readonly bidi: boolean; readonly proof: StreamProof }
  | Refused

const refuse = (reason: Refusal): Refused => ({ kind: 'refuse', reason })
const overTls = (accepted: Accepted): boolean =>
  accepted.includes('sasl-tls') || accepted.includes('tls-dialback')

/** What the initiating server does next. */
export function nextStep(accepted: Accepted, peer: Receiver): InitiatorStep {
  if (accepted.length === 0) return refuse('nothing-accepted')
  return peer.tls ? stepOverTls(accepted, peer) : stepInClear(accepted, peer)
}

function stepInClear(accepted: Accepted, peer: Receiver): InitiatorStep {
  const { version, starttls, dialback } = peer
  const clear = accepted.includes('tcp-dialback')
  if (version && starttls !== 'failed') {
    if (starttls === 'required' && !overTls(accepted)) return refuse('tls-unwanted')
    // Not offered, it may have been stripped: where clear will not do, it is tried all the same (RFC 7590 §3.1).
    const tried = starttls === 'absent' ? !(clear && dialback) : true
    if (tried && overTls(accepted)) return { kind: 'starttls' }
  }
  if (!clear) return refuse(version ? 'no-tls' : 'old-peer')
  return dialback ? byDialback(peer) : refuse('no-dialback')
}

function stepOverTls(accepted: Accepted, peer: Receiver): InitiatorStep {
  const { certificate, external, dialback } = peer
  if (!overTls(accepted)) return refuse('tls-unwanted')
  const proves = certificate === 'match' && accepted.includes('sasl-tls')
  if (proves && external === 'offered') return { kind: 'external', bidi: peer.bidi, proof: byCertificate }
  if (accepted.includes('tls-dialback')) return dialback ? byDialback(peer) : refuse('no-dialback')
  if (!proves) return refuse('certificate')
  return refuse(external === 'failed' ? 'external-failed' : 'no-external')
}

const byCertificate: StreamProof = { certificate: 'match', dialback: 'not-tried', tls: true }
const byDialback = ({ tls, certificate, bidi }: Receiver): InitiatorStep => ({
  kind: 'dialback',
  bidi,
  proof: { certificate: tls ? certificate : 'absent', dialback: 'valid', tls },
})

/** What the receiving server sees of the initiating one. */
export interface Initiator {
  readonly version: boolean
  readonly tls: boolean
  readonly certificate: CertificateCheck
}

export type Offer =
  | {
      readonly kind: 'features'
      readonly starttls: 'no' | 'offered' | 'required'
      readonly external: boolean
      /** With errors (XEP-0220 §2.4.2). */
      readonly dialback: boolean
      readonly bidi: boolean
    }
  /** No features: the peer would not know them. It may do dialback. */
  | { readonly kind: 'none' }
  | Refused

/** What follows the receiving server's header, by the rules for the domain that the other header is from. */
export function offerTo(accepted: Accepted, { version, tls, certificate }: Initiator): Offer {
  if (accepted.length === 0) return refuse('nothing-accepted')
  if (tls && !overTls(accepted)) return refuse('tls-unwanted')
  const dialback = accepted.includes(tls ? 'tls-dialback' : 'tcp-dialback')
  if (!version) return dialback ? { kind: 'none' } : refuse('old-peer')
  // Only after the certificate was checked (XEP-0178 §3).
  const external = tls && certificate === 'match' && accepted.includes('sasl-tls')
  if (tls && !external && !dialback) return refuse('certificate')
  return {
    kind: 'features',
    starttls: tls || !overTls(accepted) ? 'no' : dialback ? 'offered' : 'required',
    external,
    dialback,
    bidi: external || dialback,
  }
}

/**
 * What the receiving server does about a dialback key. By the rules for the key's own sender, whose name the certificate was checked
 * for: it may be another than that of the header.
 */
export function keyPolicy(accepted: Accepted, { tls, certificate }: Omit<Initiator, 'version'>): KeyPolicy {
  if (!tls)
    return accepted.includes('tcp-dialback')
      ? { kind: 'verify' }
      : { kind: 'refuse', condition: 'policy-violation' }
  if (accepted.length === 0) return { kind: 'refuse', condition: 'policy-violation' }
  if (!accepted.includes('tls-dialback')) return { kind: 'refuse', condition: 'not-authorized' }
  return { kind: certificate === 'match' ? 'vouched' : 'verify' }
}

/** What a pair is proved by that the receiving server took. */
export const keyProof = (
  by: 'certificate' | 'dialback',
  { tls, certificate }: Omit<Initiator, 'version'>,
): StreamProof =>
  by === 'certificate' ? byCertificate : { certificate: tls ? certificate : 'absent', dialback: 'valid', tls }

/** SASL failures (RFC 6120 §6.5); the stream may go on, and try dialback. */
export type ExternalPolicy =
  | { readonly kind: 'success'; readonly proof: StreamProof }
  | {
      readonly kind: 'failure'
      readonly condition: 'encryption-required' | 'invalid-mechanism' | 'not-authorized'
    }

/** What the receiving server does about `<auth mechanism='EXTERNAL'>`, offered or not, for the domain that the header is from. */
export function externalPolicy(
  accepted: Accepted,
  { tls, certificate }: Omit<Initiator, 'version'>,
): ExternalPolicy {
  if (!accepted.includes('sasl-tls')) return { kind: 'failure', condition: 'invalid-mechanism' }
  if (!tls) return { kind: 'failure', condition: 'encryption-required' }
  if (certificate !== 'match') return { kind: 'failure', condition: 'not-authorized' }
  return { kind: 'success', proof: byCertificate }
}
