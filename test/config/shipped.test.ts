import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isMap, isSeq, parseDocument } from 'yaml'
import type { Config } from '../../src/config/config.ts'
import { jsonSchema, keysAt } from '../../src/config/json-schema.ts'
import { readConfig } from '../../src/config/read.ts'

const root = new URL('../../', import.meta.url)
const text = readFileSync(new URL('gateway.config.yaml', root), 'utf8')
const env = { DRAGOMAN_PROSODY_SECRET: 'swordfish' }

function read(source: string): Config {
  const config = readConfig(source, 'gateway.config.yaml', env)
  if (!config.ok) throw new Error(JSON.stringify(config.error, null, 2))
  return config.value
}

test('the shipped file passes', () => {
  const config = read(text)
  expect(config.sip.limits).toEqual({
    headBytes: 65_536,
    bodyBytes: 524_288,
    headerCount: 256,
    connections: 1000,
    connectionsPerAddress: 100,
    handshakes: 200,
    handshakesPerAddress: 20,
    handshake: 10_000,
    idleConnection: 600_000,
    transactions: 1_000_000,
    calls: 10_000,
    callsPerPeer: 1000,
    unansweredPerPeer: 10_000,
    dialogPass: 86_400_000,
  })
  expect(config.presence).toEqual({
    expires: 3_600_000,
    shortest: 60_000,
    longest: 3_600_000,
    interval: 5000,
    giveUp: 604_800_000,
    retry: { first: 30_000, longest: 3_600_000 },
    resume: 500,
    stale: 120_000,
    limits: {
      subscriptions: 200_000,
      pending: 10_000,
      watchers: 200_000,
      devices: 16,
      notifies: 500,
      resources: 32,
      document: 65_536,
      texts: 8,
      textLength: 1024,
    },
  })
  expect(config.linkSecrets.get('prosody')).toBe('swordfish')
  expect(config.federation.providers.get('Example XMPP')).toMatchObject({ link: 'prosody', enabled: true })
})

/** What is no setting with a default, but the example's data. */
const NEEDED = `
federation:
  homes:
    - { name: main, nextHop: 'sip:127.0.0.1:5070;transport=udp' }
  servedDomains:
    - { name: sip.example, home: main, links: [prosody] }
  links:
    - name: prosody
      kind: component
      host: 127.0.0.1
      domain: sip.example
      secret: { env: DRAGOMAN_PROSODY_SECRET }
      remote: [xmpp.example]
  providers:
    - { name: Example XMPP, type: partner, protocol: xmpp, verification: contacts, domains: [xmpp.example], link: prosody }
  contacts:
    - { user: 'sip:romeo@sip.example', allow: [juliet@xmpp.example] }
`

/** Without what tells which settings the file itself sets. */
function withoutOwners(config: Config): object {
  return {
    ...config,
    rows: { ...config.rows, settings: {} },
    federation: { ...config.federation, rowOwners: { ...config.federation.rowOwners, settings: {} } },
  }
}

test('its values are the defaults: without every optional key the configuration is the same', () => {
  expect(withoutOwners(read(NEEDED))).toEqual(withoutOwners(read(text)))
})

test('a setting that is written is the file’s, one that is not can be set elsewhere', () => {
  const { rows, federation } = read(`${NEEDED}  xmpp: false\n  learning: { perUser: 7 }\n`)
  expect(rows.settings).toEqual({ xmpp: false, 'learning.perUser': 7 })
  expect(federation.rowOwners?.settings).toMatchObject({
    xmpp: 'file',
    sip: 'default',
    'learning.perUser': 'file',
    'learning.enabled': 'default',
  })
  expect(federation.federation).toMatchObject({ xmpp: false, learning: { enabled: true, perUser: 7 } })
})

test('the sections may be missing, but not federation', () => {
  expect(read('federation: {}').federation.servedDomains.size).toBe(0)
  expect(readConfig('', 'x.yaml', {})).toMatchObject({
    ok: false,
    error: [{ path: 'federation', message: 'is missing' }],
  })
})

test('every key has a comment where it first stands, and every section shows all its keys', () => {
  const lines = text.split('\n')
  const seen = new Set<string>()
  const bare: string[] = []
  const missing: string[] = []
  const visit = (node: unknown, path: (string | number)[]): void => {
    if (isSeq(node)) for (const [index, item] of node.items.entries()) visit(item, [...path, index])
    if (!isMap(node)) return
    const keys = node.items.map(({ key }) => String(key))
    const known = keysAt(path)
    if (path.at(-1) !== 'secret' && path[1] !== 'providers') {
      // A section that is shown as a comment, or a key within one.
      const commented = (key: string): boolean =>
        path.length === 0
          ? lines.includes(`# ${key}:`)
          : lines.some((line) => new RegExp(`^ +# +(?:- )?${key}:`).test(line))
      const absent = known.filter((key) => !keys.includes(key) && !commented(key))
      missing.push(...absent.map((key) => [...path, key].join('.')))
    }
    for (const { key, value } of node.items) {
      const name = [...path.filter((part) => typeof part === 'string'), String(key)].join('.')
      const line = lines[text.slice(0, (key as { range: number[] }).range[0]).split('\n').length - 1] ?? ''
      const section = isMap(value) && !value.flow
      if (!seen.has(name) && !section && !line.includes(' # ')) bare.push(name)
      seen.add(name)
      visit(value, [...path, String(key)])
    }
  }
  visit(parseDocument(text).contents, [])
  expect(seen.size).toBeGreaterThan(60)
  expect(bare).toEqual([])
  expect(missing).toEqual([])
})

test('the JSON Schema for editors is that of the code, and the file names it', () => {
  const shipped: unknown = JSON.parse(readFileSync(new URL('gateway.config.schema.json', root), 'utf8'))
  expect(shipped, 'run scripts/schema').toEqual(JSON.parse(JSON.stringify(jsonSchema())))
  expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./gateway.config.schema.json')
})
