import type { Certificate } from './certificate.ts'
import { bitOf, booleanOf, context, countOf, type Der, oidOf, readOne, TAG, within } from './der.ts'
import { SUBJECT_ALT_NAME } from './presented-names.ts'

/** What is wrong with a certificate by itself. */
export type QualityFault = 'critical-extension' | 'unfit-key' | 'weak-signature' | 'wrong-purpose'

/**
 * What the certificate is shown for. `sip` knows the purpose of RFC 5924 besides those of TLS; `only` accepts no other,
 * as §5 there has it, which shuts out what public authorities issue.
 */
export interface Purpose {
  readonly role: 'server' | 'client'
  readonly sip?: 'too' | 'only'
}

const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const CERTIFICATE_POLICIES = '2.5.29.32'
const NAME_CONSTRAINTS = '2.5.29.30'

/** Those that are acted on here; any policy is accepted. A critical one besides them is a restriction that we do not know. */
const UNDERSTOOD = new Set([
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXTENDED_KEY_USAGE,
  SUBJECT_ALT_NAME,
  CERTIFICATE_POLICIES,
])

/** RFC 5280 §4.2. Name constraints are critical even where an authority has not marked them so. */
export const criticalFault = ({ extensions }: Certificate): QualityFault | undefined =>
  [...extensions].some(
    ([oid, { critical }]) => (critical || oid === NAME_CONSTRAINTS) && !UNDERSTOOD.has(oid),
  )
    ? 'critical-extension'
    : undefined

const SMALLEST_RSA = 2048
/** What a peer may have us compute with. */
const LARGEST_RSA = 8192
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

export function keyFault({ x509 }: Certificate): QualityFault | undefined {
  let strong = false
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = x509.publicKey
    const length = details?.modulusLength ?? 0
    if (type === 'rsa' || type === 'rsa-pss') strong = length >= SMALLEST_RSA && length <= LARGEST_RSA
    else if (type === 'ec') strong = CURVES.has(details?.namedCurve ?? '')
    else strong = type === 'ed25519' || type === 'ed448'
  } catch {
    // A key that the library cannot read cannot be judged.
  }
  return strong ? undefined : 'unfit-key'
}

const RSASSA_PSS = '1.2.840.113549.1.1.10'
/** SHA-256 and longer: sha256/384/512WithRSAEncryption, ecdsa-with-SHA256/384/512, Ed25519, Ed448. */
const SIGNATURES = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
  '1.3.101.113',
])
/** id-sha256, -384, -512. */
const HASHES = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3'])

export function signatureFault(certificate: Certificate): QualityFault | undefined {
  const { signatureAlgorithm, signatureParameters } = certificate
  const strong =
    signatureAlgorithm === RSASSA_PSS
      ? HASHES.has(pssHash(signatureParameters) ?? '')
      : SIGNATURES.has(signatureAlgorithm)
  return strong ? undefined : 'weak-signature'
}

/** RFC 4055 §3.1: without a hash it is SHA-1. */
function pssHash(parameters: Der | undefined): string | undefined {
  const hash = within(parameters, TAG.sequence)?.find(({ tag }) => tag === context(0, true))
  return hash === undefined ? undefined : oidOf(within(readOne(hash.content), TAG.sequence)?.[0])
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const SIP_DOMAIN = '1.3.6.1.5.5.7.3.20'
const ANY = '2.5.29.37.0'
const DIGITAL_SIGNATURE = 0

/**
 * Key usage and extended key usage. A client may show a certificate for servers: in SIP the same host is both, and
 * public authorities issue no other. A server may not show one for clients only.
 */
export function purposeFault(
  { extensions }: Certificate,
  { role, sip }: Purpose,
  place: 'end' | 'authority',
): QualityFault | undefined {
  const usage = extensions.get(KEY_USAGE)
  if (place === 'end' && usage !== undefined && bitOf(readOne(usage.value), DIGITAL_SIGNATURE) !== true)
    return 'wrong-purpose'
  const extended = extensions.get(EXTENDED_KEY_USAGE)
  if (extended === undefined) return undefined
  const purposes = within(readOne(extended.value), TAG.sequence)?.map(oidOf) ?? []
  const may = (purpose: string): boolean => purposes.includes(purpose)
  const fits =
    may(ANY) ||
    (sip !== undefined && may(SIP_DOMAIN)) ||
    (sip !== 'only' && (may(SERVER_AUTH) || (role === 'client' && may(CLIENT_AUTH))))
  return fits ? undefined : 'wrong-purpose'
}

/** Undefined: it is no authority. `below`: how many authorities may follow it (RFC 5280 §4.2.1.9). */
export function authorityOf({ extensions }: Certificate): { readonly below: number } | undefined {
  const constraints = extensions.get(BASIC_CONSTRAINTS)
  if (constraints === undefined) return undefined
  const [authority, length] = within(readOne(constraints.value), TAG.sequence) ?? []
  if (booleanOf(authority) !== true) return undefined
  if (length === undefined) return { below: Number.POSITIVE_INFINITY }
  const below = countOf(length)
  return below === undefined ? undefined : { below }
}
