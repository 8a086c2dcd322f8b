import { describe, expect, test } from 'vitest'
import { parseAddress, userKey } from '../../src/federation/address.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import { DEFAULT_NEGOTIATION } from '../../src/federation/negotiation.ts'
import { route } from '../../src/federation/route.ts'
import { buildSnapshot, type FederationInput } from '../../src/federation/snapshot.ts'
import {
  address,
  byAddress,
  contacts,
  discovering,
  domain,
  home,
  input,
  link,
  pattern,
  s2sLink,
  served,
  sipProvider,
  snapshot,
  user,
  xmppProvider,
} from './fixtures.ts'

const allowed = (name: string) =>
  ({ name: domain(name), verification: 'verified', comment: '', suspended: false }) as const
const blocked = (name: string) => ({ name: domain(name), comment: '' })

/** What conflicts, how often, and the rows that are named: `list[index].field`. */
const conflicts: readonly (readonly [string, string, Partial<FederationInput>, readonly string[]])[] = [
  ['duplicate-name', 'homes', { homes: [home(), home()] }, ['homes[1]', 'homes[0]']],
  [
    'duplicate-name',
    'served domains',
    { servedDomains: [served(), served()] },
    ['servedDomains[1]', 'servedDomains[0]'],
  ],
  [
    'duplicate-name',
    'links',
    { links: [link(), link({ port: 1, remote: [pattern('x.example')] })], providers: [] },
    ['links[1]', 'links[0]'],
  ],
  [
    'duplicate-name',
    'providers that differ in case alone',
    { providers: [sipProvider({ name: 'AOL' }), xmppProvider({ name: 'aol' })] },
    ['providers[1]', 'providers[0]'],
  ],
  ['duplicate-name', 'contact lists', { contacts: [contacts(), contacts()] }, ['contacts[1]', 'contacts[0]']],
  [
    'domain-owned-twice',
    'the same domain',
    { providers: [xmppProvider(), sipProvider({ domains: [pattern('xmpp.example')] })] },
    ['providers[1].domains[0]', 'providers[0].domains[0]'],
  ],
  [
    'domain-owned-twice',
    'a `*.` domain over it',
    { providers: [xmppProvider(), sipProvider({ domains: [pattern('a.example'), pattern('*.example')] })] },
    ['providers[0].domains[0]', 'providers[1].domains[1]', 'providers[1].domains[1]', 'servedDomains[0]'],
  ],
  [
    'domain-owned-twice',
    '`*.` within `*.`, the outer one listed first',
    {
      providers: [
        sipProvider({ domains: [pattern('*.net.example')] }),
        sipProvider({ name: 'B', accessEdges: [], domains: [pattern('*.im.net.example')] }),
      ],
    },
    ['providers[1].domains[0]', 'providers[0].domains[0]'],
  ],
  [
    'access-edge-used-twice',
    'one name for two providers',
    { providers: [sipProvider(), sipProvider({ name: 'B', domains: [pattern('b.example')] })] },
    ['providers[1].accessEdges[0]', 'providers[0].accessEdges[0]'],
  ],
  [
    'served-and-remote',
    'a served domain of a provider',
    { providers: [sipProvider({ domains: [pattern('sip.example')] })] },
    ['providers[0].domains[0]', 'servedDomains[0]'],
  ],
  [
    'served-and-remote',
    'blocked',
    { blockedDomains: [blocked('sip.example')] },
    ['blockedDomains[0]', 'servedDomains[0]'],
  ],
  [
    'allowed-and-blocked',
    'the same',
    { allowedDomains: [allowed('a.example')], blockedDomains: [blocked('a.example')] },
    ['allowedDomains[0]', 'blockedDomains[0]'],
  ],
  [
    'allowed-and-blocked',
    'allowed below blocked',
    { allowedDomains: [allowed('x.a.example')], blockedDomains: [blocked('a.example')] },
    ['allowedDomains[0]', 'blockedDomains[0]'],
  ],
  ['unknown-home', 'served domain', { homes: [] }, ['servedDomains[0].home']],
  ['unknown-home', 'user', { users: [user('romeo@sip.example', { home: 'gone' })] }, ['users[0].home']],
  [
    'unknown-link',
    'served domain',
    { servedDomains: [served({ links: ['prosody', 'gone'] })] },
    ['servedDomains[0].links[1]'],
  ],
  [
    'provider-without-link',
    'enabled, and nothing carries it',
    { providers: [xmppProvider({ link: undefined })] },
    ['providers[0].link'],
  ],
  [
    'server-without-s2s',
    'a component does not go there',
    { providers: [xmppProvider({ server: { host: 'xmpp.example', port: 5269, tls: 'starttls' } })] },
    ['providers[0].server'],
  ],
  [
    'negotiation-impossible',
    'direct TLS, where TLS is unsupported',
    {
      links: [s2sLink()],
      servedDomains: [served({ links: ['outside'] })],
      providers: [
        xmppProvider({
          link: 'outside',
          server: { host: 'xmpp.example', port: 5270, tls: 'direct' },
          negotiation: { ...DEFAULT_NEGOTIATION, tls: 'unsupported', sasl: 'unsupported' },
        }),
      ],
    },
    ['providers[0].server'],
  ],
  ['unknown-link', 'provider', { providers: [xmppProvider({ link: 'gone' })] }, ['providers[0].link']],
  [
    'unknown-provider',
    'contact entry',
    {
      contacts: [
        contacts({
          block: [
            byAddress('x@y.example'),
            { match: { kind: 'provider', provider: 'gone' }, by: 'admin', expires: undefined },
          ],
        }),
      ],
    },
    ['contacts[0].block[1]'],
  ],
  ['user-not-served', 'user', { users: [user('romeo@elsewhere.example')] }, ['users[0].user']],
  [
    'user-not-served',
    'contacts',
    { contacts: [contacts({ user: address('x@elsewhere.example') })] },
    ['contacts[0].user'],
  ],
  [
    'domain-not-behind-link',
    'not in the remote list',
    { providers: [xmppProvider({ domains: [pattern('xmpp.example'), pattern('*.xmpp.example')] })] },
    ['providers[0].domains[1]', 'links[0].remote'],
  ],
  [
    'two-links-for-domain',
    'the same remote domain',
    {
      links: [link(), link({ name: 'b', port: 1 })],
      servedDomains: [served({ links: ['prosody', 'b'] })],
    },
    ['links[1].remote[0]', 'links[0].remote'],
  ],
  [
    'two-links-for-domain',
    'two for any',
    {
      links: [link({ remote: 'any' }), link({ name: 'b', port: 1, remote: 'any' })],
      servedDomains: [served({ links: ['prosody', 'b'] })],
    },
    ['links[1].remote', 'links[0].remote'],
  ],
  [
    'same-component-twice',
    'the second throws the first out',
    {
      links: [link(), link({ name: 'b', remote: [pattern('b.example')] })],
      servedDomains: [served({ links: ['prosody', 'b'] })],
    },
    ['links[1].domain', 'links[0].domain'],
  ],
  [
    'addressing-without-domain',
    'straight, but the component is no served domain',
    { links: [link({ domain: domain('gateway.xmpp.example') })] },
    ['links[0].domain'],
  ],
  [
    'addressing-without-domain',
    'a pair that does not name the component',
    {
      links: [
        link({ addressing: { kind: 'pair', sip: domain('sip.example'), xmpp: domain('other.example') } }),
      ],
    },
    ['links[0].addressing'],
  ],
]

describe('rows that cannot stand together', () => {
  test.for(conflicts)('%s: %s', ([code, , parts, places]) => {
    const result = buildSnapshot(input(parts))
    const found = result.ok ? [] : result.error
    expect(found.map((conflict) => conflict.code)).toContain(code)
    expect(
      found.flatMap(({ rows }) =>
        rows.map(({ list, index, field }) => `${list}[${index}]${field === undefined ? '' : `.${field}`}`),
      ),
    ).toEqual(places)
    for (const { message, cure, rows } of found) {
      expect(message).toContain(rows[0]?.name)
      expect(cure.length).toBeGreaterThan(10)
    }
  })

  test('different served domains may use different links to one remote domain', () => {
    const rows = {
      links: [link(), link({ name: 'b', domain: domain('b.example') })],
      servedDomains: [served(), served({ name: domain('b.example'), links: ['b'] })],
      providers: [],
    }
    expect(buildSnapshot(input(rows)).ok).toBe(true)
  })
})

test('a snapshot is frozen, down to the rows', () => {
  const world = snapshot()
  expect(() => Object.assign(world.providers.get('Example XMPP') ?? {}, { enabled: false })).toThrow(
    TypeError,
  )
  expect(() => Object.assign(world.federation.openDiscovery, { enabled: true })).toThrow(TypeError)
})

describe('the subject', () => {
  const ask = (parts: Partial<FederationInput>, from = 'juliet@chat.xmpp.example') =>
    loadSubject(
      snapshot({
        links: [link({ remote: [pattern('xmpp.example'), pattern('*.xmpp.example')] })],
        providers: [xmppProvider({ domains: [pattern('*.xmpp.example')] })],
        ...parts,
      }),
      { from: address(from), to: address('romeo@sip.example') },
      0,
    )
  const entry = (match: object) => ({ match, by: 'user' }) as ReturnType<typeof byAddress>

  test.for([
    ['its address', byAddress('juliet@chat.xmpp.example'), true],
    ['another address', byAddress('nurse@chat.xmpp.example'), false],
    ['its domain', entry({ kind: 'domain', domain: 'chat.xmpp.example' }), true],
    ['a domain above', entry({ kind: 'domain', domain: 'xmpp.example' }), true],
    ['a domain below', entry({ kind: 'domain', domain: 'a.chat.xmpp.example' }), false],
    ['a domain that only ends alike', entry({ kind: 'domain', domain: 'pp.example' }), false],
    ['its provider', entry({ kind: 'provider', provider: 'Example XMPP' }), true],
    ['everyone', entry({ kind: 'everyone' }), true],
  ] as const)('%s on a list', ([, row, matches]) => {
    expect(ask({ contacts: [contacts({ allow: [row] })] }).list).toBe(matches ? 'allow' : 'none')
    expect(ask({ contacts: [contacts({ block: [row] })] })).toMatchObject(
      matches ? { list: 'block', entry: row } : { list: 'none', entry: undefined },
    )
  })

  test('block wins, however wide it is', () => {
    const both = contacts({
      allow: [byAddress('juliet@chat.xmpp.example')],
      block: [entry({ kind: 'everyone' })],
    })
    expect(ask({ contacts: [both] }).list).toBe('block')
  })

  test('exists as far as we know', () => {
    expect(ask({}).exists).toBe('unknown')
    expect(ask({ servedDomains: [served({ users: 'listed' })] }).exists).toBe('no')
    const listed = { servedDomains: [served({ users: 'listed' })], users: [user('romeo@sip.example')] }
    expect(ask(listed)).toMatchObject({ exists: 'yes', enabled: true })
    expect(ask({ users: [user('romeo@sip.example', { enabled: false })] }).enabled).toBe(false)
    expect(ask({ users: [user('romeo@sip.example', { suspended: true })] }).enabled).toBe(false)
  })
})

test('a link that nobody names is a warning, whatever its addresses; one that is used must stand', () => {
  const idle = link({
    name: 'idle',
    port: 1,
    domain: domain('two.example'),
    addressing: { kind: 'straight' },
  })
  const rows = { links: [link(), idle] }
  expect(snapshot(rows).warnings).toMatchObject([{ code: 'link-unused', rows: [{ name: 'idle' }] }])
  const carried = buildSnapshot({
    ...input(),
    ...rows,
    providers: [xmppProvider({ link: 'idle', enabled: true })],
  })
  expect(carried.ok ? [] : carried.error.map(({ code }) => code)).toContain('addressing-without-domain')
})

test('from server to server a link is used by a served domain alone, and a provider may have its server', () => {
  const provider = xmppProvider({
    link: 'outside',
    server: { host: '2001:db8::1', port: 5270, tls: 'direct' },
  })
  const rows = { links: [s2sLink()], providers: [provider] }
  expect(snapshot({ ...rows, servedDomains: [served({ links: ['outside'] })] }).warnings).toEqual([])
  expect(snapshot({ ...rows, servedDomains: [served({ links: [] })] }).warnings).toMatchObject([
    { code: 'link-unused', message: 'no served domain names link "outside": nothing goes over it' },
  ])
})

describe('routes', () => {
  const ours = domain('sip.example')
  test.for([
    ['in, to the home', 'xmpp.example', 'sip.example', {}, { kind: 'home', home: { name: 'main' } }],
    [
      'out, over the provider’s link',
      'sip.example',
      'xmpp.example',
      {},
      { kind: 'component', link: { name: 'prosody' } },
    ],
    [
      'out, to a SIP provider',
      'sip.example',
      'partner.example',
      {},
      { kind: 'sip', provider: { name: 'Example SIP' } },
    ],
    ['never back to a home', 'sip.example', 'sip.example', {}, { kind: 'none', reason: 'both-served' }],
    ['no transit', 'xmpp.example', 'partner.example', {}, { kind: 'none', reason: 'transit' }],
    ['nobody knows it', 'sip.example', 'new.example', {}, { kind: 'none', reason: 'unknown-domain' }],
    [
      'a link for any, but one that names the domain goes first',
      'sip.example',
      'named.example',
      {
        links: [link({ remote: 'any' }), link({ name: 'b', port: 1, remote: [pattern('named.example')] })],
        servedDomains: [served({ links: ['prosody', 'b'] })],
      },
      { kind: 'component', link: { name: 'b' }, provider: undefined },
    ],
    [
      'discovery',
      'sip.example',
      'new.example',
      { federation: discovering() },
      { kind: 'discover', domain: 'new.example' },
    ],
    [
      'an allowed domain, from a domain that speaks to servers itself',
      'sip.example',
      'im.new.example',
      {
        allowedDomains: [{ name: domain('new.example'), verification: 'all', comment: '', suspended: false }],
        links: [s2sLink()],
        servedDomains: [served({ links: ['outside'] })],
        providers: [],
      },
      { kind: 's2s', link: { name: 'outside' }, provider: undefined },
    ],
  ] as const)('%s', ([, from, to, parts, expected]) => {
    expect(route(snapshot(parts as Partial<FederationInput>), domain(from), domain(to))).toMatchObject(
      expected,
    )
  })

  test('the user’s own home goes before that of the domain', () => {
    const world = snapshot({ homes: [home(), home({ name: 'branch' })] })
    expect(route(world, domain('xmpp.example'), ours, 'branch')).toMatchObject({ home: { name: 'branch' } })
  })
})

describe('addresses', () => {
  test.for([
    ['juliet@xmpp.example', 'juliet@xmpp.example'],
    ['Juliet@XMPP.example', 'juliet@xmpp.example'],
    ['sip:o%27hara@sip.example', "o'hara@sip.example"],
    ['sips:Romeo@sip.example', 'romeo@sip.example'],
    ['xmpp:juliet@xmpp.example', 'juliet@xmpp.example'],
    ['ＪＵＬＩＥＴ@xmpp.example', 'juliet@xmpp.example'],
    ['ju\u0308rgen@bücher.example', 'jürgen@xn--bcher-kva.example'],
    ['a@b@xmpp.example', 'a@b@xmpp.example'],
  ] as const)('%s is %s', ([text, expected]) => {
    const parsed = parseAddress(text)
    expect(parsed.ok && `${parsed.value.user}@${parsed.value.domain}`).toBe(expected)
  })

  test.for([
    '',
    'juliet',
    '@xmpp.example',
    'sip:@sip.example',
    'sip:a%zz@sip.example',
    'a@b..c',
    'a\n@b.example',
    'a@[::1]',
    'a@b.example/phone',
    'sip:a@b.example:5060',
    'sip:a@b.example;x=y',
  ])('"%s" is none', (text) => expect(parseAddress(text).ok).toBe(false))

  test('the key of a key is itself', () => {
    for (const text of ['İstanbul', 'ΣΊΣΥΦΟΣ', 'ﾊﾝｶｸ', 'a\u0308'])
      expect(userKey(userKey(text))).toBe(userKey(text))
  })
})
