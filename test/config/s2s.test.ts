import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { textOfProblem } from '../../src/config/problem.ts'
import { readConfig } from '../../src/config/read.ts'
import { EMPTY_STORE } from '../../src/federation/sources.ts'
import { s2sLink } from '../federation/fixtures.ts'
import { Authority, srvName, xmppAddr } from '../support/certificates.ts'

const directory = mkdtempSync(join(tmpdir(), 'dragoman-s2s-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const put = (name: string, text: string): void => writeFileSync(join(directory, name), text)

const root = new Authority('Root')
const certificates = {
  xmpp: root.issue({ dns: ['corp.example'] }),
  address: root.issue({ names: [xmppAddr('corp.example')] }),
  srv: root.issue({ names: [srvName('_xmpp-server.corp.example')] }),
  wild: root.issue({ dns: ['*.corp.example'] }),
  top: root.issue({ dns: ['*.example'] }),
  client: root.issue({ names: [srvName('_xmpp-client.corp.example')] }),
  old: root.issue({ dns: ['corp.example'], until: -86_400_000 }),
}
for (const [name, { cert, key }] of Object.entries(certificates)) {
  put(`${name}.pem`, cert)
  put(`${name}.key`, key)
}
put('ca.pem', root.pem)
put('dialback.secret', 'a long random text\n')

interface Parts {
  readonly certificate?: keyof typeof certificates | 'none' | 'gone'
  readonly listeners?: string
  readonly s2s?: string
  readonly links?: string
  readonly served?: string
  readonly provider?: string
  readonly more?: string
}

const LISTENER = '{ name: s2s, address: 192.0.2.1 }'
const LINK = '{ name: outside, kind: s2s }'

const textOf = ({
  certificate = 'xmpp',
  listeners = LISTENER,
  s2s = '',
  links = LINK,
  served = links === LINK ? 'outside' : '',
  provider = '',
  more = '',
}: Parts): string =>
  [
    'xmpp:',
    ...(certificate === 'none'
      ? []
      : [
          '  tls:',
          `    certificates: [{ name: a, cert: ${certificate}.pem, key: ${certificate}.key }]`,
          '    ca: ca.pem',
        ]),
    `  s2s: { listeners: [${listeners}]${s2s} }`,
    'federation:',
    "  homes: [{ name: pbx, nextHop: 'sip:10.0.0.5' }]",
    `  servedDomains: [{ name: corp.example, home: pbx, links: [${served}] }]`,
    `  links: [${links}]`,
    ...(provider === ''
      ? []
      : [
          `  providers: [{ name: Partner, type: partner, protocol: xmpp, domains: [partner.example], ${provider} }]`,
        ]),
    more,
  ].join('\n')

const FILE = join(directory, 'gateway.config.yaml')

function good(parts: Parts, store = EMPTY_STORE): Config {
  const config = readConfig(textOf(parts), FILE, {}, store)
  if (!config.ok) throw new Error(config.error.map(textOfProblem).join('\n'))
  return config.value
}

const warningsOf = (parts: Parts, store = EMPTY_STORE) =>
  good(parts, store).warnings.map(({ path, message }) => `${path} ${message}`)

test('certificates and the dialback secret are read from where the configuration is', () => {
  const config = good({ s2s: ', dialbackSecret: { file: dialback.secret }' })
  expect(config.dialbackSecret).toBe('a long random text')
  expect(config.xmppTlsMaterial?.certificates).toMatchObject([{ name: 'a', cert: certificates.xmpp.cert }])
  expect(config.xmppTlsMaterial?.trust.anchors.map(({ commonNames }) => commonNames)).toEqual([['Root']])
  expect(config.tlsMaterial).toBeUndefined()
  expect(config.xmpp.s2s.listeners).toEqual([
    { name: 's2s', address: '192.0.2.1', port: 5269, tls: 'starttls' },
  ])
  expect(config.warnings).toEqual([])
})

test('what is read is plain: milliseconds, octets', () => {
  const { s2s } = good({ listeners: '{ name: s2s, address: "::1", port: 5270, tls: direct }' }).xmpp
  expect(s2s).toEqual({
    listeners: [{ name: 's2s', address: '::1', port: 5270, tls: 'direct' }],
    families: [4, 6],
    privateAddresses: false,
    retry: { first: 5000, ceiling: 300_000 },
    limits: {
      connections: 5000,
      connectionsPerAddress: 100,
      handshakes: 500,
      setUp: 30_000,
      idle: 600_000,
      pairs: 100,
      queueStanzas: 100,
      queueBytes: 16_777_216,
      domains: 10_000,
      verifications: 500,
      outgoingBytes: 1_048_576,
    },
  })
})

test('without the section nothing is listened to, shown or asked for', () => {
  const config = readConfig('federation: {}', FILE, {})
  expect(config).toMatchObject({
    ok: true,
    value: {
      xmpp: { s2s: { listeners: [] } },
      xmppTlsMaterial: undefined,
      dialbackSecret: undefined,
      warnings: [],
    },
  })
})

test('without an environment neither certificates nor secret are read', () => {
  const text = textOf({ certificate: 'gone', s2s: ', dialbackSecret: { env: NOT_SET_ANYWHERE }' })
  expect(readConfig(text, FILE, undefined)).toMatchObject({
    ok: true,
    value: { xmppTlsMaterial: undefined, dialbackSecret: undefined },
  })
})

test('files of xmpp.tls are checked as those of sip.tls are', () => {
  const config = readConfig(textOf({ certificate: 'gone' }), FILE, {})
  expect(config.ok ? [] : config.error.map(({ path, cure }) => [path, cure])).toEqual([
    ['xmpp.tls.certificates[0].cert', 'create the file, or correct the path'],
    ['xmpp.tls.certificates[0].key', 'create the file, or correct the path'],
  ])
  const twice = textOf({}).replace('[{ name: a', '[{ name: a, cert: xmpp.pem, key: xmpp.key }, { name: a')
  expect(readConfig(twice, FILE, {})).toMatchObject({
    ok: false,
    error: [{ path: 'xmpp.tls.certificates[1].name', message: 'certificate "a" is there twice' }],
  })
})

const NOT_PROVED =
  'xmpp.tls.certificates none of them proves the served domain corp.example, which goes from server to server'

test.for<readonly [string, Parts, readonly string[]]>([
  ['an XMPP address', { certificate: 'address' }, []],
  ['an SRV name', { certificate: 'srv' }, []],
  ['a wildcard for all of a top-level domain', { certificate: 'top' }, ['proves no XMPP domain', NOT_PROVED]],
  ['a wildcard for what is below', { certificate: 'wild' }, [NOT_PROVED]],
  ['a name for clients', { certificate: 'client' }, ['proves no XMPP domain', NOT_PROVED]],
  ['a date gone by', { certificate: 'old' }, ['has expired on']],
])('a certificate with %s', ([, parts, expected]) => {
  const found = warningsOf(parts)
  expect(found).toHaveLength(expected.length)
  for (const text of expected) expect(found.join('\n')).toContain(text)
})

const COMPONENT =
  '{ name: prosody, kind: component, host: localhost, domain: gw.example, secret: { file: dialback.secret }, remote: any, addressing: escaped }'

test.for<readonly [string, Parts, readonly RegExp[]]>([
  ['a link, and no listener', { listeners: '' }, [/listeners link "outside" .* no listener is there/]],
  [
    'a listener, and no link',
    { links: COMPONENT, served: 'prosody' },
    [/listeners there is no link of kind s2s/],
  ],
  [
    'a provider that requires TLS, and no certificate',
    { certificate: 'none', provider: 'link: outside' },
    [/^xmpp\.tls is missing: provider "Partner" needs TLS/],
  ],
  [
    'open discovery, and no certificate',
    { certificate: 'none', more: '  openDiscovery: { enabled: true }' },
    [/xmpp\.tls is missing: open discovery needs TLS/],
  ],
  [
    'a provider in clear, and no certificate',
    {
      certificate: 'none',
      provider: 'link: outside, negotiation: { tls: unsupported, sasl: unsupported }',
    },
    [],
  ],
  [
    'a disabled provider, and no certificate',
    { certificate: 'none', provider: 'link: outside, enabled: false' },
    [],
  ],
  ['a link that no served domain names', { served: '' }, [/no served domain names link "outside"/]],
])('%s', ([, parts, expected]) => {
  const found = warningsOf(parts)
  expect(found).toHaveLength(expected.length)
  for (const [index, text] of expected.entries()) expect(found[index]).toMatch(text)
})

test('what the file’s own rows lack is told without those of the store', () => {
  const more = 'store: { sqlite: federation.db }'
  expect(warningsOf({ certificate: 'none', listeners: '', provider: 'link: outside', more })).toEqual([
    expect.stringContaining('xmpp.tls is missing'),
    expect.stringContaining('no listener is there'),
  ])
})

test('a link in the store is as good; without the store’s rows nobody knows', () => {
  const parts = { links: '', more: 'store: { sqlite: federation.db }' }
  const stored = { ...EMPTY_STORE, links: [s2sLink()] }
  expect(warningsOf(parts)).toEqual([])
  expect(warningsOf(parts, { ...EMPTY_STORE })).toMatchObject(
    [/no link of kind s2s/].map((text) => expect.stringMatching(text)),
  )
  expect(warningsOf(parts, stored)).toEqual([
    expect.stringContaining('no served domain names link "outside"'),
  ])
})
