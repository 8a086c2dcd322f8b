import { describe, expect, test } from 'vitest'
import { decide } from '../../src/federation/decide.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import { type Merged, mergeSources } from '../../src/federation/merge.ts'
import { contactKey, ownerOf } from '../../src/federation/owners.ts'
import { DEFAULT_SETTINGS, SETTING_KEYS, switchesOf } from '../../src/federation/settings.ts'
import { SHIPPED_PROVIDERS } from '../../src/federation/shipped.ts'
import { buildSnapshot } from '../../src/federation/snapshot.ts'
import {
  EMPTY_ROWS,
  EMPTY_STORE,
  type SourceRows,
  type StoreRows,
  SUSPENDABLE,
  type SuspendableList,
} from '../../src/federation/sources.ts'
import {
  address,
  byAddress,
  contacts,
  domain,
  home,
  input,
  link,
  must,
  pattern,
  policy,
  served,
  sipProvider,
  user,
  xmppProvider,
} from './fixtures.ts'

const file = (rows: Partial<SourceRows> = {}): SourceRows => ({ ...EMPTY_ROWS, ...rows })
const store = (rows: Partial<StoreRows> = {}): StoreRows => ({ ...EMPTY_STORE, ...rows })
const merge = (a: Partial<SourceRows>, b: Partial<StoreRows> = {}): Merged =>
  must(mergeSources(file(a), store(b)))
const names = (merged: Merged): string[] => merged.input.providers.map(({ name }) => name)
const SHIPPED = ['Windows Live', 'AOL', 'Yahoo!', 'Google Talk', 'Jabber']

describe('shipped rows', () => {
  test('are the five of the reference product, all public and all disabled', () => {
    expect(
      SHIPPED_PROVIDERS.map((row) => [
        row.name,
        row.protocol,
        row.protocol === 'sip' ? row.accessEdges : [],
        row.domains.map((each) => each.domain),
      ]),
    ).toEqual([
      [
        'Windows Live',
        'sip',
        ['federation.messenger.msn.com'],
        ['hotmail.com', 'live.com', 'msn.com', 'outlook.com'],
      ],
      ['AOL', 'sip', ['sip.oscar.aol.com'], ['aol.com', 'aim.com']],
      ['Yahoo!', 'sip', ['lcsap.msg.yahoo.com'], ['yahoo.com']],
      ['Google Talk', 'xmpp', [], ['gmail.com', 'googlemail.com']],
      ['Jabber', 'xmpp', [], ['jabber.org']],
    ])
    for (const row of SHIPPED_PROVIDERS) {
      expect(row).toMatchObject({ type: 'public', enabled: false, suspended: false })
      expect(row.domains.every(({ below }) => !below)).toBe(true)
    }
  })

  test('stand together without a warning, and refuse', () => {
    const { input: rows, owners } = merge({
      homes: [home()],
      servedDomains: [served({ links: [] })],
    })
    const world = must(buildSnapshot(rows, owners))
    expect([world.warnings, [...world.providers.keys()]]).toEqual([[], SHIPPED])
    const request = {
      kind: 'message',
      from: address('somebody@outlook.com'),
      to: address('romeo@sip.example'),
    } as const
    const edge = {
      kind: 'sip-peer',
      names: [domain('federation.messenger.msn.com')],
      asserted: 'verified',
    } as const
    expect(decide(request, edge, world, loadSubject(world, request, 0))).toMatchObject({
      reason: 'provider-disabled',
      provider: 'Windows Live',
    })
    expect(ownerOf(owners, 'providers', 'Windows Live')).toBe('shipped')
  })

  test.for([
    ['a row of the file with the name', { providers: [sipProvider({ name: 'aol' })] }, {}, ['aol'], 'AOL'],
    [
      'a row of the store with the name',
      {},
      { providers: [sipProvider({ name: 'Jabber' })] },
      ['Jabber'],
      'Jabber',
    ],
    [
      'a row with one of its domains',
      { providers: [sipProvider({ name: 'Ours', domains: [pattern('gmail.com')] })] },
      {},
      ['Ours'],
      'Google Talk',
    ],
    [
      'a row with an access edge of it',
      { providers: [sipProvider({ name: 'Ours', accessEdges: [domain('lcsap.msg.yahoo.com')] })] },
      {},
      ['Ours'],
      'Yahoo!',
    ],
    [
      'a served domain',
      { homes: [home()], servedDomains: [served({ name: domain('jabber.org') })] },
      {},
      [],
      'Jabber',
    ],
    ['its removal', {}, { removedShipped: ['AOL'] }, [], 'AOL'],
  ] as const)('give way to %s', ([, a, b, own, gone]) => {
    expect(names(merge(a, b))).toEqual([...own, ...SHIPPED.filter((name) => name !== gone)])
  })
})

describe('whose a row is', () => {
  const merged = merge(
    {
      settings: { xmpp: false },
      homes: [home()],
      servedDomains: [served({ links: ['prosody'] })],
      providers: [xmppProvider()],
      contacts: [contacts({ allow: [byAddress('juliet@xmpp.example')] })],
    },
    {
      settings: { xmpp: true, sip: false, 'openDiscovery.limits.contacts': 7 },
      links: [link()],
      providers: [sipProvider()],
      users: [user('tybalt@sip.example')],
      contacts: [
        contacts({
          allow: [byAddress('juliet@xmpp.example'), byAddress('nurse@xmpp.example')],
          block: [byAddress('paris@xmpp.example')],
        }),
        contacts({ user: address('tybalt@sip.example'), block: [byAddress('romeo@xmpp.example')] }),
      ],
    },
  )

  test('the file’s rows come first, so that a place in the file is one in the whole', () => {
    expect(names(merged)).toEqual(['Example XMPP', 'Example SIP', ...SHIPPED])
    const { owners } = merged
    expect([
      ownerOf(owners, 'providers', 'Example XMPP'),
      ownerOf(owners, 'providers', 'Example SIP'),
      ownerOf(owners, 'links', 'prosody'),
      ownerOf(owners, 'users', 'tybalt@sip.example'),
    ]).toEqual(['file', 'store', 'store', 'store'])
    expect(buildSnapshot(merged.input, owners).ok).toBe(true)
  })

  test('settings one by one: the file’s, else the store’s, else the default', () => {
    expect(merged.input.federation).toEqual({
      ...switchesOf(DEFAULT_SETTINGS),
      xmpp: false,
      sip: false,
      openDiscovery: {
        ...switchesOf(DEFAULT_SETTINGS).openDiscovery,
        limits: { messagesPerSecond: 20, contacts: 7, connections: 20 },
      },
    })
    const { settings } = merged.owners
    expect([settings.xmpp, settings.sip, settings.enabled]).toEqual(['file', 'store', 'default'])
    expect(Object.keys(settings)).toEqual([...SETTING_KEYS])
  })

  test('contact lists entry by entry', () => {
    const romeo = address('romeo@sip.example')
    expect(merged.input.contacts).toHaveLength(2)
    expect(merged.input.contacts[0]).toEqual(
      contacts({
        allow: [byAddress('juliet@xmpp.example'), byAddress('nurse@xmpp.example')],
        block: [byAddress('paris@xmpp.example')],
      }),
    )
    const owner = (who: string, side: 'allow' | 'block') =>
      ownerOf(merged.owners, 'contacts', contactKey(romeo, side, byAddress(who).match))
    expect([
      owner('juliet@xmpp.example', 'allow'),
      owner('nurse@xmpp.example', 'allow'),
      owner('paris@xmpp.example', 'block'),
    ]).toEqual(['file', 'store', 'store'])
  })

  test('a row that the file drops is gone', () => {
    expect(names(merge({}, { providers: [sipProvider()] }))).toEqual(['Example SIP', ...SHIPPED])
  })
})

const blocked = (name: string) => ({ name: domain(name), comment: '' })
const allowed = (name: string) =>
  ({ name: domain(name), verification: 'verified', comment: '', suspended: false }) as const

describe('a row of the file and one of the store never hide each other', () => {
  test.for<[string, Partial<SourceRows>, Partial<StoreRows>, string, string]>([
    [
      'a provider of the same name',
      { providers: [sipProvider()] },
      { providers: [sipProvider({ name: 'example sip', domains: [], accessEdges: [] })] },
      'two-owners',
      'dragoman provider remove "example sip"',
    ],
    ['a home', { homes: [home()] }, { homes: [home()] }, 'two-owners', 'dragoman home remove main'],
    ['a link', { links: [link()] }, { links: [link()] }, 'two-owners', 'dragoman link remove prosody'],
    [
      'a served domain',
      { servedDomains: [served()] },
      { servedDomains: [served()] },
      'two-owners',
      'dragoman domain remove sip.example',
    ],
    [
      'an allowed domain',
      { allowedDomains: [allowed('a.example')] },
      { allowedDomains: [allowed('a.example')] },
      'two-owners',
      'dragoman domain remove a.example',
    ],
    [
      'a blocked domain',
      { blockedDomains: [blocked('a.example')] },
      { blockedDomains: [blocked('a.example')] },
      'two-owners',
      'dragoman domain remove a.example',
    ],
    [
      'a policy',
      { policies: [policy('a')] },
      { policies: [policy('a')] },
      'two-owners',
      'dragoman policy remove a',
    ],
    [
      'a user',
      { users: [user('romeo@sip.example')] },
      { users: [user('Romeo@sip.example')] },
      'two-owners',
      'dragoman user remove romeo@sip.example',
    ],
    [
      'the same domain under two names',
      { providers: [sipProvider()] },
      { providers: [sipProvider({ name: 'Other', accessEdges: [domain('other.example')] })] },
      'domain-owned-twice',
      'dragoman provider set Other',
    ],
    [
      'a domain above',
      { providers: [sipProvider({ domains: [pattern('*.a.example')] })] },
      { providers: [sipProvider({ name: 'Other', accessEdges: [], domains: [pattern('x.a.example')] })] },
      'domain-owned-twice',
      'dragoman provider set Other',
    ],
    [
      'the same access edge',
      { providers: [sipProvider()] },
      { providers: [sipProvider({ name: 'Other', domains: [pattern('other.example')] })] },
      'access-edge-used-twice',
      'dragoman provider set Other',
    ],
    [
      'allowed here, blocked there',
      { allowedDomains: [allowed('x.a.example')] },
      { blockedDomains: [blocked('a.example')] },
      'allowed-and-blocked',
      'dragoman domain set a.example',
    ],
    [
      'served here, a provider’s there',
      { servedDomains: [served({ name: domain('partner.example') })] },
      { providers: [sipProvider()] },
      'served-and-remote',
      'dragoman provider set "Example SIP"',
    ],
  ])('%s', ([, a, b, code, cure]) => {
    const result = mergeSources(file(a), store(b))
    const [found, ...more] = result.ok ? [] : result.error
    expect(more).toEqual([])
    expect(found?.code).toBe(code)
    expect(found?.rows.map(({ owner }) => owner).sort()).toEqual(['file', 'store'])
    for (const row of found?.rows ?? []) expect(found?.message).toContain(row.name)
    expect(found?.message).toMatch(/the configuration file/)
    expect(found?.message).toMatch(/the store/)
    expect(found?.cure).toContain(cure)
  })

  test('what conflicts within one source is told when the snapshot is made', () => {
    const merged = merge({ providers: [sipProvider(), sipProvider()] })
    const built = buildSnapshot(merged.input, merged.owners)
    const found = built.ok ? [] : built.error
    expect(found.map(({ code }) => code)).toContain('duplicate-name')
    expect(found.flatMap(({ rows }) => rows.map(({ owner }) => owner))).not.toContain('store')
  })
})

describe('suspended, whoever owns the row', () => {
  const rows: Partial<SourceRows> = {
    ...input(),
    policies: [policy('global', { federation: true, xmpp: true })],
    users: [user('romeo@sip.example')],
    providers: [xmppProvider({ verification: 'all' })],
    settings: {},
  }
  const NAMES: Record<SuspendableList, string> = {
    federation: 'federation',
    homes: 'main',
    servedDomains: 'sip.example',
    links: 'prosody',
    providers: 'EXAMPLE XMPP',
    allowedDomains: 'friend.example',
    policies: 'global',
    users: 'romeo@sip.example',
  }
  const suspend = (list: SuspendableList, name = NAMES[list]) => ({
    suspensions: [{ list, name, by: 'nurse', since: 0, reason: '' }],
  })
  const owners = [
    ['file', (list: SuspendableList) => merge(rows, suspend(list))],
    ['store', (list: SuspendableList) => merge({}, { ...rows, ...suspend(list) })],
  ] as const

  const verdict = (merged: Merged, outbound: boolean) => {
    const world = must(buildSnapshot(merged.input, merged.owners))
    const [from, to] = [address('juliet@xmpp.example'), address('romeo@sip.example')]
    const request = outbound
      ? { kind: 'message' as const, from: to, to: from }
      : { kind: 'message' as const, from, to }
    const evidence = outbound
      ? { kind: 'home' as const, home: 'main' }
      : { kind: 'component' as const, link: 'prosody' }
    return decide(request, evidence, world, loadSubject(world, request, 0))
  }

  test('without a mark it passes', () => {
    expect([verdict(merge(rows), false).outcome, verdict(merge(rows), true).outcome]).toEqual([
      'deliver',
      'deliver',
    ])
  })

  const REASON = { policies: 'policy-denies', users: 'user-disabled' } as const
  test.for(
    SUSPENDABLE.filter((list) => list !== 'allowedDomains').flatMap((list) =>
      owners.map(([owner, of]) => [list, owner, of] as const),
    ),
  )('%s of the %s', ([list, , of]) => {
    const merged = of(list)
    const reason = REASON[list as keyof typeof REASON] ?? 'suspended'
    const inbound = list === 'homes' ? 'user-disabled' : reason
    expect(verdict(merged, true)).toMatchObject({ outcome: 'refuse', reason })
    expect(verdict(merged, false)).toMatchObject({ outcome: 'refuse', reason: inbound })
  })

  test('an allowed domain', () => {
    const merged = merge({ ...rows, allowedDomains: [allowed('friend.example')] }, suspend('allowedDomains'))
    expect(merged.input.allowedDomains[0]?.suspended).toBe(true)
  })

  test('a shipped row, and a row that is not there', () => {
    expect(
      merge({}, suspend('providers', 'aol'))
        .input.providers.filter((row) => row.suspended)
        .map((row) => row.name),
    ).toEqual(['AOL'])
    expect(merge(rows, suspend('providers', 'gone')).input.providers.some((row) => row.suspended)).toBe(false)
  })

  test('a row’s own mark does not count: only the list of suspensions does', () => {
    const merged = merge({}, { ...rows, providers: [xmppProvider({ suspended: true })] })
    expect(merged.input.providers[0]?.suspended).toBe(false)
  })
})
