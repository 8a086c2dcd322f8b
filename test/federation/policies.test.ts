import { describe, expect, test } from 'vitest'
import { decide } from '../../src/federation/decide.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import type { Policy, PolicyFlags } from '../../src/federation/model.ts'
import { effectivePolicy, grantOf, scopeOf } from '../../src/federation/policies.ts'
import { buildSnapshot } from '../../src/federation/snapshot.ts'
import { address, input, policy, snapshot, user, xmppProvider } from './fixtures.ts'

const ALL: PolicyFlags = { federation: true, publicIm: true, xmpp: true }
const holds = (rows: readonly Policy[], who: { site?: string; policy?: string } | undefined) =>
  effectivePolicy(
    who && { site: who.site, policy: who.policy },
    new Map(rows.map((row) => [row.name, grantOf(row)])),
  )

describe('user → site → global', () => {
  const rows = [
    policy('global', { federation: true }),
    policy('site:verona', { publicIm: true }),
    policy('staff', { xmpp: true }),
  ]
  test.for([
    ['no row of the user', undefined, 'global'],
    ['neither site nor grant', {}, 'global'],
    ['a site with a policy', { site: 'verona' }, 'site:verona'],
    ['a site without one', { site: 'mantua' }, 'global'],
    ['a grant', { policy: 'staff' }, 'staff'],
    ['a grant and a site', { policy: 'staff', site: 'verona' }, 'staff'],
  ] as const)('%s', ([, who, name]) => {
    const winner = holds(rows, who)
    expect(winner?.name).toBe(name)
    expect(winner?.flags).toEqual(rows.find((row) => row.name === name)?.flags)
  })

  test('the winner counts whole: no flag of another is added', () => {
    expect(holds([policy('global', ALL), policy('staff')], { policy: 'staff' })?.flags).toEqual({
      federation: false,
      publicIm: false,
      xmpp: false,
    })
  })

  test('none applies: nothing is granted', () => {
    expect(holds([policy('staff', ALL)], undefined)).toMatchObject({
      name: undefined,
      flags: { xmpp: false },
    })
  })

  test('there are none: the question is not asked', () => expect(holds([], {})).toBeUndefined())

  test('a suspended one grants nothing, and is not passed over', () => {
    const closed = [policy('global', ALL), policy('site:verona', ALL, { suspended: true })]
    expect(holds(closed, { site: 'verona' })).toMatchObject({ name: 'site:verona', flags: { xmpp: false } })
  })

  test('scopes are in the name', () => {
    expect([scopeOf('global'), scopeOf('site:verona'), scopeOf('sites')]).toEqual([
      { kind: 'global' },
      { kind: 'site', site: 'verona' },
      { kind: 'named' },
    ])
  })
})

describe('in a verdict', () => {
  const request = {
    kind: 'message',
    from: address('juliet@xmpp.example'),
    to: address('romeo@sip.example'),
  } as const
  const back = { kind: 'presence', from: request.to, to: request.from } as const
  const world = snapshot({
    providers: [xmppProvider({ verification: 'all' })],
    policies: [policy('global'), policy('site:verona', { xmpp: true }), policy('closed')],
    users: [
      user('romeo@sip.example', { site: 'verona' }),
      user('tybalt@sip.example', { site: 'verona', policy: 'closed' }),
    ],
  })
  const ask = (asked: Parameters<typeof decide>[0]) =>
    decide(
      asked,
      asked === back || asked.from.domain === 'sip.example'
        ? { kind: 'home', home: 'main' }
        : { kind: 'component', link: 'prosody' },
      world,
      loadSubject(world, asked, 0),
    )

  test.for([
    ['its site grants it', 'romeo', { outcome: 'deliver', policy: 'site:verona' }],
    ['a granted policy wins over the site', 'tybalt', { reason: 'policy-denies', policy: 'closed' }],
    ['a user without a row has the global one', 'nurse', { reason: 'policy-denies', policy: 'global' }],
  ] as const)('%s', ([, name, expected]) => {
    const own = address(`${name}@sip.example`)
    expect(ask({ ...request, to: own })).toMatchObject(expected)
    expect(ask({ ...back, from: own })).toMatchObject(expected)
  })

  test('the step says which policy it was', () => {
    const steps = ask({ ...request, to: address('tybalt@sip.example') }).steps
    expect(steps.find(({ name }) => name === 'policy')?.detail).toBe(
      'policy "closed" does not grant xmpp, which the remote side needs',
    )
  })
})

describe('rows that cannot stand', () => {
  test.for([
    ['unknown-policy', 'a grant of nothing', [policy('staff')], 'stuff', /name.*staff|grant one of staff/],
    ['unknown-policy', 'a grant, and no policies', [], 'staff', /add a policy/],
    [
      'policy-not-grantable',
      'a grant of the global one',
      [policy('global')],
      'global',
      /take the grant away/,
    ],
    ['policy-not-grantable', 'a grant of a site’s', [policy('site:a')], 'site:a', /take the grant away/],
  ] as const)('%s: %s', ([code, , policies, granted, cure]) => {
    const users = [user('romeo@sip.example', { policy: granted })]
    const built = buildSnapshot(input({ policies, users }))
    const [found, ...more] = built.ok ? [] : built.error
    expect(more).toEqual([])
    expect(found).toMatchObject({
      code,
      rows: [{ list: 'users', index: 0, name: 'romeo@sip.example', field: 'policy' }],
    })
    expect(found?.message).toContain(`"${granted}"`)
    expect(found?.cure).toMatch(cure)
  })

  test('a site without a name, and a policy twice', () => {
    const built = buildSnapshot(input({ policies: [policy('site:'), policy('a'), policy('A')] }))
    expect(built.ok ? [] : built.error.map(({ code }) => code)).toEqual([
      'duplicate-name',
      'policy-not-grantable',
    ])
  })

  test('policies without a global one are warned of', () => {
    const codes = (names: readonly string[]) =>
      snapshot({ policies: names.map((name) => policy(name)) }).warnings.map(({ code }) => code)
    expect([codes([]), codes(['global', 'a']), codes(['a'])]).toEqual([[], [], ['no-global-policy']])
  })
})
