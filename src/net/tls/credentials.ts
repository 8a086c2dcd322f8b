import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { type Domain, parseDomain } from '../../kernel/domain.ts'
import { certificatesIn, readCertificate } from './certificate.ts'
import type { Trust } from './chain.ts'
import { type PresentedNames, presentedNames } from './presented-names.ts'
import { sipIdentities } from './sip-identity.ts'

/** A certificate of ours, with its key. */
export interface OwnCertificate {
  readonly name: string
  /** PEM: the certificate, then those of the authorities in between. */
  readonly cert: string
  /** PEM. Never to be logged. */
  readonly key: string
}

/** What we show, and whom we believe. */
export interface Material {
  readonly certificates: readonly OwnCertificate[]
  readonly trust: Trust
}

/** A certificate of ours that is ready for use. */
export interface Shown {
  readonly name: string
  /** Domains that it is chosen for. */
  readonly domains: readonly string[]
  readonly names: PresentedNames | undefined
  readonly options: SecureContextOptions
  readonly context: SecureContext
}

/**
 * TLS 1.2 with an ephemeral key exchange, and TLS 1.3 (RFC 9325 §4.2). The CBC ones at the end are what servers of the
 * years around 2012 have.
 */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
  'DHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-RSA-AES128-SHA256',
].join(':')

/**
 * TLS 1.2 and 1.3 as above. A resumed session, or one that is negotiated anew, would come with a certificate that was not
 * validated here.
 */
const PROTOCOL: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS,
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
}

let bare: SecureContext | undefined

/** For who has no certificate to show. */
export const bareContext = (): SecureContext => {
  bare ??= createSecureContext({ ...PROTOCOL, ca: [] })
  return bare
}

/** Names of authorities that are told to a client, so that it can choose its certificate; more would bloat each handshake. */
const TOLD = 20

/** Does a certificate with these names prove the domain, by the rules of the protocol? */
export type Proves = (names: PresentedNames, domain: Domain) => boolean

/**
 * Our certificates and the authorities that we believe. They can be replaced while running: handshakes from then on use
 * the new ones, and what is connected stays.
 */
export class Credentials {
  readonly #proves: Proves
  #shown: readonly Shown[]
  #trust: Trust
  #revision = 0

  /**
   * @param proves whether a certificate will do for a domain that none names exactly
   * @throws where a certificate and its key cannot be used
   */
  constructor(material: Material, proves: Proves = () => false) {
    this.#proves = proves
    this.#shown = ready(material)
    this.#trust = material.trust
  }

  get trust(): Trust {
    return this.#trust
  }

  /** Another number after each replacement. */
  get revision(): number {
    return this.#revision
  }

  /** @throws where something in it cannot be used; the old ones stay then */
  replace(material: Material): void {
    this.#shown = ready(material)
    this.#trust = material.trust
    this.#revision++
  }

  /**
   * The first certificate for exactly that domain, else the first that proves it, else the first of all.
   * @param names which may be chosen; undefined: all
   * @param domain what a client asks for by SNI, or on whose behalf we connect
   */
  choose(names: readonly string[] | undefined, domain?: string): Shown | undefined {
    const may = this.#among(names)
    return (domain === undefined ? undefined : this.#for(may, domain)) ?? may[0]
  }

  /** The same for a domain that may be none of ours: undefined where no certificate is for it. */
  find(domain: string): Shown | undefined {
    return this.#for(this.#shown, domain)
  }

  #among(names: readonly string[] | undefined): readonly Shown[] {
    if (names === undefined) return this.#shown
    return names.flatMap((name) => this.#shown.find((each) => each.name === name) ?? [])
  }

  #for(may: readonly Shown[], domain: string): Shown | undefined {
    const parsed = parseDomain(domain)
    if (!parsed.ok) return undefined
    const { value } = parsed
    return (
      may.find(({ domains }) => domains.includes(value)) ??
      may.find(({ names: presented }) => presented !== undefined && this.#proves(presented, value))
    )
  }
}

function ready({ certificates, trust }: Material): readonly Shown[] {
  if (certificates.length === 0) return []
  const { anchors } = trust
  const ca = anchors.length <= TOLD ? anchors.map(({ x509 }) => x509.toString()) : []
  return certificates.map(({ name, cert, key }) => {
    const options: SecureContextOptions = {
      cert,
      key,
      // An empty list keeps Node from adding authorities of its own.
      ca,
      ...PROTOCOL,
    }
    const names = namesOf(cert)
    return { name, names, domains: domainsOf(names), options, context: createSecureContext(options) }
  })
}

function namesOf(pem: string): PresentedNames | undefined {
  const [first] = certificatesIn(pem)
  const certificate = first === undefined ? undefined : readCertificate(first)
  return certificate?.ok ? presentedNames(certificate.value) : undefined
}

/** All that the certificate names, for SNI asks for host names where SIP knows domains. */
function domainsOf(names: PresentedNames | undefined): readonly string[] {
  if (names === undefined) return []
  const hosts = (names.alternatives?.dns ?? []).map(parseDomain)
  return [...sipIdentities(names), ...hosts.flatMap((host) => (host.ok ? [host.value] : []))]
}
