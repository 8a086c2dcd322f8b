import { describe, expect, test } from 'vitest'
import { createAdmin } from '../../src/admin/service.ts'
import { StoreFault } from '../../src/admin/store.ts'
import { rowForms } from '../../src/config/row-forms.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { adminBed, except, fileRows, must, PARTNER } from './bed.ts'

test('a provider is added, changed, disabled, enabled and removed, each with who did it', async () => {
  await using bed = await adminBed()
  const target = { object: 'provider', name: 'partner' } as const
  expect(await bed.change(PARTNER)).toEqual(['add providers Partner'])
  const fields = { verification: 'all', limits: { contacts: 5 } }
  await bed.change({ do: 'set', ...target, fields, add: { domains: ['*.partner.example'] } })
  expect(must(await bed.admin.show(target))).toMatchObject({
    name: 'Partner',
    owner: 'store',
    row: { verification: 'all', limits: { contacts: 5 }, domains: ['partner.example', '*.partner.example'] },
  })
  await bed.change({ do: 'set', ...target, fields: { limits: null }, drop: { domains: ['partner.example'] } })
  const { row } = must(await bed.admin.show(target))
  expect(row.limits).toBeUndefined()
  expect(row.domains).toEqual(['*.partner.example'])
  await bed.change({ do: 'disable', ...target })
  await bed.change({ do: 'enable', ...target })
  expect(await bed.change({ do: 'remove', ...target })).toEqual(['remove providers Partner'])
  const audit = must(await bed.admin.audit({ kind: 'providers', name: 'Partner' }))
  expect(audit.rows.map(({ action }) => action)).toEqual(['remove', 'set', 'set', 'set', 'set', 'add'])
  expect(audit.rows.every(({ actor }) => actor.name === 'alice' && actor.claimed)).toBe(true)
})

test('the audit log is filtered by person and time, and read page by page', async () => {
  await using bed = await adminBed()
  await bed.change(PARTNER, { as: 'alice' })
  await bed.change({ do: 'set-setting', key: 'xmpp', value: false }, { as: 'bob' })
  const by = must(await bed.admin.audit({ actor: 'bob' }))
  expect(by.rows.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['settings xmpp'])
  const first = must(await bed.admin.audit({ limit: 1 }))
  expect(first.rows).toHaveLength(1)
  const second = must(await bed.admin.audit({ limit: 1, before: first.next }))
  expect(second.rows[0]).toMatchObject({ kind: 'providers', name: 'Partner', action: 'add' })
  expect(must(await bed.admin.audit({ until: 1000 })).rows).toEqual([])
})

test.for([
  ['enable', { do: 'enable', object: 'provider', name: 'Partner' }, 'is enabled already'],
  ['add again, just so', PARTNER, 'is there already, just so'],
  ['resume', { do: 'resume', object: 'provider', name: 'Partner' }, 'is not suspended'],
  ['set nothing', { do: 'set', object: 'provider', name: 'Partner', fields: {} }, 'was named'],
  [
    'set as it is',
    { do: 'set', object: 'provider', name: 'Partner', fields: { verification: 'verified' } },
    'everything is so already',
  ],
  ['unset', { do: 'unset-setting', key: 'sip' }, 'is not set in the store'],
  [
    'a switch that is on by default',
    { do: 'set-setting', key: 'enabled', value: true },
    'the federation is enabled already, by default',
  ],
  [
    'a number that is the default',
    { do: 'set-setting', key: 'learning.perUser', value: 500 },
    'setting learning.perUser is 500 already, by default',
  ],
  [
    'a contact of the file',
    { do: 'add-contacts', user: 'romeo@sip.example', side: 'allow', who: ['juliet@xmpp.example'] },
    'already',
  ],
  ['restore', { do: 'restore', name: 'jabber' }, 'is as it was shipped'],
] as const)('nothing to do is told, and fails unless asked for: %s', async ([, spec, message]) => {
  await using bed = await adminBed()
  await bed.change(PARTNER)
  const before = await bed.store.revision()
  const change = 'who' in spec ? { ...spec, who: [...spec.who] } : spec
  const problem = await bed.refused(change as never)
  expect(problem).toMatchObject({ code: 'nothing-to-do', message: expect.stringContaining(message) })
  const answer = must(await bed.admin.change({ as: 'alice', change: change as never, idempotent: true }))
  expect(answer).toMatchObject({ changes: [], note: expect.stringContaining(message) })
  expect(await bed.store.revision()).toEqual(before)
})

test('a switch that was set is told apart from the default, and a suspension with how it ends', async () => {
  await using bed = await adminBed()
  const enable = { do: 'set-setting', key: 'enabled', value: true } as const
  await bed.change({ ...enable, value: false })
  expect((await bed.refused({ ...enable, value: false })).message).toBe('the federation is disabled already')
  expect(await bed.change(enable)).toEqual(['set settings enabled'])
  expect((await bed.refused(enable)).message).toBe('the federation is enabled already')
  await bed.change({ do: 'suspend', object: 'federation', name: 'federation', reason: '' })
  expect((await bed.refused(enable)).message).toContain('end that with dragoman federation resume')
})

describe('a row that is still in use is not taken away, and whoever uses it is named', () => {
  const setUp = async () => {
    const bed = await adminBed()
    for (const change of [
      { do: 'add', object: 'home', name: 'pbx', fields: { nextHop: 'sip:10.0.0.1' } },
      {
        do: 'add',
        object: 'link',
        name: 'gw',
        fields: {
          ...{ kind: 'component', host: '10.0.0.2', domain: 'two.example', secret: { env: 'GW' } },
          remote: ['xmpp.example'],
        },
      },
      {
        ...{ do: 'add', object: 'domain', kind: 'served', name: 'two.example' },
        fields: { home: 'pbx', links: ['gw'] },
      },
      {
        ...{ do: 'add', object: 'provider', name: 'Two' },
        fields: { type: 'partner', protocol: 'xmpp', domains: ['xmpp.example'], link: 'gw' },
      },
      { do: 'add', object: 'user', name: 'nurse@two.example', fields: { home: 'pbx' } },
    ] as const)
      await bed.change(change as never)
    return bed
  }

  test('a link: each domain and provider with the command that frees it, and then it goes', async () => {
    await using bed = await setUp()
    const remove = { do: 'remove', object: 'link', name: 'gw' } as const
    const problem = await bed.refused(remove)
    expect(problem).toMatchObject({ code: 'conflict' })
    expect(problem.conflicts).toMatchObject([
      {
        code: 'in-use',
        message: 'link "gw" is in use: served domain "two.example" names it',
        cure: 'free it first: dragoman domain set two.example --drop-link gw',
      },
      {
        code: 'in-use',
        message: 'link "gw" is in use: provider "Two" names it',
        cure: expect.stringContaining('dragoman provider set Two --enabled off --unset link'),
      },
    ])
    await bed.change({ do: 'set', object: 'provider', name: 'Two', fields: { enabled: false, link: null } })
    await bed.change({
      do: 'set',
      object: 'domain',
      name: 'two.example',
      fields: {},
      drop: { links: ['gw'] },
    })
    expect(await bed.change(remove)).toEqual(['remove links gw'])
  })

  test('a home: domains and users', async () => {
    await using bed = await setUp()
    const { conflicts } = await bed.refused({ do: 'remove', object: 'home', name: 'pbx' })
    expect(conflicts?.map(({ message, cure }) => `${message} / ${cure}`)).toEqual([
      'home "pbx" is in use: served domain "two.example" names it / give it another home first: dragoman domain set two.example --home NAME',
      'home "pbx" is the home of a user (nurse@two.example) / change them first: dragoman user set ADDRESS --home NAME; see them with: dragoman user list --home pbx',
    ])
  })

  test('one that a row of the file names is freed there', async () => {
    await using bed = await setUp()
    const before = fileRows()
    bed.useFile({
      ...before,
      servedDomains: before.servedDomains.map((row) => ({ ...row, home: 'pbx' as const })),
    })
    const { conflicts } = await bed.refused({ do: 'remove', object: 'home', name: 'pbx' })
    expect(conflicts?.[0]).toMatchObject({
      message: 'home "pbx" is in use: served domain "sip.example" names it',
      cure: 'take it out of servedDomains "sip.example" in /etc/dragoman/gateway.config.yaml, and reload the gateway (SIGHUP)',
    })
  })

  test.for([
    [
      'policy',
      'staff',
      `policies: [{ name: other }]\nusers: [{ user: a@sip.example, policy: staff }]`,
      'user "a@sip.example"',
    ],
    [
      'provider',
      'Two',
      `contacts: [{ user: romeo@sip.example, block: ['provider:Two'] }]`,
      'contact list "romeo@sip.example"',
    ],
    ['domain', 'two.example', 'users: [{ user: a@two.example }]', 'user "a@two.example"'],
  ] as const)('a %s that a row of the file names', async ([object, name, section, who]) => {
    await using bed = await setUp()
    await bed.change({ do: 'add', object: 'policy', name: 'staff', fields: {} })
    const { settings, ...more } = fileRows(section)
    const base = fileRows()
    bed.useFile({ ...base, users: more.users, contacts: more.contacts })
    const { message, conflicts } = await bed.refused({ do: 'remove', object, name })
    expect(message).toContain('is in use')
    expect(conflicts?.map((each) => each.message).join()).toContain(`${who} names it`)
    expect(settings).toEqual({})
  })
})

test('a row that is only to be added is not among those to be changed', async () => {
  await using bed = await adminBed()
  const fields = { ...PARTNER.fields, domains: ['filed.example'] }
  const added = await bed.refused({ ...PARTNER, fields })
  expect(added.cure).toBe('a domain has one owner: take it from one of the two providers')
  await bed.change(PARTNER)
  const set = {
    do: 'set',
    object: 'provider',
    name: 'Partner',
    fields: { domains: ['filed.example'] },
  } as const
  expect((await bed.refused({ ...set, fields: { domains: [...set.fields.domains] } })).cure).toContain(
    'dragoman provider set Partner',
  )
})

test('a link can be added before the domain that it is to carry, with a warning', async () => {
  await using bed = await adminBed()
  const fields = {
    ...{ kind: 'component', host: '10.0.0.2', domain: 'two.example', secret: { env: 'GW' } },
    remote: ['xmpp.example'],
  }
  const added = must(
    await bed.admin.change({ as: 'alice', change: { do: 'add', object: 'link', name: 'gw', fields } }),
  )
  expect(added.warnings).toMatchObject([{ code: 'link-unused' }])
  const domain = { do: 'add', object: 'domain', kind: 'served', name: 'two.example' } as const
  const carried = must(
    await bed.admin.change({ as: 'alice', change: { ...domain, fields: { home: 'main', links: ['gw'] } } }),
  )
  expect(carried.warnings).toEqual([])
})

test('rows of the file are told apart and stay; the emergency stop works on them', async () => {
  await using bed = await adminBed()
  for (const change of [
    { do: 'set', object: 'provider', name: 'Filed', fields: { verification: 'all' } },
    { do: 'disable', object: 'provider', name: 'filed' },
    { do: 'remove', object: 'home', name: 'main' },
    { do: 'set', object: 'domain', name: 'sip.example', fields: { users: 'listed' } },
    { do: 'set-setting', key: 'publicIm', value: false },
    { do: 'remove-contacts', user: 'romeo@sip.example', side: 'allow', who: ['juliet@xmpp.example'] },
  ] as const) {
    expect(await bed.refused(change as never)).toMatchObject({
      code: 'file-owned',
      message: expect.stringContaining('/etc/dragoman/gateway.config.yaml'),
      cure: expect.stringContaining('SIGHUP'),
    })
  }
  expect(
    (await bed.refused({ do: 'add', object: 'home', name: 'MAIN', fields: { nextHop: 'sip:10.0.0.1' } }))
      .code,
  ).toBe('exists')
  const filed = { object: 'provider', name: 'FILED' } as const
  expect(await bed.change({ do: 'suspend', ...filed, reason: 'flood' })).toEqual(['suspend providers Filed'])
  expect(must(await bed.admin.show(filed)).suspended).toMatchObject({ by: 'alice', reason: 'flood' })
  expect(await bed.change({ do: 'resume', ...filed })).toEqual(['resume providers Filed'])
  await bed.change({ do: 'suspend', object: 'federation', name: 'federation', reason: '' })
  expect(must(await bed.admin.settings({})).suspended).toMatchObject({ by: 'alice' })
})

test('shipped rows: a change makes them the store’s, removed ones stay away until they are restored', async () => {
  await using bed = await adminBed()
  const jabber = { object: 'provider', name: 'Jabber' } as const
  await bed.change({ do: 'set', ...jabber, fields: { description: 'ours' } })
  expect(must(await bed.admin.show(jabber))).toMatchObject({ owner: 'store', row: { description: 'ours' } })
  await bed.change({ do: 'remove', ...jabber })
  expect(await bed.admin.show(jabber)).toMatchObject({
    error: { code: 'not-found', cure: expect.stringContaining('provider restore Jabber') },
  })
  expect(await bed.change({ do: 'restore', name: 'Jabber' })).toEqual(['restore providers Jabber'])
  expect(must(await bed.admin.show(jabber))).toMatchObject({ owner: 'shipped' })
})

test.for([
  [
    'a domain that has an owner',
    { ...PARTNER, name: 'Other', fields: { ...PARTNER.fields, domains: ['filed.example'] } },
    /filed\.example belongs to provider .*"Filed" in the configuration file/,
  ],
  [
    'allowed and blocked',
    { do: 'add', object: 'domain', kind: 'blocked', name: 'allowed.example', fields: {} },
    /both allowed and blocked/,
  ],
  [
    'a link that is not there',
    { ...PARTNER, name: 'Other', fields: { ...PARTNER.fields, domains: ['o.example'], link: 'no' } },
    /link "no", which does not exist/,
  ],
  [
    'no way to prove a domain',
    {
      do: 'set',
      object: 'provider',
      name: 'Partner',
      fields: { negotiation: { tls: 'unsupported', sasl: 'required', dialback: false } },
    },
    /no stream could be proved/,
  ],
  [
    'a home that users have',
    { do: 'remove', object: 'home', name: 'second' },
    /is the home of a user \(romeo@sip\.example\)/,
  ],
  ['a policy that is granted', { do: 'remove', object: 'policy', name: 'staff' }, /is granted to a user/],
] as const)(
  'what cannot stand is refused with rows and cure, and leaves no trace: %s',
  async ([, spec, message]) => {
    await using bed = await adminBed()
    await bed.change(PARTNER)
    await bed.change({ do: 'add', object: 'domain', kind: 'allowed', name: 'allowed.example', fields: {} })
    await bed.change({ do: 'add', object: 'home', name: 'second', fields: { nextHop: 'sip:10.0.0.1' } })
    await bed.change({ do: 'add', object: 'policy', name: 'staff', fields: { xmpp: true } })
    const fields = { home: 'second', policy: 'staff' }
    await bed.change({ do: 'add', object: 'user', name: 'sip:Romeo@sip.example', fields })
    const before = await bed.store.revision()
    const problem = await bed.refused(spec as never)
    expect(problem).toMatchObject({ code: 'conflict', message: expect.stringMatching(message) })
    expect(problem.cure).not.toBe('')
    expect(await bed.store.revision()).toEqual(before)
  },
)

test('a weak but possible negotiation is accepted with a warning', async () => {
  await using bed = await adminBed()
  const fields = { ...PARTNER.fields, negotiation: { tls: 'unsupported', sasl: 'optional', dialback: true } }
  const outcome = must(await bed.admin.change({ as: 'alice', change: { ...PARTNER, fields } as never }))
  expect(outcome.warnings).toMatchObject([{ code: 'negotiation-weak' }])
})

test.for([
  ['an unknown key', { verifcation: 'all' }, 'verifcation', 'did you mean verification?'],
  ['a wrong word', { verification: 'al' }, 'verification', 'all'],
  ['a wrong domain', { domains: ['a b'] }, 'domains[0]', 'example.com'],
  ['a key of the other protocol', { accessEdges: ['edge.example'] }, 'accessEdges', 'protocol'],
  ['another name', { name: 'New' }, undefined, 'remove the old one'],
] as const)('a wrong field is named, with its cure: %s', async ([, fields, path, cure]) => {
  await using bed = await adminBed()
  await bed.change(PARTNER)
  const problem = await bed.refused({ do: 'set', object: 'provider', name: 'Partner', fields } as never)
  expect(problem).toMatchObject({ code: 'bad-request', cure: expect.stringContaining(cure) })
  expect(problem.faults?.[0]?.path).toBe(path)
})

test.for([
  ['provider', 'Jaber', 'did you mean Jabber?'],
  ['home', 'mian', 'did you mean main?'],
  ['user', 'nobody@sip.example', 'dragoman user list'],
] as const)('%s that is not there: %s', async ([object, name, cure]) => {
  await using bed = await adminBed()
  expect(await bed.refused({ do: 'remove', object, name })).toMatchObject({
    code: 'not-found',
    cure: expect.stringContaining(cure),
  })
})

test('what an object cannot do is told with what it can', async () => {
  await using bed = await adminBed()
  expect(await bed.refused({ do: 'disable', object: 'home', name: 'main' })).toMatchObject({
    code: 'not-possible',
    cure: expect.stringContaining('dragoman home suspend main'),
  })
  await bed.change({ do: 'add', object: 'domain', kind: 'blocked', name: 'b.example', fields: {} })
  expect((await bed.refused({ do: 'suspend', object: 'domain', name: 'b.example' })).code).toBe(
    'not-possible',
  )
  await bed.change({ do: 'add', object: 'policy', name: 'global', fields: { xmpp: true } })
  expect((await bed.refused({ do: 'grant', policy: 'global', users: ['a@sip.example'] })).code).toBe(
    'not-possible',
  )
})

test('policies are granted to users and taken away, all or none', async () => {
  await using bed = await adminBed()
  await bed.change({ do: 'add', object: 'policy', name: 'staff', fields: { xmpp: true } })
  await bed.change({ do: 'add', object: 'user', name: 'romeo@sip.example', fields: {} })
  const missing = await bed.refused({
    do: 'grant',
    policy: 'staff',
    users: ['romeo@sip.example', 'x@sip.example'],
  })
  expect(missing).toMatchObject({
    code: 'not-found',
    cure: expect.stringContaining('dragoman user add x@sip.example'),
  })
  await bed.change({ do: 'grant', policy: 'staff', users: ['romeo@sip.example'] })
  const granted = must(await bed.admin.list({ object: 'user', policy: 'staff' }))
  expect(granted.rows.map(({ name }) => name)).toEqual(['romeo@sip.example'])
  await bed.change({ do: 'revoke', policy: 'staff', users: ['romeo@sip.example'] })
  expect(must(await bed.admin.list({ object: 'user', policy: 'staff' })).rows).toEqual([])
})

test('contacts of file and store are shown together, with whose they are', async () => {
  await using bed = await adminBed()
  const who = ['@xmpp.example', 'provider:Filed', 'everyone']
  await bed.change({ do: 'add-contacts', user: 'romeo@sip.example', side: 'block', who })
  const { lines } = must(await bed.admin.contacts({ user: 'sip:romeo@sip.example' }))
  expect(lines.map(({ side, who: whom, owner }) => `${side} ${whom} ${owner}`).sort()).toEqual([
    'allow juliet@xmpp.example file',
    'block @xmpp.example store',
    'block everyone store',
    'block provider:Filed store',
  ])
  await bed.change({ do: 'clear-contacts', user: 'romeo@sip.example' })
  expect(must(await bed.admin.contacts({ user: 'romeo@sip.example' })).lines).toHaveLength(1)
})

test('of several, those that are so already are told beside the change', async () => {
  await using bed = await adminBed()
  const add = { do: 'add-contacts', user: 'romeo@sip.example', side: 'allow' } as const
  await bed.change({ ...add, who: ['a@x.example'] })
  const added = must(
    await bed.admin.change({ as: 'alice', change: { ...add, who: ['a@x.example', 'b@x.example'] } }),
  )
  expect(added).toMatchObject({
    changes: [{ action: 'add' }],
    note: 'a@x.example: on the Allow list of romeo@sip.example already',
  })
  await bed.change({ do: 'add', object: 'policy', name: 'staff', fields: {} })
  await bed.change({ do: 'add', object: 'user', name: 'a@sip.example', fields: { policy: 'staff' } })
  await bed.change({ do: 'add', object: 'user', name: 'b@sip.example', fields: {} })
  const grant = { do: 'grant', policy: 'staff', users: ['a@sip.example', 'b@sip.example'] } as const
  const granted = must(await bed.admin.change({ as: 'alice', change: { ...grant, users: [...grant.users] } }))
  expect([granted.changes.length, granted.note]).toEqual([
    1,
    'policy "staff" is granted to a@sip.example already',
  ])
})

test('users of file and store come in one order, page by page', async () => {
  await using bed = await adminBed()
  for (const name of ['zoe', 'abel', 'romeo', 'oberon', 'mab']) {
    await bed.change({ do: 'add', object: 'user', name: `${name}@sip.example`, fields: {} })
  }
  const names: string[] = []
  let after: string | undefined
  do {
    const page = must(await bed.admin.list({ object: 'user', limit: 2, after }))
    expect(page.rows.length).toBeLessThanOrEqual(2)
    names.push(...page.rows.map(({ name, owner }) => `${name.split('@')[0]} ${owner}`))
    after = page.next
  } while (after !== undefined)
  expect(names).toEqual(['abel store', 'mab store', 'nurse file', 'oberon store', 'romeo store', 'zoe store'])
})

test('after an edit of the file that conflicts, everything is shown, and the store’s row can be taken away', async () => {
  await using bed = await adminBed()
  await bed.change(PARTNER)
  bed.useFile({
    ...fileRows(),
    providers: fileRows(
      `providers: [{ name: Partner, type: partner, protocol: xmpp, domains: [partner.example], link: prosody }]`,
    ).providers,
  })
  const { broken } = must(await bed.admin.status({}))
  expect(broken?.[0]).toContain('dragoman provider remove Partner')
  const owners = must(await bed.admin.list({ object: 'provider', containing: 'partner' })).rows
  expect(owners.map(({ owner }) => owner).sort()).toEqual(['file', 'store'])
  expect(await bed.change({ do: 'remove', object: 'provider', name: 'Partner' })).toEqual([
    'remove providers Partner',
  ])
  expect(must(await bed.admin.status({})).broken).toBeUndefined()
})

test('a dry run tells the same and changes nothing', async () => {
  await using bed = await adminBed()
  expect(await bed.change(PARTNER, { dryRun: true })).toEqual(['add providers Partner'])
  expect((await bed.admin.show({ object: 'provider', name: 'Partner' })).ok).toBe(false)
})

test('whoever asked is answered once the change is in force', async () => {
  const told: number[] = []
  await using bed = await adminBed({ changed: async () => void told.push(1) })
  await bed.change(PARTNER)
  await bed.refused(PARTNER)
  await bed.change({ do: 'disable', object: 'provider', name: 'Partner' }, { dryRun: true })
  expect(told).toHaveLength(1)
})

test('explain counts rows of the store', async () => {
  await using bed = await adminBed()
  await bed.change(PARTNER)
  const ask = { from: 'juliet@partner.example', to: 'romeo@sip.example', kind: 'message' } as const
  expect(must(await bed.admin.explain(ask)).verdict).toMatchObject({
    outcome: 'refuse',
    reason: 'not-a-contact',
  })
  await bed.change({
    do: 'add-contacts',
    user: 'romeo@sip.example',
    side: 'allow',
    who: ['@partner.example'],
  })
  const told = must(await bed.admin.explain(ask))
  expect(told.verdict.outcome).toBe('deliver')
  expect(told.owner).toBe('store')
})

test('a row that somebody else has changed meanwhile is not overwritten', async () => {
  await using bed = await adminBed()
  await bed.change(PARTNER)
  const seen = await bed.store.read()
  await bed.change({ do: 'set', object: 'provider', name: 'Partner', fields: { verification: 'all' } })
  // A request that looked before the change, and writes after it.
  const late = except(bed.store, { read: async () => seen })
  const admin = createAdmin({ ...deps, store: late })
  const set = {
    do: 'set',
    object: 'provider',
    name: 'Partner',
    fields: { verification: 'contacts' },
  } as const
  expect(await admin.change({ as: 'bob', change: set })).toMatchObject({
    ok: false,
    error: { code: 'stale', message: expect.stringContaining('Partner') },
  })
  const { row } = must(await bed.admin.show({ object: 'provider', name: 'Partner' }))
  expect(row.verification).toBe('all')
})

test('a store that fails is an answer, with what to do', async () => {
  await using bed = await adminBed()
  const full = { code: 'disk-full', message: 'the disk is full', cure: 'make room' } as const
  const failing = except(bed.store, { change: () => Promise.reject(new StoreFault(full)) })
  const answer = await createAdmin({ ...deps, store: failing }).change({ as: 'alice', change: PARTNER })
  expect(answer).toMatchObject({
    ok: false,
    error: { code: 'store-failed', message: full.message, cure: full.cure },
  })
})

const deps = {
  fileRows: () => fileRows(),
  file: '/etc/x.yaml',
  forms: rowForms,
  clock: systemClock,
  version: '1.2.3',
}

test('without a store everything is read, and changes are refused with the cure', async () => {
  const admin = createAdmin({ ...deps, store: undefined })
  expect(must(await admin.list({ object: 'provider' })).rows.map(({ owner }) => owner)).toContain('file')
  expect((await admin.explain({ from: 'a@filed.example', to: 'b@sip.example', kind: 'message' })).ok).toBe(
    true,
  )
  for (const answer of [
    await admin.change({ as: 'alice', change: PARTNER }),
    await admin.export({}),
    await admin.audit({}),
    await admin.apply({ as: 'alice', section: {} }),
  ]) {
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'no-store', cure: expect.stringContaining('store: { sqlite:') },
    })
  }
})

test('a request is strict and bounded', async () => {
  await using bed = await adminBed()
  const wrong = [
    { object: 'provider', bogus: 1 },
    { object: 'teapot' },
    { object: 'provider', limit: 100_000 },
    { object: 'provider', containing: 'x'.repeat(2000) },
    undefined,
  ]
  for (const request of wrong) {
    expect(await bed.admin.list(request as never)).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    })
  }
})
