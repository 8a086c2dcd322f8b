import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { certificatesIn, readCertificate } from '../../../src/net/tls/certificate.ts'
import type { Purpose } from '../../../src/net/tls/certificate-checks.ts'
import { type Trust, validateChain } from '../../../src/net/tls/chain.ts'
import { Authority, type Issued, rsaKeys, selfSigned, type Wish } from '../../support/certificates.ts'

const root = new Authority('Root')
const between = new Authority('Between', root)
const rsa = new Authority('RSA', undefined, { keys: rsaKeys(2048) })
const stranger = new Authority('Root')

const trustIn = (...certificates: readonly X509Certificate[]): Trust => ({
  anchors: certificates.map(readCertificate).flatMap((read) => (read.ok ? [read.value] : [])),
})

interface Case {
  readonly shown: Issued | readonly X509Certificate[]
  readonly trust?: Trust
  readonly now?: number
  readonly purpose?: Purpose
}

/** How long the path is, or why there is none. */
function verdict({ shown, trust = trustIn(root.x509), now = Date.now(), purpose }: Case): number | string {
  const presented = 'cert' in shown ? certificatesIn(shown.cert) : shown
  const found = validateChain(presented, { trust, now, purpose: purpose ?? { role: 'client', sip: 'too' } })
  return found.ok ? found.value.length : found.error.reason
}

const LEAF: Wish = { commonName: 'leaf', dns: ['a.example'] }
const DAY = 86_400_000
const SERVER: Purpose = { role: 'server', sip: 'too' }
const ONLY_SIP: Purpose = { role: 'client', sip: 'only' }

/** Authorities one below the other, the last one issues. */
function issuedBelow(depth: number, wish: Wish = {}): Issued {
  let issuer = root
  for (let i = 0; i < depth; i++) issuer = new Authority(`Level ${i}`, issuer, i === 0 ? wish : {})
  return issuer.issue(LEAF)
}

/** The same certificate with one octet of its signature changed. */
function tampered({ cert }: Issued): readonly X509Certificate[] {
  const raw = Buffer.from((certificatesIn(cert)[0] as X509Certificate).raw)
  raw[raw.length - 1] = (raw.at(-1) as number) ^ 1
  return [new X509Certificate(raw)]
}

test.for<readonly [string, Case, number | string]>([
  ['issued by an authority that we trust', { shown: root.issue(LEAF) }, 2],
  ['over an authority in between', { shown: between.issue(LEAF) }, 3],
  ['nothing shown', { shown: [] }, 'no-certificate'],
  ['without what stands in between', { shown: [between.issue(LEAF).x509] }, 'unknown-issuer'],
  [
    'in any order behind the first, with others among them',
    { shown: [between.issue(LEAF).x509, stranger.x509, root.x509, between.x509] },
    3,
  ],
  ['self-signed with a victim’s name', { shown: selfSigned(LEAF) }, 'self-signed'],
  [
    'self-signed for servers only: as above, though Node calls both INVALID_PURPOSE',
    { shown: selfSigned({ ...LEAF, purposes: ['server'] }) },
    'self-signed',
  ],
  ['self-signed, and trusted by itself', pinned(LEAF), 1],
  ['trusted by itself, and expired', pinned({ ...LEAF, until: -1000 }), 'expired'],
  ['an issuer of the same name with another key', { shown: stranger.issue(LEAF) }, 'bad-signature'],
  ['a signature that was changed', { shown: tampered(root.issue(LEAF)) }, 'bad-signature'],
  ['a root that comes along is not trusted for that', withItsRoot(stranger), 'bad-signature'],
  ['expired', { shown: root.issue({ ...LEAF, until: -1000 }) }, 'expired'],
  ['not yet valid', { shown: root.issue({ ...LEAF, from: 60_000 }) }, 'not-yet-valid'],
  ['by another clock it is expired', { shown: root.issue(LEAF), now: Date.now() + 2 * DAY }, 'expired'],
  [
    'an authority in between has expired',
    { shown: new Authority('Old', root, { until: -1000 }).issue(LEAF) },
    'expired',
  ],
  [
    'the root has expired',
    { shown: root.issue({ ...LEAF, until: 9 * DAY }), now: Date.now() + 2 * DAY },
    'expired',
  ],
  ['for servers only, shown by a client', { shown: root.issue({ ...LEAF, purposes: ['server'] }) }, 2],
  ['for clients only, shown by a client', { shown: root.issue({ ...LEAF, purposes: ['client'] }) }, 2],
  [
    'for clients only, shown by a server',
    { shown: root.issue({ ...LEAF, purposes: ['client'] }), purpose: SERVER },
    'wrong-purpose',
  ],
  ['for something else', { shown: root.issue({ ...LEAF, purposes: ['code'] }) }, 'wrong-purpose'],
  ['for SIP (RFC 5924)', { shown: root.issue({ ...LEAF, purposes: ['sip'] }), purpose: SERVER }, 2],
  [
    'for SIP, where that is asked for',
    { shown: root.issue({ ...LEAF, purposes: ['sip'] }), purpose: ONLY_SIP },
    2,
  ],
  ['for anything, likewise', { shown: root.issue({ ...LEAF, purposes: ['any'] }), purpose: ONLY_SIP }, 2],
  ['for nothing in particular, likewise', { shown: root.issue(LEAF), purpose: ONLY_SIP }, 2],
  [
    'for TLS alone, likewise',
    { shown: root.issue({ ...LEAF, purposes: ['server', 'client'] }), purpose: ONLY_SIP },
    'wrong-purpose',
  ],
  [
    'for SIP, where SIP has no part in it',
    { shown: root.issue({ ...LEAF, purposes: ['sip'] }), purpose: { role: 'client' } },
    'wrong-purpose',
  ],
  ['a key that may not sign', { shown: root.issue({ ...LEAF, usage: [2] }) }, 'wrong-purpose'],
  [
    'an authority in between for other purposes',
    { shown: new Authority('Code', root, { purposes: ['code'] }).issue(LEAF) },
    'wrong-purpose',
  ],
  [
    'issued by a certificate that is no authority',
    { shown: new Authority('Leaf', root, { authority: false, usage: [0, 5] }).issue(LEAF) },
    'not-an-authority',
  ],
  [
    'issued by an authority whose key may not sign certificates',
    { shown: new Authority('Weak', root, { usage: [0] }).issue(LEAF) },
    'unknown-issuer',
  ],
  ['a path as long as may be', { shown: issuedBelow(6) }, 8],
  ['a path that is too long', { shown: issuedBelow(7) }, 'path-too-long'],
  ['one authority below another that allows one', { shown: issuedBelow(2, { authority: { below: 1 } }) }, 4],
  ['two below one that allows one', { shown: issuedBelow(3, { authority: { below: 1 } }) }, 'path-too-long'],
  [
    'a critical extension that we do not know',
    { shown: root.issue({ ...LEAF, extensions: [['1.2.3.4', true, Buffer.of(5, 0)]] }) },
    'critical-extension',
  ],
  [
    'one that is not critical',
    { shown: root.issue({ ...LEAF, extensions: [['1.2.3.4', false, Buffer.of(5, 0)]] }) },
    2,
  ],
  [
    'an authority whose names are constrained',
    {
      shown: new Authority('Narrow', root, { extensions: [['2.5.29.30', false, Buffer.of(0x30, 0)]] }).issue(
        LEAF,
      ),
    },
    'critical-extension',
  ],
  ['an RSA key of 2048 bits', { shown: root.issue({ ...LEAF, keys: rsaKeys(2048) }) }, 2],
  ['an RSA key of 1024 bits', { shown: root.issue({ ...LEAF, keys: rsaKeys(1024) }) }, 'unfit-key'],
  [
    'an authority in between with an RSA key of 1024 bits',
    { shown: new Authority('Short', root, { keys: rsaKeys(1024) }).issue(LEAF) },
    'unfit-key',
  ],
  ['signed with SHA-1', { shown: root.issue({ ...LEAF, signed: 'sha1' }) }, 'weak-signature'],
  ['signed with RSA and SHA-256', { shown: rsa.issue(LEAF), trust: trustIn(rsa.x509) }, 2],
  [
    'signed with RSASSA-PSS and SHA-256',
    { shown: rsa.issue({ ...LEAF, signed: 'pss' }), trust: trustIn(rsa.x509) },
    2,
  ],
  [
    'signed with RSASSA-PSS and its default, SHA-1',
    { shown: rsa.issue({ ...LEAF, signed: 'pss-sha1' }), trust: trustIn(rsa.x509) },
    'weak-signature',
  ],
  ['the same extension twice', { shown: root.issue(twice()) }, 'unreadable'],
])('%s', ([, each, expected]) => {
  expect(verdict(each)).toBe(expected)
})

function twice(): Wish {
  return { ...LEAF, extensions: [['2.5.29.14', false, Buffer.of(4, 0)]] }
}

function pinned(wish: Wish): Case {
  const shown = selfSigned(wish)
  return { shown, trust: trustIn(shown.x509) }
}

function withItsRoot(authority: Authority): Case {
  return { shown: [authority.issue(LEAF).x509, authority.x509] }
}

test('authorities that sign each other end the search', () => {
  const [one, two] = [new Authority('One'), new Authority('Two')]
  const loop = [new Authority('One', two, { keys: one.keys }), new Authority('Two', one, { keys: two.keys })]
  expect(verdict({ shown: [one.issue(LEAF).x509, ...loop.map(({ x509 }) => x509)] })).toBe('unknown-issuer')
})

test('a second way is found where the first leads nowhere', () => {
  const old = new Authority('Middle', stranger)
  const crossed = new Authority('Middle', root, { keys: old.keys })
  expect(verdict({ shown: [old.issue(LEAF).x509, old.x509, crossed.x509] })).toBe(3)
})

test('the authorities of the web are all read as Node reads them', () => {
  const texts = (x509: X509Certificate) => [Date.parse(x509.validFrom), Date.parse(x509.validTo)]
  for (const pem of rootCertificates) {
    const x509 = new X509Certificate(pem)
    const read = readCertificate(x509)
    if (!read.ok) throw new Error(`cannot read ${x509.subject}`)
    expect([read.value.notBefore, read.value.notAfter]).toEqual(texts(x509))
    const common = /^CN=(.*)$/m.exec(x509.subject)?.[1]
    if (common !== undefined && /^[ -~]+$/.test(common) && !common.includes('\\'))
      expect(read.value.commonNames).toContain(common)
  }
  expect(rootCertificates.length).toBeGreaterThan(100)
})
