import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/read.ts'
import { adminSocket, storePlace } from '../../src/config/store-place.ts'

const FILE = '/etc/dragoman/gateway.config.yaml'

const read = (text: string) => readConfig(`${text}\nfederation: {}\n`, FILE, {})

function config(text: string): Config {
  const result = read(text)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const POSTGRES = 'store: { postgres: { host: db.example, database: d, user: u'

test.for([
  ['', undefined],
  ['admin: { socket: a.sock }', '/etc/dragoman/a.sock'],
  ['admin: { socket: /run/x.sock }\nstore: { sqlite: f.db }', '/run/x.sock'],
  ['store: { sqlite: ../state/f.db }', '/etc/state/admin.sock'],
  [`${POSTGRES} } }`, '/run/dragoman/admin.sock'],
] as const)('"%s" has its socket at %s', ([text, socket]) => {
  expect(adminSocket(config(text), FILE)).toBe(socket)
})

test('a store is in a file or at a server, with its password read when it is opened', () => {
  expect(storePlace(config(''), FILE, {})).toEqual({ ok: true, value: undefined })
  expect(storePlace(config('store: { sqlite: f.db }'), FILE, {})).toEqual({
    ok: true,
    value: { kind: 'sqlite', path: '/etc/dragoman/f.db' },
  })
  const withPassword = config(`${POSTGRES}, password: { env: DB }, tls: {} } }`)
  expect(storePlace(withPassword, FILE, { DB: 'swordfish' })).toMatchObject({
    value: {
      kind: 'postgresql',
      host: 'db.example',
      password: 'swordfish',
      tls: {},
      port: 5432,
      schema: 'dragoman',
    },
  })
  expect(storePlace(withPassword, FILE, {})).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('DB is not set'), cure: 'set DB' },
  })
  expect(storePlace(config(`${POSTGRES}, tls: { ca: none.pem } } }`), FILE, {})).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('/etc/dragoman/none.pem cannot be read (ENOENT)') },
  })
})

test.for([
  ['store: {}', 'store', 'names no database'],
  [`${POSTGRES} }, sqlite: f.db }`, 'store.postgres', 'stands beside sqlite'],
  ['store: { sqlite: "" }', 'store.sqlite', 'must not be empty'],
  ['store: { postgres: { host: db.example, database: d } }', 'store.postgres.user', 'is missing'],
  [`${POSTGRES}, schema: A-B } }`, 'store.postgres.schema', 'does not fit'],
  [`${POSTGRES}, password: swordfish } }`, 'store.postgres.password', 'where the secret is'],
  ['admin: { sokcet: a }', 'admin.sokcet', 'unknown key'],
] as const)('%s is wrong', ([text, path, message]) => {
  expect(read(text)).toMatchObject({
    ok: false,
    error: [{ path, message: expect.stringContaining(message), cure: expect.stringMatching(/./) }],
  })
})

test('without surroundings the secrets of links are left alone', () => {
  const text = `federation:
  links: [{ name: a, kind: component, host: h.example, domain: c.example, secret: { env: NOT_SET }, remote: any, addressing: escaped }]`
  expect(readConfig(text, FILE, {}).ok).toBe(false)
  expect(readConfig(text, FILE, undefined)).toMatchObject({ ok: true, value: { linkSecrets: new Map() } })
})
