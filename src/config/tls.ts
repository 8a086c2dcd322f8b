import { isIP } from 'node:net'
import { dirname, resolve } from 'node:path'
import { parseDomain } from '../kernel/domain.ts'
import { nearest } from '../kernel/nearest.ts'
import type { Certificate } from '../net/tls/certificate.ts'
import type { Material, OwnCertificate } from '../net/tls/credentials.ts'
import { checkOwn, type OwnFault, trustIn, webTrust } from '../net/tls/own-certificate.ts'
import { type PresentedNames, presentedNames } from '../net/tls/presented-names.ts'
import { sipIdentities } from '../net/tls/sip-identity.ts'
import { xmppProof } from '../net/tls/xmpp-identity.ts'
import type { Certificates } from './certificates.ts'
import type { RowFinding } from './federation-rows.ts'
import { readNamed } from './named-file.ts'
import type { Path } from './problem.ts'
import type { FileValues } from './schema.ts'

type Sip = FileValues['sip']

/** Names that fit together, as far as the file itself shows it. */
export function tlsFindings({ listeners, tls }: Sip, homes: FileValues['federation']['homes']): RowFinding[] {
  const found: RowFinding[] = twiceIn(tls, 'sip')
  const names = (tls?.certificates ?? []).map(({ name }) => name)
  listeners.forEach((listener, index) => {
    const at = (key: string): Path => ['sip', 'listeners', index, key]
    if (listener.transport === 'tls') {
      if (names.length === 0) {
        found.push({
          path: at('transport'),
          message: 'is tls, and there is no certificate to show',
          cure: 'add sip.tls.certificates: [{ name: edge, cert: edge.pem, key: edge.key }]',
        })
      }
      for (const name of listener.certificates ?? []) {
        if (names.length === 0 || names.includes(name)) continue
        const meant = nearest(name, names)
        found.push({
          path: at('certificates'),
          message: `there is no certificate "${name}" in sip.tls.certificates`,
          cure: meant === undefined ? `one of ${names.join(', ')}` : `did you mean ${meant}?`,
        })
      }
      return
    }
    for (const key of ['certificates', 'clientCertificate'] as const) {
      if (listener[key] === undefined) continue
      found.push({
        path: at(key),
        message: `does not belong to a listener over ${listener.transport}`,
        cure: 'remove the key, or write transport: tls',
      })
    }
  })
  homes.forEach(({ nextHop }, index) => {
    if (!nextHop.tls || listeners.some(({ transport }) => transport === 'tls')) return
    found.push({
      path: ['federation', 'homes', index, 'nextHop'],
      message: 'is reached over tls, and no listener has a certificate to show there',
      cure: 'add a listener with transport: tls',
    })
  })
  return found
}

/** Names of certificates that are there twice. @param section `sip` or `xmpp` */
export function twiceIn(tls: Certificates | undefined, section: TlsSection): RowFinding[] {
  const names = (tls?.certificates ?? []).map(({ name }) => name)
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [
          {
            path: [section, 'tls', 'certificates', index, 'name'],
            message: `certificate "${name}" is there twice`,
            cure: 'give one of them another name',
          },
        ],
  )
}

/** A home server over TLS must be known by a name. */
export const tlsHomeFinding = (
  { nextHop, certificate }: FileValues['federation']['homes'][number],
  path: Path,
): RowFinding[] =>
  nextHop.tls && certificate === undefined && isIP(nextHop.host.replace(/^\[|\]$/g, '')) !== 0
    ? [
        {
          path,
          message: 'is missing: nextHop is an address over tls, and its certificate must carry some name',
          cure: 'write certificate: NAME, or a host name in nextHop',
        },
      ]
    : []

export type TlsSection = 'sip' | 'xmpp'

export interface TlsRead {
  /** Undefined: there is no such section, or something in it cannot be used. */
  readonly material: Material | undefined
  readonly problems: readonly RowFinding[]
  readonly warnings: readonly RowFinding[]
}

const CURES = {
  'no-certificate': [
    'holds no certificate',
    'name a PEM file: the certificate, then those of the authorities in between',
  ],
  'no-key': ['holds no key', 'name a PEM file with the private key of the certificate'],
  'encrypted-key': ['holds a key under a passphrase', 'write it without one: openssl pkey -in KEY -out NEW'],
  'key-of-another': ['is not the key of the certificate', 'name the key that the certificate was made for'],
  unusable: [
    'cannot be used: the TLS library refuses it',
    'renew it with an RSA key of at least 2048 bits, or an EC key',
  ],
} as const satisfies Record<OwnFault, readonly [message: string, cure: string]>

/** What a certificate must name to be of use to a protocol. */
const PROVES = {
  sip: {
    any: (names: PresentedNames): boolean => sipIdentities(names).length > 0,
    doubt: {
      message: 'proves no SIP domain',
      cure: 'have the domain itself written into subjectAltName: SIP knows no wildcards (RFC 5922 §7.2)',
    },
  },
  xmpp: {
    any: provesXmpp,
    doubt: {
      message: 'proves no XMPP domain',
      cure: 'have the domain itself written into subjectAltName, as a DNS name (RFC 6120 §13.7.1.2)',
    },
  },
} as const satisfies Record<TlsSection, object>

/** Whether there is a domain for which `xmppProof` could find something: one that the certificate itself tells. */
function provesXmpp({ alternatives, commonNames }: PresentedNames): boolean {
  const texts =
    alternatives === undefined
      ? commonNames.slice(-1)
      : [
          ...alternatives.xmppAddr,
          ...alternatives.srv.map((name) => name.replace(/^_xmpp-server\./i, '')),
          ...alternatives.dns.map((name) => name.replace(/^\*\./, 'any.')),
        ]
  return texts
    .map(parseDomain)
    .some((domain) => domain.ok && xmppProof({ alternatives, commonNames }, domain.value) !== undefined)
}

/**
 * Reads the files that `sip.tls` or `xmpp.tls` names.
 * @param file the configuration file, where relative paths start from
 * @param now milliseconds since 1970
 */
export function readTls(
  tls: Certificates | undefined,
  section: TlsSection,
  file: string,
  now: number,
): TlsRead {
  if (tls === undefined) return { material: undefined, problems: [], warnings: [] }
  const problems: RowFinding[] = []
  const warnings: RowFinding[] = []
  const read = (path: string, at: Path): string | undefined => {
    const text = readNamed(resolve(dirname(file), path))
    if (text.ok) return text.value
    problems.push({ path: at, ...text.error })
    return undefined
  }
  const certificates = tls.certificates.flatMap(({ name, cert, key }, index): OwnCertificate[] => {
    const at = (part: 'cert' | 'key'): Path => [section, 'tls', 'certificates', index, part]
    const own = { name, cert: read(cert, at('cert')), key: read(key, at('key')) }
    if (own.cert === undefined || own.key === undefined) return []
    const checked = checkOwn(own.cert, own.key)
    if (!checked.ok) {
      const [message, cure] = CURES[checked.error]
      problems.push({ path: at(/key/.test(checked.error) ? 'key' : 'cert'), message, cure })
      return []
    }
    warnings.push(...doubts(checked.value, section, now).map((doubt) => ({ path: at('cert'), ...doubt })))
    return [{ name, cert: own.cert, key: own.key }]
  })
  const authorities = tls.ca === undefined ? undefined : read(tls.ca, [section, 'tls', 'ca'])
  const trust = tls.ca === undefined ? webTrust() : trustIn(authorities ?? '')
  if (authorities !== undefined && trust === undefined) {
    problems.push({
      path: [section, 'tls', 'ca'],
      message: 'holds no certificates that can be read',
      cure: 'name a PEM file with the certificates of the authorities that you trust',
    })
  }
  const material = problems.length > 0 || trust === undefined ? undefined : { certificates, trust }
  return { material, problems, warnings }
}

/** What can stand with a certificate of ours, and will not help. */
function doubts(certificate: Certificate, section: TlsSection, now: number): Omit<RowFinding, 'path'>[] {
  const { notBefore, notAfter } = certificate
  const found: Omit<RowFinding, 'path'>[] = []
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
  if (now > notAfter)
    found.push({ message: `has expired on ${day(notAfter)}`, cure: 'renew it: no peer will believe it' })
  if (now < notBefore)
    found.push({
      message: `is not valid before ${day(notBefore)}`,
      cure: 'wait, or check the clock of this machine',
    })
  const names = presentedNames(certificate)
  const { any, doubt } = PROVES[section]
  if (names === undefined || !any(names)) found.push(doubt)
  return found
}
