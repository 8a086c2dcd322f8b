import {
  constants,
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tempDir } from './temp.ts'

/**
 * Throw-away authorities and certificates, of every kind that a peer may show. They are written here octet by octet, since
 * the hostile ones (a doubled extension, a name with NUL in it) are what no tool makes.
 */
export interface Issued {
  /** PEM: the certificate, then those of the authorities in between. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
  readonly x509: X509Certificate
}

export interface Wish {
  readonly commonName?: string
  readonly dns?: readonly string[]
  readonly uri?: readonly string[]
  /** Further GeneralNames, in front of those: `otherName` makes some. */
  readonly names?: readonly Uint8Array[]
  /** Extended key usage; by default none. */
  readonly purposes?: readonly (keyof typeof PURPOSES)[]
  /** Bits of key usage, from 0; by default digitalSignature, of an authority keyCertSign. */
  readonly usage?: readonly number[]
  /** Milliseconds from now: by default from an hour ago until tomorrow. */
  readonly from?: number
  readonly until?: number
  readonly authority?: { readonly below?: number } | boolean
  readonly keys?: Keys
  /** Further extensions: OID, critical, DER. */
  readonly extensions?: readonly (readonly [oid: string, critical: boolean, value: Uint8Array])[]
  /** How the issuer signs it: sha256 unless told. `pss` and `pss-sha1` are RSASSA-PSS, for an issuer with an RSA key. */
  readonly signed?: keyof typeof HASHES
}

export interface Keys {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const PURPOSES = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  code: '1.3.6.1.5.5.7.3.3',
  sip: '1.3.6.1.5.5.7.3.20',
  any: '2.5.29.37.0',
} as const

const HASHES = { sha1: 'sha1', sha256: 'sha256', pss: 'sha256', 'pss-sha1': 'sha1' } as const

const HOUR = 3_600_000

export const ecKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
export const rsaKeys = (modulusLength: number): Keys => generateKeyPairSync('rsa', { modulusLength })

export class Authority {
  readonly name: string
  readonly keys: Keys
  readonly #above: string
  /** Its own certificate. */
  readonly x509: X509Certificate
  readonly pem: string

  /** @param issuer undefined: a root, signed by itself */
  constructor(name: string, issuer?: Authority, wish: Wish = {}) {
    this.name = name
    this.keys = wish.keys ?? ecKeys()
    const full = { authority: true, ...wish, commonName: name, keys: this.keys }
    const signer = issuer === undefined ? { name, keys: this.keys } : issuer.#signer
    this.pem = certificate(full, this.keys, signer)
    this.x509 = new X509Certificate(this.pem)
    this.#above = issuer === undefined ? '' : this.pem + issuer.#above
  }

  get #signer(): Signer {
    return { name: this.name, keys: this.keys }
  }

  issue(wish: Wish): Issued {
    const keys = wish.keys ?? ecKeys()
    const pem = certificate(wish, keys, this.#signer)
    return { cert: pem + this.#above, key: keyPem(keys), x509: new X509Certificate(pem) }
  }
}

/** Signed with its own key, in its own name. */
export function selfSigned(wish: Wish): Issued {
  const keys = wish.keys ?? ecKeys()
  const pem = certificate(wish, keys, { name: wish.commonName ?? '', keys })
  return { cert: pem, key: keyPem(keys), x509: new X509Certificate(pem) }
}

/** Writes `NAME.pem` and `NAME.key` of each, and each plain text as it is, into a directory of its own. */
export async function written(
  files: Readonly<Record<string, Issued | string>>,
): Promise<{ readonly path: string; file(name: string): string } & AsyncDisposable> {
  const directory = await tempDir('tls')
  const file = (name: string): string => join(directory.path, name)
  for (const [name, what] of Object.entries(files)) {
    if (typeof what === 'string') await writeFile(file(name), what)
    else {
      await writeFile(file(`${name}.pem`), what.cert)
      await writeFile(file(`${name}.key`), what.key, { mode: 0o600 })
    }
  }
  return { path: directory.path, file, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() }
}

interface Signer {
  readonly name: string
  readonly keys: Keys
}

const keyPem = ({ privateKey }: Keys): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** RFC 5280 §4.1. */
function certificate(wish: Wish, keys: Keys, issuer: Signer): string {
  const { signed = 'sha256' } = wish
  const algorithm = algorithmOf(issuer.keys, signed)
  const now = Date.now()
  const tbs = der(
    0x30,
    der(0xa0, integer(2)),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    algorithm,
    nameOf(issuer.name),
    der(0x30, time(now + (wish.from ?? -HOUR)), time(now + (wish.until ?? 24 * HOUR))),
    nameOf(wish.commonName ?? ''),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensionsOf(wish, keys))),
  )
  const padding = signed.startsWith('pss') ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 } : {}
  const signature = sign(HASHES[signed], tbs, { key: issuer.keys.privateKey, ...padding })
  const whole = der(0x30, tbs, algorithm, der(0x03, Buffer.of(0), signature))
  const lines = whole.toString('base64').replaceAll(/(.{64})/g, '$1\n')
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`
}

function extensionsOf(wish: Wish, keys: Keys): Buffer[] {
  const { authority = false, dns = [], uri = [], names = [], purposes } = wish
  const found: Buffer[] = []
  const usage = wish.usage ?? [authority === false ? 0 : 5]
  found.push(extension('2.5.29.15', true, bits(usage)))
  if (authority !== false) {
    const { below } = authority === true ? {} : authority
    const limit = below === undefined ? [] : [integer(below)]
    found.push(extension('2.5.29.19', true, der(0x30, der(0x01, Buffer.of(0xff)), ...limit)))
  }
  if (purposes !== undefined)
    found.push(extension('2.5.29.37', false, der(0x30, ...purposes.map((name) => oid(PURPOSES[name])))))
  if (dns.length + uri.length + names.length > 0)
    found.push(extension('2.5.29.17', false, alternatives(dns, uri, names)))
  const id = createHash('sha1')
    .update(keys.publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
  found.push(extension('2.5.29.14', false, der(0x04, id)))
  for (const [id, critical, value] of wish.extensions ?? []) found.push(extension(id, critical, value))
  return found
}

/** GeneralNames. */
export const alternatives = (
  dns: readonly string[],
  uri: readonly string[] = [],
  names: readonly Uint8Array[] = [],
): Buffer =>
  der(
    0x30,
    ...names,
    ...dns.map((name) => der(0x82, Buffer.from(name, 'latin1'))),
    ...uri.map((name) => der(0x86, Buffer.from(name, 'latin1'))),
  )

/** The value is DER. */
export const otherName = (id: string, value: Uint8Array): Buffer => der(0xa0, oid(id), der(0xa0, value))

/** id-on-xmppAddr. */
export const xmppAddr = (jid: string): Buffer => otherName('1.3.6.1.5.5.7.8.5', der(0x0c, Buffer.from(jid)))

/** id-on-dnsSRV: `_service.domain`. */
export const srvName = (name: string): Buffer =>
  otherName('1.3.6.1.5.5.7.8.7', der(0x16, Buffer.from(name, 'latin1')))

const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  der(0x30, oid(id), ...(critical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value))

function algorithmOf({ privateKey }: Keys, hash: keyof typeof HASHES): Buffer {
  if (hash === 'pss-sha1') return der(0x30, oid('1.2.840.113549.1.1.10'), der(0x30))
  if (hash === 'pss') {
    const sha256 = der(0x30, oid('2.16.840.1.101.3.4.2.1'), der(0x05))
    const mask = der(0x30, oid('1.2.840.113549.1.1.8'), sha256)
    const parameters = der(0x30, der(0xa0, sha256), der(0xa1, mask))
    return der(0x30, oid('1.2.840.113549.1.1.10'), parameters)
  }
  if (privateKey.asymmetricKeyType === 'ec')
    return der(0x30, oid(hash === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'))
  return der(0x30, oid(`1.2.840.113549.1.1.${hash === 'sha1' ? 5 : 11}`), der(0x05))
}

const nameOf = (commonName: string): Buffer =>
  commonName === ''
    ? der(0x30)
    : der(0x30, der(0x31, der(0x30, oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))))

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-T:]|\.\d+/g, '')
  return der(0x18, Buffer.from(text))
}

const integer = (value: number): Buffer => der(0x02, Buffer.of(value))

function bits(set: readonly number[]): Buffer {
  let octet = 0
  for (const bit of set) octet |= 0x80 >> bit
  return der(0x03, Buffer.of(0, octet))
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left % 128) + 128)
    return groups
  })
  return der(0x06, Buffer.from(octets))
}

/** One element of DER. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const size = length < 0x100 ? [length] : [length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, 0x80 + size.length, ...size), content])
}
