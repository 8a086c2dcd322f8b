import type { X509Certificate } from 'node:crypto'
import { err, ok, type Result } from '../../kernel/result.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import {
  authorityOf,
  criticalFault,
  keyFault,
  type Purpose,
  purposeFault,
  type QualityFault,
  signatureFault,
} from './certificate-checks.ts'

/** Why a certificate is not believed; for our log. */
export type ChainReason =
  | QualityFault
  | 'no-certificate'
  | 'unreadable'
  | 'not-yet-valid'
  | 'expired'
  /** In its own name, and not one of those we trust. */
  | 'self-signed'
  /** No way leads from it to an authority that we trust. */
  | 'unknown-issuer'
  | 'bad-signature'
  | 'not-an-authority'
  | 'path-too-long'

export interface ChainFault {
  readonly reason: ChainReason
  /** Subject of the certificate that is at fault, on one line; undefined where there is none. */
  readonly subject: string | undefined
}

/** Whom we believe: authorities, and single certificates that are trusted for themselves. */
export interface Trust {
  readonly anchors: readonly Certificate[]
}

export interface ChainOptions {
  readonly trust: Trust
  /** Milliseconds since 1970. */
  readonly now: number
  readonly purpose: Purpose
}

/** Certificates of one path, the end and the anchor included. */
const LONGEST = 8
/** Certificates that a peer may present; more are not looked at. */
const PRESENTED = 10
/** Signatures that are checked for one peer, whatever it presents. */
const SIGNATURES = 30

/**
 * Finds a way from the peer's certificate to one that we trust, and checks each step (RFC 5280 §6.1): signature, issuer,
 * dates, authority and path length, purpose, strength. Nothing is taken over from what the TLS library thinks of it,
 * which knows neither our purposes nor how to tell a self-signed certificate from one with another purpose.
 * @param presented as the peer sent them, its own first
 * @returns the path, from the peer's certificate to the anchor
 */
export function validateChain(
  presented: readonly X509Certificate[],
  options: ChainOptions,
): Result<readonly Certificate[], ChainFault> {
  const [end, ...others] = presented
  if (end === undefined) return err({ reason: 'no-certificate', subject: undefined })
  const leaf = readCertificate(end)
  if (!leaf.ok) return err(faultOf('unreadable', end))
  const reason = endFault(leaf.value, options)
  if (reason !== undefined) return err(faultOf(reason, end))
  return new Search(others.slice(0, PRESENTED - 1), options).from(leaf.value)
}

/** What is wrong with the peer's own certificate, whoever issued it. */
function endFault(leaf: Certificate, { now, purpose }: ChainOptions): ChainReason | undefined {
  return dateFault(leaf, now) ?? criticalFault(leaf) ?? keyFault(leaf) ?? purposeFault(leaf, purpose, 'end')
}

function dateFault({ notBefore, notAfter }: Certificate, now: number): ChainReason | undefined {
  if (now < notBefore) return 'not-yet-valid'
  return now > notAfter ? 'expired' : undefined
}

class Search {
  readonly #options: ChainOptions
  readonly #others: readonly Certificate[]
  #signatures = SIGNATURES
  /** Of the first way that looked right and was not: it says more than that there is none. */
  #fault: ChainFault | undefined

  constructor(others: readonly X509Certificate[], options: ChainOptions) {
    this.#options = options
    this.#others = others.map(readCertificate).flatMap((read) => (read.ok ? [read.value] : []))
  }

  from(leaf: Certificate): Result<readonly Certificate[], ChainFault> {
    if (this.#isAnchor(leaf)) return ok([leaf])
    const path = this.#extend([leaf])
    if (path !== undefined) return ok(path)
    const own = leaf.x509.issuer === leaf.x509.subject ? 'self-signed' : 'unknown-issuer'
    return err(this.#fault ?? faultOf(own, leaf.x509))
  }

  #extend(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const last = path.at(-1) as Certificate
    for (const issuer of this.#options.trust.anchors) {
      if (!this.#issued(last, issuer, path)) continue
      return [...path, issuer]
    }
    for (const issuer of this.#others) {
      if (path.includes(issuer) || !this.#issued(last, issuer, path)) continue
      const whole = this.#extend([...path, issuer])
      if (whole !== undefined) return whole
    }
    return undefined
  }

  #issued(subject: Certificate, issuer: Certificate, path: readonly Certificate[]): boolean {
    // By name and key identifier, and whether its key may sign certificates (RFC 5280 §4.2.1.3).
    if (!subject.x509.checkIssued(issuer.x509)) return false
    const reason = this.#issuerFault(issuer, path) ?? this.#signatureFault(subject, issuer)
    if (reason === undefined) return true
    this.#fault ??= faultOf(reason, reason === 'bad-signature' ? subject.x509 : issuer.x509)
    return false
  }

  #issuerFault(issuer: Certificate, path: readonly Certificate[]): ChainReason | undefined {
    if (path.length + 1 > LONGEST) return 'path-too-long'
    const authority = authorityOf(issuer)
    if (authority === undefined) return 'not-an-authority'
    // RFC 5280 §4.2.1.9: how many authorities may stand between it and the end.
    if (path.length - 1 > authority.below) return 'path-too-long'
    const { now, purpose } = this.#options
    return (
      dateFault(issuer, now) ??
      criticalFault(issuer) ??
      keyFault(issuer) ??
      purposeFault(issuer, purpose, 'authority')
    )
  }

  #signatureFault(subject: Certificate, issuer: Certificate): ChainReason | undefined {
    const weak = signatureFault(subject)
    if (weak !== undefined) return weak
    if (this.#signatures-- <= 0) return 'unknown-issuer'
    return subject.x509.verify(issuer.x509.publicKey) ? undefined : 'bad-signature'
  }

  #isAnchor({ x509 }: Certificate): boolean {
    return this.#options.trust.anchors.some((anchor) => anchor.x509.raw.equals(x509.raw))
  }
}

const faultOf = (reason: ChainReason, { subject }: X509Certificate): ChainFault => ({
  reason,
  subject: (subject ?? '').replaceAll(/[\r\n]+/g, ', ').slice(0, 200),
})
