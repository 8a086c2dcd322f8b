import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { textOfProblem } from '../../src/config/problem.ts'
import { readConfig } from '../../src/config/read.ts'
import { rowForms } from '../../src/config/row-forms.ts'
import { Authority, rsaKeys } from '../support/certificates.ts'

const directory = mkdtempSync(join(tmpdir(), 'dragoman-tls-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const put = (name: string, text: string): void => writeFileSync(join(directory, name), text)

const root = new Authority('Root')
const edge = root.issue({ dns: ['corp.example', 'sip.corp.example'] })
const old = root.issue({ dns: ['corp.example'], until: -86_400_000 })
const early = root.issue({ dns: ['corp.example'], from: 3_600_000 })
const wild = root.issue({ dns: ['*.corp.example'] })
const short = root.issue({ dns: ['corp.example'], keys: rsaKeys(512) })
for (const [name, { cert, key }] of Object.entries({ edge, old, early, wild, short })) {
  put(`${name}.pem`, cert)
  put(`${name}.key`, key)
}
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
put(
  'locked.key',
  privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
)
put('ca.pem', root.pem)
put('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
put('empty.pem', '')

interface Parts {
  readonly listener?: string
  readonly certificates?: string
  readonly ca?: string
  readonly home?: string
}

const EDGE = '{ name: edge, cert: edge.pem, key: edge.key }'

const textOf = ({ listener = '', certificates = EDGE, ca = 'ca.pem', home = '10.0.0.5' }: Parts): string =>
  [
    'sip:',
    '  listeners:',
    `    - { name: tls, transport: tls, address: 192.0.2.1, side: outside${listener} }`,
    ...(certificates === '' ? [] : ['  tls:', `    certificates: [${certificates}]`]),
    ...(certificates === '' || ca === '' ? [] : [`    ca: ${ca}`]),
    'federation:',
    '  homes:',
    `    - { name: pbx, nextHop: 'sip:${home}' }`,
  ].join('\n')

const FILE = join(directory, 'gateway.config.yaml')
const read = (text: string) => readConfig(text, FILE, {})

function good(text: string): Config {
  const config = read(text)
  if (!config.ok) throw new Error(config.error.map(textOfProblem).join('\n'))
  return config.value
}

const problemsOf = (text: string) => {
  const config = read(text)
  return config.ok ? [] : config.error.map(({ path, message, cure }) => ({ path, message, cure }))
}

test('files are read from where the configuration is, and a TLS listener is at 5061', () => {
  const config = good(textOf({}))
  expect(config.sip.listeners[0]?.port).toBe(5061)
  expect(config.tlsMaterial?.certificates).toEqual([{ name: 'edge', cert: edge.cert, key: edge.key }])
  expect(config.tlsMaterial?.trust.anchors.map(({ commonNames }) => commonNames)).toEqual([['Root']])
  expect(config.warnings).toEqual([])
})

test('without ca the authorities are those of the web', () => {
  expect(good(textOf({ ca: '' })).tlsMaterial?.trust.anchors.length).toBeGreaterThan(100)
})

test('without an environment nothing of it is read', () => {
  const config = readConfig(textOf({ certificates: pair('gone', 'gone') }), FILE, undefined)
  expect(config).toMatchObject({ ok: true, value: { tlsMaterial: undefined } })
})

const CERT = 'sip.tls.certificates[0].cert'
const KEY = 'sip.tls.certificates[0].key'

test.for<readonly [string, Parts, string, RegExp, RegExp]>([
  [
    'no certificates at all',
    { certificates: '' },
    'sip.listeners[0].transport',
    /no certificate/,
    /add sip\.tls/,
  ],
  [
    'a file that is not there',
    { certificates: pair('gone', 'edge') },
    CERT,
    /gone\.pem.*ENOENT/,
    /create the file/,
  ],
  [
    'a key that is not there',
    { certificates: pair('edge', 'gone') },
    KEY,
    /gone\.key.*ENOENT/,
    /create the file/,
  ],
  [
    'the key of another',
    { certificates: pair('edge', 'old') },
    KEY,
    /not the key of the certificate/,
    /made for/,
  ],
  ['a key under a passphrase', { certificates: pair('edge', 'locked') }, KEY, /passphrase/, /openssl pkey/],
  [
    'a certificate for a key',
    { certificates: '{ name: a, cert: edge.pem, key: edge.pem }' },
    KEY,
    /no key/,
    /private key/,
  ],
  [
    'a key for a certificate',
    { certificates: '{ name: a, cert: edge.key, key: edge.key }' },
    CERT,
    /no certificate/,
    /PEM/,
  ],
  ['what is no certificate', { certificates: pair('broken', 'edge') }, CERT, /no certificate/, /PEM/],
  ['a key that is too short', { certificates: pair('short', 'short') }, CERT, /refuses it/, /2048 bits/],
  [
    'authorities that are not there',
    { ca: 'gone.pem' },
    'sip.tls.ca',
    /gone\.pem.*ENOENT/,
    /create the file/,
  ],
  [
    'authorities that are none',
    { ca: 'edge.key' },
    'sip.tls.ca',
    /no certificates/,
    /authorities that you trust/,
  ],
  ['authorities that are broken', { ca: 'broken.pem' }, 'sip.tls.ca', /no certificates/, /authorities/],
  ['no authorities', { ca: 'empty.pem' }, 'sip.tls.ca', /no certificates/, /authorities/],
  [
    'a name twice',
    { certificates: `${EDGE}, ${EDGE}` },
    'sip.tls.certificates[1].name',
    /there twice/,
    /another name/,
  ],
  [
    'a name that is not there',
    { listener: ', certificates: [egde]' },
    'sip.listeners[0].certificates',
    /no certificate "egde"/,
    /did you mean edge\?/,
  ],
  [
    'a home by its address',
    { home: '10.0.0.5;transport=tls' },
    'federation.homes[0].certificate',
    /is missing/,
    /certificate: NAME/,
  ],
])('%s', ([, parts, path, message, cure]) => {
  const problems = problemsOf(textOf(parts))
  expect(problems).toEqual([
    { path, message: expect.stringMatching(message), cure: expect.stringMatching(cure) },
  ])
  expect(JSON.stringify(problems)).not.toContain('PRIVATE KEY')
})

test('what belongs to TLS is refused elsewhere', () => {
  const text = textOf({ listener: ', certificates: [edge], clientCertificate: required' })
  expect(problemsOf(text.replace('transport: tls', 'transport: tcp'))).toMatchObject([
    { path: 'sip.listeners[0].certificates', cure: 'remove the key, or write transport: tls' },
    { path: 'sip.listeners[0].clientCertificate', message: 'does not belong to a listener over tcp' },
  ])
})

test('a home over TLS needs a listener that has a certificate to show', () => {
  const text = textOf({ home: 'pbx.corp.example;transport=tls' })
  const addressed = text.replace("transport=tls'", "transport=tls', addresses: [10.0.0.5]")
  expect(problemsOf(addressed)).toEqual([])
  expect(problemsOf(addressed.replace('transport: tls', 'transport: tcp'))).toMatchObject([
    { path: 'federation.homes[0].nextHop', cure: 'add a listener with transport: tls' },
  ])
})

describe('what can stand is warned of', () => {
  test.for([
    ['old', /has expired on \d{4}-\d\d-\d\d/, /renew it/],
    ['early', /is not valid before/, /clock/],
    ['wild', /proves no SIP domain/, /no wildcards/],
  ] as const)('%s', ([name, message, cure]) => {
    const { warnings } = good(textOf({ certificates: pair(name, name) }))
    expect(warnings).toEqual([
      expect.objectContaining({
        path: CERT,
        line: 5,
        message: expect.stringMatching(message),
        cure: expect.stringMatching(cure),
      }),
    ])
  })
})

test('the certificate of a home is the same in the file, in commands and in the store', () => {
  const section = {
    homes: [{ name: 'pbx', nextHop: 'sip:10.0.0.5;transport=tls', certificate: 'PBX.corp.example' }],
  }
  const rows = rowForms.read(section)
  const home = rows.ok ? rows.value.rows.homes[0] : undefined
  expect(home?.certificate).toBe('pbx.corp.example')
  expect(home === undefined ? undefined : rowForms.write('homes', home, undefined)).toMatchObject({
    nextHop: 'sip:10.0.0.5;transport=tls',
    certificate: 'pbx.corp.example',
  })
})

function pair(cert: string, key: string): string {
  return `{ name: a, cert: ${cert}.pem, key: ${key}.key }`
}
