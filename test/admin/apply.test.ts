import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Form } from '../../src/admin/forms.ts'
import { adminBed, must, PARTNER } from './bed.ts'

const SECTION = `
openDiscovery: { enabled: true, limits: { contacts: 7 } }
learning: { lifetime: 720h }
homes:
  - { name: named, nextHop: 'sip:pbx.example;transport=tcp', addresses: [10.0.0.7], enforce: edge, congestionSafePath: true }
  - { name: second, nextHop: 'sip:[2001:db8::1]:5070' }
servedDomains:
  - { name: two.example, home: second, users: listed, links: [gateway] }
links:
  - { name: gateway, kind: component, host: 10.0.0.6, domain: gw.example, secret: { file: gw.secret }, remote: [a.example, '*.a.example'], addressing: escaped }
providers:
  - { name: A, type: partner, protocol: xmpp, domains: [a.example, '*.a.example'], link: gateway, limits: { messagesPerSecond: 9, connections: 3 }, negotiation: { tls: optional, keepAlive: 90s } }
  - { name: B, type: hosted, protocol: sip, enabled: false, domains: [b.example], accessEdges: [edge.b.example], assertingHeader: x-verified, icon: 'https://b.example/i.png' }
policies:
  - { name: global, xmpp: true }
  - { name: staff, federation: true, description: may }
allowedDomains: [{ name: c.example, verification: contacts, comment: since May }]
blockedDomains: [{ name: d.example }]
users:
  - { user: romeo@two.example, home: named, site: verona, policy: staff, contactsOnly: true }
  - { user: "o'hara@two.example", enabled: false }
contacts:
  - { user: romeo@two.example, allow: [juliet@a.example, '@a.example', 'provider:A'], block: [everyone] }
`

const section = (text = SECTION): Form => parse(text) as Form

test('what is exported is taken back, by this store and by an empty one, and nothing is different', async () => {
  await using bed = await adminBed()
  const first = must(await bed.admin.apply({ as: 'alice', section: section() }))
  expect(first.changes.length).toBeGreaterThan(15)
  const exported = must(await bed.admin.export({})).section
  const again = must(await bed.admin.apply({ as: 'alice', section: exported, prune: true }))
  expect(again).toMatchObject({ changes: [], note: 'everything is so already' })

  await using other = await adminBed()
  const text = stringify({ federation: exported })
  must(await other.admin.apply({ as: 'bob', section: parse(text).federation }))
  expect(must(await other.admin.export({})).section).toEqual(exported)
  const { rows, secrets } = await other.store.read()
  expect(rows).toEqual((await bed.store.read()).rows)
  expect(secrets.get('gateway')).toEqual({ file: 'gw.secret' })
})

test('a dry run gives the difference, with before and after, and changes nothing', async () => {
  await using bed = await adminBed()
  await bed.admin.apply({ as: 'alice', section: section() })
  const changed = section(SECTION.replace('messagesPerSecond: 9', 'messagesPerSecond: 4'))
  const { changes, dryRun } = must(await bed.admin.apply({ as: 'alice', section: changed, dryRun: true }))
  expect(dryRun).toBe(true)
  expect(changes).toMatchObject([
    {
      action: 'set',
      kind: 'providers',
      name: 'A',
      before: { limits: { messagesPerSecond: 9 } },
      after: { limits: { messagesPerSecond: 4 } },
    },
  ])
  expect(must(await bed.admin.apply({ as: 'alice', section: section() })).changes).toEqual([])
})

test('what a file does not name stays, and goes with prune, as far as the file has the list', async () => {
  await using bed = await adminBed()
  await bed.admin.apply({ as: 'alice', section: section() })
  await bed.change(PARTNER)
  await bed.change({ do: 'add-contacts', user: 'romeo@two.example', side: 'allow', who: ['x@y.example'] })
  const wanted = section()
  expect(must(await bed.admin.apply({ as: 'alice', section: wanted })).changes).toEqual([])
  const pruned = must(await bed.admin.apply({ as: 'alice', section: wanted, prune: true }))
  expect(pruned.changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`).sort()).toEqual([
    'remove contacts romeo@two.example',
    'remove providers Partner',
  ])
  await bed.change({ do: 'add-contacts', user: 'nobody@two.example', side: 'block', who: ['everyone'] })
  const lists = must(await bed.admin.apply({ as: 'alice', section: wanted, prune: true }))
  expect(lists.changes.map(({ action, name }) => `${action} ${name}`)).toEqual(['remove nobody@two.example'])
  const blocked = must(await bed.admin.apply({ as: 'alice', section: { blockedDomains: [] }, prune: true }))
  expect(blocked.changes.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'blockedDomains d.example',
    'settings learning.lifetime',
    'settings openDiscovery.enabled',
    'settings openDiscovery.limits.contacts',
  ])
})

test('users who go take their contact lists along; lists that the file names of them come anew', async () => {
  await using bed = await adminBed()
  for (const name of ['romeo', 'tybalt']) {
    await bed.change({ do: 'add', object: 'user', name: `${name}@sip.example`, fields: {} })
    await bed.change({ do: 'add-contacts', user: `${name}@sip.example`, side: 'block', who: ['@x.example'] })
  }
  const contacts = [{ user: 'tybalt@sip.example', block: ['@x.example'] }]
  const wanted = { users: [], contacts }
  const { changes } = must(await bed.admin.apply({ as: 'alice', section: wanted, prune: true }))
  expect(changes.filter(({ kind }) => kind === 'users').map(({ action }) => action)).toEqual([
    'remove',
    'remove',
  ])
  expect(must(await bed.admin.contacts({ user: 'romeo@sip.example' })).lines).toMatchObject([
    { owner: 'file' },
  ])
  expect(must(await bed.admin.contacts({ user: 'tybalt@sip.example' })).lines).toMatchObject([
    { side: 'block', who: '@x.example' },
  ])
  expect(must(await bed.admin.apply({ as: 'alice', section: wanted, prune: true })).changes).toEqual([])
})

test('nothing is half applied: one row that cannot stand keeps all of them out', async () => {
  await using bed = await adminBed()
  const before = await bed.store.revision()
  const answer = await bed.admin.apply({
    as: 'alice',
    section: section(
      `${SECTION}\n`
        .replace('name: B, type: hosted', 'name: Filed2, type: hosted')
        .replace('[b.example]', '[filed.example]'),
    ),
  })
  expect(answer).toMatchObject({ error: { code: 'conflict' } })
  expect(await bed.store.revision()).toEqual(before)
})

test('what belongs to the file is named, all of it', async () => {
  await using bed = await adminBed()
  const answer = await bed.admin.apply({
    as: 'alice',
    section: section(
      `publicIm: false\nhomes: [{ name: Main, nextHop: 'sip:10.0.0.1' }]\nusers: [{ user: nurse@sip.example }]`,
    ),
  })
  expect(answer).toMatchObject({
    error: {
      code: 'file-owned',
      faults: [{ path: 'publicIm' }, { path: 'homes[0] "Main"' }, { path: 'users[0] "nurse@sip.example"' }],
    },
  })
})

test('wrong fields are named, all of them', async () => {
  await using bed = await adminBed()
  const answer = await bed.admin.apply({
    as: 'alice',
    section: section(`homes: [{ name: a }]\nproviders: [{ name: A, typo: 1 }]`),
  })
  if (answer.ok) throw new Error('not refused')
  expect(answer.error.faults?.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['homes[0].nextHop', 'providers[0].type', 'providers[0].typo']),
  )
})

test.for([
  [
    'providers',
    'providers: [{ name: A, type: partner, protocol: sip, domains: [a.example], accessEdges: [e.a.example] }, { name: a, type: partner, protocol: sip, domains: [b.example], accessEdges: [e.b.example] }]',
    'providers[1] "a"',
  ],
  [
    'blocked domains',
    'blockedDomains: [{ name: d.example }, { name: d.example, comment: again }]',
    'blockedDomains[1] "d.example"',
  ],
  [
    'users',
    'users: [{ user: romeo@sip.example }, { user: "sip:Romeo@sip.example", site: verona }]',
    'users[1] "romeo@sip.example"',
  ],
  [
    'contact lists',
    'contacts: [{ user: benvolio@sip.example, allow: [everyone] }, { user: benvolio@sip.example, block: [everyone] }]',
    'contacts[1] "benvolio@sip.example"',
  ],
] as const)('what is there twice is refused, not put one over the other: %s', async ([, text, path]) => {
  await using bed = await adminBed()
  const answer = await bed.admin.apply({ as: 'alice', section: section(text) })
  expect(answer).toMatchObject({ ok: false, error: { code: 'bad-request', faults: [{ path }] } })
  expect((await bed.store.audit({ limit: 9 })).rows).toEqual([])
})

const many = (count: number): { name: string }[] =>
  Array.from({ length: count }, (_, i) => ({ name: `d${i}.example` }))

test('in a long list every wrong row is named by its own place', async () => {
  await using bed = await adminBed()
  const blockedDomains = many(350)
  blockedDomains[7] = { name: 'no domain' }
  blockedDomains[207] = { name: 'none either' }
  const answer = await bed.admin.apply({ as: 'alice', section: { blockedDomains, sip: 'perhaps' } })
  if (answer.ok) throw new Error('it was applied')
  expect(answer.error.faults?.map(({ path }) => path)).toEqual([
    'sip',
    'blockedDomains[7].name',
    'blockedDomains[207].name',
  ])
})

test('a large section is worked through in parts: the rest of the process has its turn many times', async () => {
  await using bed = await adminBed()
  let turns = 0
  let going = true
  const turn = (): void => {
    turns++
    if (going) setImmediate(turn)
  }
  setImmediate(turn)
  const { changes } = must(await bed.admin.apply({ as: 'alice', section: { blockedDomains: many(3000) } }))
  going = false
  expect(changes).toHaveLength(3000)
  // Read by hundreds; drafted, written and noted by two hundreds.
  expect(turns).toBeGreaterThan(3000 / 100 + (3 * 3000) / 200)
  expect((await bed.store.read()).rows.blockedDomains).toHaveLength(3000)
})
