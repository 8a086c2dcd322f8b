import { X509Certificate } from 'node:crypto'
import { err, ok, type Result } from '../../kernel/result.ts'
import { asciiOf, booleanOf, context, type Der, oidOf, readOne, TAG, timeOf, within } from './der.ts'

export interface Extension {
  readonly critical: boolean
  readonly value: Uint8Array
}

/** A certificate, with those fields that Node gives only as text that can be read in two ways, or not at all. */
export interface Certificate {
  readonly x509: X509Certificate
  /** OID. */
  readonly signatureAlgorithm: string
  readonly signatureParameters: Der | undefined
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number
  readonly notAfter: number
  /** Names that are nothing but ASCII; the last is the most specific. */
  readonly commonNames: readonly string[]
  /** By OID. */
  readonly extensions: ReadonlyMap<string, Extension>
}

const COMMON_NAME = '2.5.4.3'

/** An unreadable certificate is worth no more words: nobody may rely on any part of it. */
export function readCertificate(x509: X509Certificate): Result<Certificate, 'unreadable'> {
  const certificate = read(x509)
  return certificate === undefined ? err('unreadable') : ok(certificate)
}

/** All certificates of a PEM file, in its order; other blocks are skipped. @throws where one is no certificate */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/** RFC 5280 §4.1. */
function read(x509: X509Certificate): Certificate | undefined {
  const outer = within(readOne(x509.raw), TAG.sequence)
  const [tbs, outerAlgorithm] = outer ?? []
  if (outer?.length !== 3) return undefined
  const fields = [...(within(tbs, TAG.sequence) ?? [])]
  if (fields[0]?.tag === context(0, true)) fields.shift()
  const [, algorithm, , validity, subject, , ...more] = fields
  if (algorithm === undefined || outerAlgorithm === undefined) return undefined
  // §4.1.1.2: what is signed says how it is signed.
  if (Buffer.compare(algorithm.whole, outerAlgorithm.whole) !== 0) return undefined
  const [signatureOid, signatureParameters] = within(algorithm, TAG.sequence) ?? []
  const signatureAlgorithm = oidOf(signatureOid)
  const [from, until] = within(validity, TAG.sequence) ?? []
  const notBefore = timeOf(from)
  const notAfter = timeOf(until)
  const commonNames = commonNamesIn(subject)
  const extensions = extensionsIn(more.find(({ tag }) => tag === context(3, true)))
  if (signatureAlgorithm === undefined || notBefore === undefined || notAfter === undefined) return undefined
  if (commonNames === undefined || extensions === undefined) return undefined
  return { x509, signatureAlgorithm, signatureParameters, notBefore, notAfter, commonNames, extensions }
}

function extensionsIn(element: Der | undefined): ReadonlyMap<string, Extension> | undefined {
  const extensions = new Map<string, Extension>()
  if (element === undefined) return extensions
  const list = within(readOne(element.content), TAG.sequence)
  if (list === undefined) return undefined
  for (const each of list) {
    const [id, ...rest] = within(each, TAG.sequence) ?? []
    const oid = oidOf(id)
    const critical = rest.length === 2 ? booleanOf(rest[0]) : false
    const value = rest.at(-1)
    if (oid === undefined || critical === undefined || value?.tag !== TAG.octetString || rest.length > 2)
      return undefined
    // §4.2: not more than one of a kind. Two would let each reader see the one it likes.
    if (extensions.has(oid)) return undefined
    extensions.set(oid, { critical, value: value.content })
  }
  return extensions
}

function commonNamesIn(subject: Der | undefined): readonly string[] | undefined {
  const names: string[] = []
  const list = within(subject, TAG.sequence)
  if (list === undefined) return undefined
  for (const part of list.flatMap((set) => within(set, TAG.set) ?? [])) {
    const [type, value] = within(part, TAG.sequence) ?? []
    if (value === undefined || oidOf(type) !== COMMON_NAME) continue
    const plain =
      value.tag === TAG.utf8String || value.tag === TAG.printableString || value.tag === TAG.ia5String
    const text = plain ? asciiOf(value.content) : undefined
    if (text !== undefined) names.push(text)
  }
  return names
}
