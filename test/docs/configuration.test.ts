import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonSchema, type SchemaNode } from '../../src/config/json-schema.ts'
import { readConfig } from '../../src/config/read.ts'
import { fileSchema } from '../../src/config/schema.ts'
import { Authority } from '../support/certificates.ts'

const ROOT = new Authority('Root')
const EDGE = ROOT.issue({ dns: ['corp.example', 'sip.corp.example'] })
const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

interface Row {
  readonly path: string
  readonly default: string
}

/** The rows of the tables of keys: `| \`path\` | type | default | meaning |`. */
const rows: readonly Row[] = page.split('\n').flatMap((line) => {
  const cells = line.split('|').map((cell) => cell.trim())
  const path = /^`([a-zA-Z]+\.[\w.[\]]+)`$/.exec(cells[1] ?? '')?.[1]
  return path === undefined || cells.length !== 6 ? [] : [{ path, default: cells[3] ?? '' }]
})

interface Key {
  readonly path: string
  readonly required: boolean
  readonly section: boolean
}

type Node = SchemaNode & { readonly required?: readonly string[] }

/** Every path of the schema; `[]` stands for any item of a list. */
function keysOf(node: Node, path = ''): readonly Key[] {
  return [node, ...(node.anyOf ?? [])].flatMap((each: Node) => [
    ...Object.entries(each.properties ?? {}).flatMap(([name, child]) => {
      const at = path === '' ? name : `${path}.${name}`
      const section = child.properties !== undefined
      return [{ path: at, required: each.required?.includes(name) ?? false, section }, ...keysOf(child, at)]
    }),
    ...(each.items === undefined ? [] : keysOf(each.items, `${path}[]`)),
  ])
}

const keys = keysOf(jsonSchema()).filter(({ section }) => !section)

test('every key has a row, and no row is about a key that is not there', () => {
  expect(keys.length).toBeGreaterThan(80)
  expect(rows.map(({ path }) => path)).toEqual(keys.map(({ path }) => path))
})

test('what is required is said to be, and nothing else', () => {
  const required = (list: readonly { path: string; required: boolean }[]): readonly string[] =>
    list.filter((each) => each.required).map(({ path }) => path)
  expect(required(rows.map((row) => ({ ...row, required: row.default === 'required' })))).toEqual(
    required(keys),
  )
})

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, KiB: 1024, MiB: 1024 * 1024 } as const

/** `10s` → 10000, `64KiB` → 65536, `false` → false, `[]` → [], `''` → '', a word as it is. */
function valueIn(text: string): unknown {
  const measured = /^(\d+)(ms|s|m|h|KiB|MiB)?$/.exec(text)
  if (measured !== null) return Number(measured[1]) * UNITS[(measured[2] ?? 'ms') as keyof typeof UNITS]
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === '[]') return []
  return text === "''" ? '' : text
}

const lookUp = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (at, part) => (part.endsWith('[]') ? lookUpIn(at, part.slice(0, -2), 0) : lookUpIn(at, part)),
      value,
    )

function lookUpIn(value: unknown, name: string, index?: number): unknown {
  const at = (value as Readonly<Record<string, unknown>>)[name]
  return index === undefined ? at : (at as readonly unknown[])[index]
}

test('the defaults are those of the schema', () => {
  const parsed = fileSchema.parse({
    sip: {
      listeners: [{ name: 'a', transport: 'udp', address: '127.0.0.1', side: 'inside' }],
      tls: { certificates: [{ name: 'a', cert: 'a.pem', key: 'a.key' }] },
    },
    xmpp: {
      tls: { certificates: [{ name: 'a', cert: 'a.pem', key: 'a.key' }] },
      s2s: { listeners: [{ name: 'a', address: '127.0.0.1' }] },
    },
    dns: { servers: [{ address: '192.0.2.53' }] },
    store: { postgres: { host: 'db.example', database: 'dragoman', user: 'dragoman' } },
    federation: {
      homes: [{ name: 'a', nextHop: 'sip:127.0.0.1' }],
      servedDomains: [{ name: 'sip.example', home: 'a' }],
      links: [
        {
          ...{ name: 'a', kind: 'component', host: 'localhost', domain: 'sip.example' },
          ...{ secret: { env: 'A' }, remote: 'any' },
        },
      ],
      providers: [
        {
          ...{ name: 'a', type: 'partner', protocol: 'xmpp', domains: ['xmpp.example'], link: 'a' },
          server: { host: 'xmpp.example' },
        },
      ],
      policies: [{ name: 'global' }],
      allowedDomains: [{ name: 'a.example' }],
      blockedDomains: [{ name: 'b.example' }],
      users: [{ user: 'a@sip.example' }],
      contacts: [{ user: 'a@sip.example' }],
    },
  })
  const inPage = rows.filter((row) => /^`.+`$/.test(row.default) && row.default !== '`[]`')
  expect(inPage.length).toBeGreaterThan(40)
  for (const { path, default: text } of inPage)
    expect(lookUp(parsed, path), path).toEqual(valueIn(text.slice(1, -1)))
})

const examples = [...page.matchAll(/```yaml config=(\S+)\n(.*?)```/gs)].map(
  ([, name, text]) => [name ?? '', text ?? ''] as const,
)

test('there are examples', () => expect(examples.length).toBeGreaterThan(3))

test.for(examples)('the example "%s" is valid', ([, text]) => {
  const directory = mkdtempSync(join(tmpdir(), 'dragoman-docs-'))
  try {
    writeFileSync(join(directory, 'prosody.secret'), 'a secret\n')
    writeFileSync(join(directory, 'edge.pem'), EDGE.cert)
    writeFileSync(join(directory, 'edge.key'), EDGE.key)
    writeFileSync(join(directory, 'authorities.pem'), ROOT.pem)
    const file = join(directory, 'gateway.config.yaml')
    const config = readConfig(text, file, { DRAGOMAN_PROSODY_SECRET: 'a secret' })
    expect(config.ok ? config.value.warnings : config.error).toEqual([])
  } finally {
    rmSync(directory, { recursive: true })
  }
})
