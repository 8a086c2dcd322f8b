import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../src/federation/decide.ts'
import type { Evidence } from '../../src/federation/evidence.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import type { Level, PolicyFlags, Protocol, ProviderType } from '../../src/federation/model.ts'
import { ANSWERS, answerOf, REFUSALS } from '../../src/federation/refusals.ts'
import { REQUEST_KINDS } from '../../src/federation/request.ts'
import {
  address,
  byAddress,
  contacts,
  domain,
  granting,
  home,
  input,
  link,
  pattern,
  served,
  sipProvider,
  snapshot,
  subject,
  xmppProvider,
} from './fixtures.ts'

const to = address('romeo@sip.example')
const from = address('nurse@partner.example')
const LISTS = ['allow', 'none', 'block'] as const

/** Level × user mark → the mark inside, and who gets through: `contacts` or `all`. */
const table = [
  ['verified', 'verified', 'verified', 'all'],
  ['verified', 'unverified', 'unverified', 'contacts'],
  ['verified', 'absent', 'unverified', 'contacts'],
  ['contacts', 'verified', 'unverified', 'contacts'],
  ['contacts', 'unverified', 'unverified', 'contacts'],
  ['contacts', 'absent', 'unverified', 'contacts'],
  ['all', 'verified', 'verified', 'all'],
  ['all', 'unverified', 'verified', 'all'],
  ['all', 'absent', 'verified', 'all'],
] as const satisfies readonly (readonly [Level, string, string, string])[]

const cases = table.flatMap((row) =>
  LISTS.flatMap((list) => REQUEST_KINDS.map((kind) => [...row, list, kind] as const)),
)

const world = (verification: Level) =>
  snapshot({ providers: [sipProvider({ verification, assertingHeader: 'p-verified' })] })

describe('level × user mark × list × kind', () => {
  test('is a full table', () => expect(new Set(cases.map(String)).size).toBe(3 * 3 * 3 * 4))

  test.for(cases)('%s, user %s → %s, %s; list %s, %s', ([level, asserted, mark, through, list, kind]) => {
    const evidence: Evidence = { kind: 'sip-peer', names: [domain('edge.partner.example')], asserted }
    const inbound = decide({ kind, from, to }, evidence, world(level), subject({ list }))
    const delivered = list === 'allow' || (list === 'none' && through === 'all')
    expect(inbound).toMatchObject({ outcome: delivered ? 'deliver' : 'refuse', mark, asserted, level, list })
    if (inbound.outcome === 'refuse') {
      expect(inbound.reason).toBe(list === 'block' ? 'contact-blocked' : 'not-a-contact')
    }

    const out = { kind, from: to, to: from }
    const outbound = decide(out, { kind: 'home', home: 'main' }, world(level), subject({ list }))
    expect(outbound).toMatchObject({ outcome: list === 'block' ? 'refuse' : 'deliver', mark: 'verified' })
  })
})

describe('provider type × protocol × policy flags', () => {
  const flags = [false, true].flatMap((federation) =>
    [false, true].flatMap((publicIm) => [false, true].map((xmpp) => ({ federation, publicIm, xmpp }))),
  )
  const grants: Record<ProviderType, Record<Protocol, (flags: PolicyFlags) => boolean>> = {
    partner: { sip: (f) => f.federation, xmpp: (f) => f.xmpp },
    hosted: { sip: (f) => f.federation, xmpp: (f) => f.xmpp },
    public: { sip: (f) => f.publicIm, xmpp: (f) => f.xmpp && f.publicIm },
  }
  const rows = (['public', 'hosted', 'partner'] as const).flatMap((type) =>
    (['sip', 'xmpp'] as const).flatMap((protocol) =>
      flags.map((policy) => [type, protocol, policy] as const),
    ),
  )

  test.for(rows)('%s, %s, %j', ([type, protocol, policy]) => {
    const providers =
      protocol === 'sip'
        ? [sipProvider({ type, verification: 'all' })]
        : [xmppProvider({ type, verification: 'all', domains: [pattern('partner.example')] })]
    const rows = { providers, links: [link({ remote: [pattern('partner.example')] })] }
    const evidence: Evidence =
      protocol === 'sip'
        ? { kind: 'sip-peer', names: [domain('edge.partner.example')], asserted: 'absent' }
        : { kind: 'component', link: 'prosody' }
    const request = { kind: 'message', from, to } as const
    const expected = grants[type][protocol](policy) ? { outcome: 'deliver' } : { reason: 'policy-denies' }
    const atHome: Evidence = { kind: 'home', home: 'main' }
    const granted = subject({ policy: granting(policy) })
    for (const kind of REQUEST_KINDS) {
      expect(decide({ kind, from, to }, evidence, snapshot(rows), granted)).toMatchObject(expected)
      expect(decide({ kind, from: to, to: from }, atHome, snapshot(rows), granted)).toMatchObject(expected)
    }

    const { federation } = input()
    const switched = {
      ...rows,
      federation: { ...federation, sip: policy.federation, publicIm: policy.publicIm, xmpp: policy.xmpp },
    }
    expect(decide(request, evidence, snapshot(switched), subject()).outcome).toBe(
      grants[type][protocol](policy) ? 'deliver' : 'refuse',
    )
  })
})

describe('over XMPP, with rows instead of a made-up subject', () => {
  const PEOPLE = {
    allow: 'juliet@xmpp.example',
    none: 'nurse@xmpp.example',
    block: 'paris@xmpp.example',
  } as const
  const romeo = contacts({ allow: [byAddress(PEOPLE.allow)], block: [byAddress(PEOPLE.block)] })
  const rows = table
    .filter(([, asserted]) => asserted !== 'absent')
    .flatMap((row) => LISTS.flatMap((list) => REQUEST_KINDS.map((kind) => [...row, list, kind] as const)))

  test.for(rows)(
    '%s, the link vouches %s → %s, %s; list %s, %s',
    ([level, vouches, mark, through, list, kind]) => {
      const rows = snapshot({
        links: [link({ vouches: vouches === 'verified' ? 'verified' : 'unverified' })],
        providers: [xmppProvider({ verification: level })],
        contacts: [romeo],
      })
      const remote = address(PEOPLE[list])
      const incoming = { kind, from: remote, to }
      const inbound = decide(
        incoming,
        { kind: 'component', link: 'prosody' },
        rows,
        loadSubject(rows, incoming, 0),
      )
      const delivered = list === 'allow' || (list === 'none' && through === 'all')
      expect(inbound).toMatchObject({ outcome: delivered ? 'deliver' : 'refuse', mark, list, level })
      const outgoing = { kind, from: to, to: remote }
      const outbound = decide(outgoing, { kind: 'home', home: 'main' }, rows, loadSubject(rows, outgoing, 0))
      expect(outbound.outcome).toBe(list === 'block' ? 'refuse' : 'deliver')
    },
  )
})

test('dialback and certificates earn the mark that the settings give them', () => {
  const s2s = { kind: 's2s', link: 's2s', certificate: 'absent', dialback: 'valid', tls: true } as const
  const rows = (dialbackOverTls: 'verified' | 'unverified', tls: 'required' | 'optional' = 'optional') =>
    snapshot({
      links: [{ kind: 's2s', name: 's2s', suspended: false }],
      servedDomains: [served({ links: ['s2s'] })],
      providers: [
        xmppProvider({
          link: 's2s',
          verification: 'verified',
          negotiation: { ...xmppProvider().negotiation, tls, dialbackOverTls },
        }),
      ],
    })
  const request = { kind: 'message', from: address('juliet@xmpp.example'), to } as const
  const who = subject({ list: 'allow' })
  expect(decide(request, s2s, rows('unverified'), who)).toMatchObject({ asserted: 'unverified' })
  expect(decide(request, s2s, rows('verified'), who)).toMatchObject({
    asserted: 'verified',
    mark: 'verified',
  })
  expect(decide(request, { ...s2s, tls: false }, rows('verified'), who)).toMatchObject({
    outcome: 'deliver',
    asserted: 'unverified',
  })
  expect(decide(request, { ...s2s, certificate: 'match' }, rows('unverified'), who)).toMatchObject({
    asserted: 'verified',
  })
})

describe('whatever else is configured', () => {
  const anything = fc.record({
    kind: fc.constantFrom(...REQUEST_KINDS),
    outbound: fc.boolean(),
    verification: fc.constantFrom('verified', 'contacts', 'all' as const),
    vouches: fc.constantFrom('verified', 'unverified' as const),
    any: fc.boolean(),
    type: fc.constantFrom('public', 'hosted', 'partner' as const),
    enabled: fc.boolean(),
    on: fc.boolean(),
    blockedDomain: fc.constantFrom(undefined, 'xmpp.example', 'example'),
    enforce: fc.constantFrom('edge', 'home' as const),
    discovery: fc.boolean(),
    exists: fc.constantFrom('yes', 'no', 'unknown' as const),
    userEnabled: fc.boolean(),
    list: fc.constantFrom(...LISTS),
    contactsOnly: fc.boolean(),
    evidence: fc.constantFrom<Evidence>(
      { kind: 'component', link: 'prosody' },
      { kind: 'component', link: 'gone' },
      { kind: 'home', home: 'main' },
      { kind: 'none' },
      { kind: 'sip-peer', names: [domain('xmpp.example')], asserted: 'verified' },
      { kind: 's2s', link: 'prosody', certificate: 'match', dialback: 'valid', tls: true },
    ),
  })

  test('blocked, disabled, off and missing never pass; a proof is always needed', () => {
    let delivered = 0
    fc.assert(
      fc.property(anything, (x) => {
        const blocked = x.blockedDomain === undefined ? [] : [{ name: domain(x.blockedDomain), comment: '' }]
        // `example` covers the served domain too; only the other side's domain counts.
        const rows = snapshot({
          federation: {
            ...input().federation,
            enabled: x.on,
            openDiscovery: { ...input().federation.openDiscovery, enabled: x.discovery },
          },
          homes: [home({ enforce: x.enforce })],
          links: [link({ vouches: x.vouches, remote: x.any ? 'any' : [pattern('xmpp.example')] })],
          providers: [xmppProvider({ type: x.type, enabled: x.enabled, verification: x.verification })],
          blockedDomains: blocked,
        })
        const juliet = address('juliet@xmpp.example')
        const request = x.outbound
          ? { kind: x.kind, from: to, to: juliet }
          : { kind: x.kind, from: juliet, to }
        const verdict = decide(
          request,
          x.evidence,
          rows,
          subject({
            exists: x.exists,
            enabled: x.userEnabled,
            list: x.list,
            privacy: { contactsOnly: x.contactsOnly, hideNotes: false },
          }),
        )
        if (verdict.outcome === 'refuse') return
        delivered++
        expect(x.on && x.enabled && x.userEnabled).toBe(true)
        expect(x.blockedDomain).toBeUndefined()
        expect(x.list).not.toBe('block')
        expect(x.exists).not.toBe('no')
        expect(['component', 's2s', 'home']).toContain(x.evidence.kind)
        expect(x.evidence.kind === 'home').toBe(x.outbound)
        if (!x.outbound && x.contactsOnly) expect(x.list).toBe('allow')
      }),
      { numRuns: 5000 },
    )
    expect(delivered).toBeGreaterThan(0)
  })
})

test('a stranger cannot tell a missing user from one who will not hear it', () => {
  const request = { kind: 'message', from: address('juliet@xmpp.example'), to } as const
  const evidence = { kind: 'component', link: 'prosody' } as const
  const none = granting({})
  for (const verification of ['verified', 'contacts', 'all'] as const) {
    const rows = snapshot({ providers: [xmppProvider({ verification })] })
    const answers = [
      subject({ exists: 'no' }),
      subject({ exists: 'yes', enabled: false }),
      subject({ exists: 'yes', policy: none }),
      subject({ exists: 'yes', list: 'block' }),
      subject({ exists: 'yes', privacy: { contactsOnly: true, hideNotes: false } }),
    ].map((who) => {
      const verdict = decide(request, evidence, rows, who)
      return verdict.outcome === 'refuse' ? answerOf(verdict.reason) : undefined
    })
    expect(new Set(answers)).toEqual(new Set([ANSWERS['not-permitted-or-unknown']]))
  }
})

test('every reason has its meaning, and outside texts tell nothing of our rows', () => {
  for (const row of Object.values(REFUSALS)) expect(row.meaning).toMatch(/\.$/)
  expect(
    Object.values(ANSWERS)
      .map(({ text }) => text)
      .join(),
  ).not.toMatch(/provider|policy|block|list|disabled/i)
})
