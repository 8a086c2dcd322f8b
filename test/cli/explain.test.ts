import { describe, expect, test } from 'vitest'
import { explain as explainAt, requestFrom } from '../../src/admin/explain.ts'
import { textOfExplanation } from '../../src/cli/explain.ts'
import { PeerCounters } from '../../src/edge/limits.ts'
import { peerOf } from '../../src/federation/lookup.ts'
import { mergeSources } from '../../src/federation/merge.ts'
import type { RequestFacts } from '../../src/federation/request.ts'
import { UNLIMITED } from '../../src/federation/settings.ts'
import { buildSnapshot, type FederationInput, type Snapshot } from '../../src/federation/snapshot.ts'
import { EMPTY_STORE } from '../../src/federation/sources.ts'
import {
  byAddress,
  contacts,
  domain,
  input,
  must,
  policy,
  snapshot,
  xmppProvider,
} from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'

const NOW = 1_800_000_000_000

const explain = (world: Snapshot, request: RequestFacts, peers?: PeerCounters) =>
  explainAt(world, request, { now: NOW, peers })

const ask = (parts: Partial<FederationInput>, from = 'juliet@xmpp.example', to = 'sip:romeo@sip.example') =>
  explain(snapshot(parts), must(requestFrom({ from, to, kind: 'message' })))

const friends = { contacts: [contacts({ allow: [byAddress('juliet@xmpp.example')] })] }

test('what would be delivered, with every step', () => {
  expect(
    textOfExplanation(ask(friends)),
  ).toBe(`message from juliet@xmpp.example to romeo@sip.example (inbound)
assuming that the sender comes over link prosody

  ✓ sides            from outside to a served domain
  ✓ switches         federation and what the remote side needs are on
  ✓ blocked-domains  the remote domain is not blocked
  ✓ provider         Example XMPP (partner, xmpp) is enabled
  ✓ domain-proof     the link’s remote list holds the sender’s domain
  ✓ user             the home server knows whether the user exists
  – policy           policies are not in use
  ✓ block-list       not on the user’s block list
  ✓ limits           within the peer’s limits
  ✓ level            the sender is on the recipient’s Allow list

delivered, marked unverified, to home main
`)
})

test('what is refused, with what the sender hears', () => {
  const text = textOfExplanation(ask({ providers: [xmppProvider({ enabled: false })] }))
  expect(text).toContain('  ✗ provider         Example XMPP (partner, xmpp) is disabled\n')
  expect(text).toContain('  – domain-proof     not asked: refused above\n')
  expect(text).toContain('refused: provider-disabled\n')
  expect(text).toContain('the sender hears: "Not permitted" (SIP 403, XMPP forbidden)\n')
})

test('outbound, assuming the home server of the sender', () => {
  const text = textOfExplanation(ask({}, 'romeo@sip.example', 'juliet@xmpp.example'))
  expect(text).toContain('(outbound)\nassuming that the sender comes from home main\n')
  expect(text).toContain('delivered, marked verified, over link prosody\n')
})

test('the rows that the answer rests on: whose the provider is, its limits, the policy of the user', () => {
  const { input: rows, owners } = must(
    mergeSources(
      {
        ...input(),
        settings: {},
        providers: [xmppProvider({ limits: { ...UNLIMITED, messagesPerSecond: 5, contacts: 9 } })],
        policies: [policy('global', { xmpp: true }), policy('closed')],
      },
      EMPTY_STORE,
    ),
  )
  const world = must(buildSnapshot(rows, owners))
  const told = explain(
    world,
    must(requestFrom({ from: 'juliet@xmpp.example', to: 'romeo@sip.example', kind: 'presence' })),
  )
  expect(textOfExplanation(told)).toContain(`
provider Example XMPP is owned by the configuration file
its limits: 5 messages a second, 9 distinct users an hour
the policy of the user is "global", which grants xmpp

  ✓ sides `)
  expect(textOfExplanation(told)).toContain(
    '✓ policy           policy "global" grants what the remote side needs',
  )
  expect(JSON.parse(JSON.stringify(told))).toMatchObject({
    owner: 'file',
    limits: { messagesPerSecond: 5, contacts: 9 },
    policy: { name: 'global', flags: { federation: false, publicIm: false, xmpp: true } },
  })
  const shipped = explain(
    world,
    must(requestFrom({ from: 'romeo@sip.example', to: 'somebody@gmail.com', kind: 'message' })),
  )
  expect(textOfExplanation(shipped)).toContain('provider Google Talk is a shipped row\n')
  expect(shipped.verdict).toMatchObject({ reason: 'provider-disabled' })
})

describe('limits', () => {
  const world = snapshot({
    ...friends,
    providers: [xmppProvider({ limits: { ...UNLIMITED, messagesPerSecond: 2, contacts: 1 } })],
  })
  const peer = peerOf(world, domain('xmpp.example'))
  const request = (to = 'romeo@sip.example') =>
    must(requestFrom({ from: 'juliet@xmpp.example', to, kind: 'message' }))
  const counters = () => new PeerCounters({ clock: fakeTime().clock })

  test('of a running gateway: as the next request would find them, which is not counted', () => {
    const peers = counters()
    const told = () => explain(world, request(), peers)
    expect(told().verdict.outcome).toBe('deliver')
    expect(told().counted).toBeUndefined()
    expect(textOfExplanation(told())).toContain('✓ limits           within the peer’s limits')
    peers.beyond(peer, 'romeo@sip.example')
    for (let i = 0; i < 5; i++) expect(told().verdict.outcome).toBe('deliver')
    peers.beyond(peer, 'romeo@sip.example')
    expect(told().verdict).toMatchObject({ outcome: 'refuse', reason: 'too-many-messages' })
    expect(textOfExplanation(told())).toContain(
      'counted so far: requests 2; refused 0; users in the last hour 1 of 1; connections now 0\n',
    )
    expect(told().counted?.requests).toBe(2)
  })

  test('the users that a peer has addressed count too', () => {
    const peers = counters()
    peers.beyond(peer, 'romeo@sip.example')
    expect(explain(world, request('mercutio@sip.example'), peers).verdict).toMatchObject({
      reason: 'too-many-contacts',
    })
    expect(explain(world, request(), peers).verdict.outcome).toBe('deliver')
  })

  test('our own users have none', () => {
    const peers = counters()
    for (let i = 0; i < 3; i++) peers.beyond(peer, 'romeo@sip.example')
    const own = must(requestFrom({ from: 'romeo@sip.example', to: 'juliet@xmpp.example', kind: 'message' }))
    const told = explain(world, own, peers)
    expect([told.verdict.outcome, told.counted]).toEqual(['deliver', undefined])
  })

  test('without a gateway it says that nothing is counted', () => {
    const told = explain(world, request())
    expect(told.verdict.outcome).toBe('deliver')
    expect(told.verdict.steps.find(({ name }) => name === 'limits')).toMatchObject({ result: 'skip' })
    expect(textOfExplanation(told)).toContain(
      '– limits           nothing is counted here: only a running gateway knows',
    )
  })
})

test('for scripts', () => {
  expect(JSON.parse(JSON.stringify(ask({})))).toMatchObject({
    request: { kind: 'message', from: 'juliet@xmpp.example', to: 'romeo@sip.example' },
    evidence: { kind: 'component', link: 'prosody' },
    verdict: { outcome: 'refuse', reason: 'not-a-contact', level: 'contacts', asserted: 'unverified' },
    answer: { sipStatus: 403, condition: 'forbidden' },
    route: { kind: 'home', to: 'main' },
  })
})

test.for([
  ['--from', { from: 'juliet', to: 'romeo@sip.example', kind: 'message' }],
  ['--to', { from: 'juliet@xmpp.example', to: '@sip.example', kind: 'message' }],
] as const)('a wrong %s is told', ([option, options]) => {
  expect(requestFrom(options)).toMatchObject({
    ok: false,
    error: { code: 'bad-request', message: expect.stringContaining(option) },
  })
})
