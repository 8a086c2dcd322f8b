import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { err, ok, type Result } from '../../kernel/result.ts'
import { type Certificate, certificatesIn, readCertificate } from './certificate.ts'
import type { Trust } from './chain.ts'
import { Credentials } from './credentials.ts'

/** What may be wrong with a certificate of ours, or with its key. */
export type OwnFault =
  | 'no-certificate'
  | 'no-key'
  | 'encrypted-key'
  | 'key-of-another'
  /** Not by its form, but the TLS library refuses it: a key that is too short, an order of the chain that does not fit. */
  | 'unusable'

/** Whether a certificate and a key, both PEM, belong together and can be used. */
export function checkOwn(cert: string, key: string): Result<Certificate, OwnFault> {
  const [first] = parsed(cert) ?? []
  const own = first === undefined ? undefined : readCertificate(first)
  if (first === undefined || own?.ok !== true) return err('no-certificate')
  if (/ENCRYPTED/.test(key)) return err('encrypted-key')
  const privateKey = keyIn(key)
  if (privateKey === undefined) return err('no-key')
  if (!first.checkPrivateKey(privateKey)) return err('key-of-another')
  try {
    new Credentials({ certificates: [{ name: '', cert, key }], trust: { anchors: [] } })
    return ok(own.value)
  } catch {
    return err('unusable')
  }
}

/** The authorities of a PEM file. Undefined: there is none in it, or what is there cannot be read. */
export function trustIn(pem: string): Trust | undefined {
  const found = parsed(pem)?.map(readCertificate)
  if (found === undefined || found.length === 0) return undefined
  const anchors = found.flatMap((read) => (read.ok ? [read.value] : []))
  return anchors.length === found.length ? { anchors } : undefined
}

let web: Trust['anchors'] | undefined

/** The authorities that come with Node.js: those of Mozilla. Read when somebody is judged by them, since that takes some memory. */
export const webTrust = (): Trust => ({
  get anchors() {
    web ??= trustIn(rootCertificates.join('\n'))?.anchors ?? []
    return web
  },
})

function parsed(pem: string): readonly X509Certificate[] | undefined {
  try {
    return certificatesIn(pem)
  } catch {
    return undefined
  }
}

function keyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
