import { describe, expect, test } from 'vitest'
import { decide } from '../../src/federation/decide.ts'
import type { Evidence } from '../../src/federation/evidence.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import { REFUSALS, type RefusalReason } from '../../src/federation/refusals.ts'
import type { RequestFacts } from '../../src/federation/request.ts'
import type { FederationInput } from '../../src/federation/snapshot.ts'
import type { Subject } from '../../src/federation/subject.ts'
import { STEP_NAMES } from '../../src/federation/verdict.ts'
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

const COMPONENT: Evidence = { kind: 'component', link: 'prosody' }
const HOME: Evidence = { kind: 'home', home: 'main' }
const inbound: RequestFacts = {
  kind: 'message',
  from: address('juliet@xmpp.example'),
  to: address('romeo@sip.example'),
}
const outbound: RequestFacts = { kind: 'message', from: inbound.to, to: inbound.from }
const fromPartner: RequestFacts = { ...inbound, from: address('nurse@partner.example') }
const edge = (asserted: 'verified' | 'unverified' | 'absent' = 'absent'): Evidence => ({
  kind: 'sip-peer',
  names: [domain('edge.partner.example')],
  asserted,
})
const switches = (off: object): Partial<FederationInput> => ({
  federation: { ...input().federation, ...off },
})

const ALLOWED = subject({ list: 'allow', entry: byAddress('juliet@xmpp.example') })

describe('delivered, with every step named', () => {
  test('from XMPP to a contact', () => {
    const verdict = decide(inbound, COMPONENT, snapshot(), ALLOWED)
    expect(verdict).toMatchObject({
      outcome: 'deliver',
      direction: 'inbound',
      mark: 'unverified',
      asserted: 'unverified',
      level: 'contacts',
      list: 'allow',
      provider: 'Example XMPP',
      providerType: 'partner',
    })
    expect(verdict.steps.map((step) => step.name)).toEqual(STEP_NAMES)
    expect(verdict.steps.map((step) => step.result)).toEqual([
      'pass',
      'pass',
      'pass',
      'pass',
      'pass',
      'pass',
      'skip',
      'pass',
      'pass',
      'pass',
    ])
  })

  test('from a served user to XMPP, with the mark of our own user', () => {
    const verdict = decide(outbound, HOME, snapshot(), subject())
    expect(verdict).toMatchObject({ outcome: 'deliver', direction: 'outbound', mark: 'verified' })
    expect(verdict.steps.at(-1)).toMatchObject({ name: 'level', result: 'skip' })
  })

  test.for([
    ['a `*.` domain of the provider', 'a.b.xmpp.example'],
    ['the name itself', 'xmpp.example'],
  ] as const)('%s', ([, name]) => {
    const world = snapshot({
      links: [link({ remote: [pattern('xmpp.example'), pattern('*.xmpp.example')] })],
      providers: [xmppProvider({ domains: [pattern('xmpp.example'), pattern('*.xmpp.example')] })],
    })
    const request = { ...inbound, from: address(`juliet@${name}`) }
    expect(decide(request, COMPONENT, world, ALLOWED).outcome).toBe('deliver')
  })

  test('an allowed domain covers its subdomains and comes over the link that names them', () => {
    const world = snapshot({
      links: [link({ remote: [pattern('*.friend.example'), pattern('xmpp.example')] })],
      allowedDomains: [
        { name: domain('friend.example'), verification: 'all', comment: '', suspended: false },
      ],
    })
    const request = { ...inbound, from: address('paris@chat.friend.example') }
    expect(decide(request, COMPONENT, world, subject())).toMatchObject({
      outcome: 'deliver',
      mark: 'verified',
      level: 'all',
      provider: undefined,
    })
  })

  test('a discovered domain, over a link for any', () => {
    const world = snapshot({
      ...switches({
        openDiscovery: {
          enabled: true,
          verification: 'all',
          limits: { messagesPerSecond: 20, contacts: 1000 },
        },
      }),
      links: [link({ remote: 'any' })],
    })
    const request = { ...inbound, from: address('paris@new.example') }
    expect(decide(request, COMPONENT, world, subject())).toMatchObject({ outcome: 'deliver', level: 'all' })
  })

  test('`enforce: home` leaves the level to the home server, which gets the mark', () => {
    const world = snapshot({ homes: [home({ enforce: 'home' })] })
    expect(decide(inbound, COMPONENT, world, subject())).toMatchObject({
      outcome: 'deliver',
      mark: 'unverified',
    })
  })
})

interface Case {
  readonly request?: RequestFacts
  readonly evidence?: Evidence
  readonly world?: Partial<FederationInput>
  readonly who?: Subject
}

const suspended = { suspended: true } as const
const two = {
  links: [link(), link({ name: 'second', port: 5348, remote: [pattern('other.example')] })],
  servedDomains: [served({ links: ['prosody', 'second'] })],
}

const refusals: readonly (readonly [RefusalReason, string, Case])[] = [
  ['no-transit', 'neither side served', { request: { ...inbound, to: address('x@elsewhere.example') } }],
  [
    'both-served',
    'both sides served',
    { request: { ...outbound, to: address('tybalt@sip.example') }, evidence: HOME },
  ],
  ['suspended', 'served domain', { world: { servedDomains: [served(suspended)] } }],
  ['federation-off', 'inbound', { world: switches({ enabled: false }) }],
  ['federation-off', 'outbound', { request: outbound, evidence: HOME, world: switches({ enabled: false }) }],
  ['xmpp-off', 'XMPP partner', { world: switches({ xmpp: false }) }],
  ['sip-off', 'SIP partner', { request: fromPartner, evidence: edge(), world: switches({ sip: false }) }],
  [
    'public-im-off',
    'public XMPP provider',
    { world: { ...switches({ publicIm: false }), providers: [xmppProvider({ type: 'public' })] } },
  ],
  [
    'domain-blocked',
    'the domain',
    { world: { blockedDomains: [{ name: domain('xmpp.example'), comment: '' }] } },
  ],
  [
    'domain-blocked',
    'a domain above',
    { world: { blockedDomains: [{ name: domain('example'), comment: '' }] } },
  ],
  [
    'domain-blocked',
    'outbound',
    {
      request: outbound,
      evidence: HOME,
      world: { blockedDomains: [{ name: domain('xmpp.example'), comment: '' }] },
    },
  ],
  ['provider-disabled', 'inbound', { world: { providers: [xmppProvider({ enabled: false })] } }],
  [
    'provider-disabled',
    'outbound',
    { request: outbound, evidence: HOME, world: { providers: [xmppProvider({ enabled: false })] } },
  ],
  ['suspended', 'provider', { world: { providers: [xmppProvider(suspended)] } }],
  [
    'suspended',
    'allowed domain',
    {
      world: {
        providers: [],
        allowedDomains: [{ name: domain('xmpp.example'), verification: 'all', comment: '', ...suspended }],
      },
    },
  ],
  ['domain-unknown', 'inbound', { request: { ...inbound, from: address('x@nowhere.example') } }],
  [
    'domain-unknown',
    'outbound',
    { request: { ...outbound, to: address('x@nowhere.example') }, evidence: HOME },
  ],
  ['domain-not-proved', 'nothing proved', { evidence: { kind: 'none' } }],
  ['domain-not-proved', 'a link that does not exist', { evidence: { kind: 'component', link: 'gone' } }],
  ['domain-not-proved', 'a home speaks for outside', { evidence: HOME }],
  ['domain-not-proved', 'outbound, but from a component', { request: outbound, evidence: COMPONENT }],
  [
    'domain-not-proved',
    'a home that does not serve the domain',
    {
      request: outbound,
      evidence: { kind: 'home', home: 'other' },
      world: { homes: [home(), home({ name: 'other' })] },
    },
  ],
  [
    'domain-not-proved',
    'the user has another home',
    { request: outbound, evidence: HOME, who: subject({ home: 'other' }) },
  ],
  [
    'domain-not-proved',
    'a certificate without an access edge',
    {
      request: fromPartner,
      evidence: { kind: 'sip-peer', names: [domain('evil.example')], asserted: 'verified' },
    },
  ],
  [
    'domain-not-proved',
    'S2S without a proof',
    { evidence: { kind: 's2s', link: 'prosody', certificate: 'mismatch', dialback: 'not-tried', tls: true } },
  ],
  [
    'domain-not-proved',
    'dialback in clear where TLS is required',
    { evidence: { kind: 's2s', link: 'prosody', certificate: 'absent', dialback: 'valid', tls: false } },
  ],
  [
    'wrong-link',
    'the domain is bound to another link',
    { evidence: { kind: 'component', link: 'second' }, world: two },
  ],
  ['wrong-link', 'a SIP provider’s domain over a component', { request: fromPartner, evidence: COMPONENT }],
  ['wrong-link', 'an XMPP provider’s domain over SIP', { evidence: edge() }],
  [
    'link-not-for-domain',
    'inbound',
    { request: { ...inbound, to: address('x@second.example') }, world: secondDomain() },
  ],
  [
    'link-not-for-domain',
    'outbound',
    { request: { ...outbound, from: address('x@second.example') }, evidence: HOME, world: secondDomain() },
  ],
  ['suspended', 'link', { world: { links: [link(suspended)] }, who: ALLOWED }],
  ['suspended', 'home', { request: outbound, evidence: HOME, world: { homes: [home(suspended)] } }],
  ['user-unknown', 'not listed', { who: subject({ exists: 'no' }) }],
  ['user-disabled', 'inbound', { who: subject({ exists: 'yes', enabled: false, list: 'allow' }) }],
  [
    'user-disabled',
    'outbound',
    { request: outbound, evidence: HOME, who: subject({ exists: 'yes', enabled: false }) },
  ],
  ['policy-denies', 'no flag', { who: subject({ policy: granting({ federation: true, publicIm: true }) }) }],
  [
    'policy-denies',
    'outbound',
    {
      request: outbound,
      evidence: HOME,
      who: subject({ policy: granting({}) }),
    },
  ],
  [
    'contact-blocked',
    'inbound',
    { who: subject({ list: 'block', entry: byAddress('juliet@xmpp.example') }) },
  ],
  ['contact-blocked', 'outbound', { request: outbound, evidence: HOME, who: subject({ list: 'block' }) }],
  ['too-many-messages', 'rate', { request: { ...inbound, beyond: 'messages' }, who: ALLOWED }],
  ['too-many-contacts', 'spread', { request: { ...inbound, beyond: 'contacts' }, who: ALLOWED }],
  ['not-a-contact', 'contacts only', {}],
  [
    'privacy-contacts-only',
    'level all, but the user wants contacts only',
    {
      world: { providers: [xmppProvider({ verification: 'all' })] },
      who: subject({ privacy: { contactsOnly: true, hideNotes: false } }),
    },
  ],
]

function secondDomain(): Partial<FederationInput> {
  return { servedDomains: [served(), served({ name: domain('second.example'), links: [] })] }
}

describe('refused', () => {
  test.for(refusals)('%s: %s', ([reason, , { request = inbound, evidence = COMPONENT, world = {}, who }]) => {
    const verdict = decide(request, evidence, snapshot(world), who ?? subject())
    expect(verdict).toMatchObject({ outcome: 'refuse', reason })
    const at = verdict.steps.findIndex((step) => step.result === 'refuse')
    if (reason !== 'suspended') expect(verdict.steps[at]?.name).toBe(REFUSALS[reason].step)
    expect(verdict.steps[at]).toMatchObject({ reason })
    expect(verdict.steps.map((step) => step.name)).toEqual(STEP_NAMES)
    expect(verdict.steps.slice(at + 1).every((step) => step.result === 'skip')).toBe(true)
    expect(verdict.steps.slice(0, at).every((step) => step.result !== 'refuse')).toBe(true)
  })

  test('every reason has a case above', () => {
    expect(new Set(refusals.map(([reason]) => reason))).toEqual(new Set(Object.keys(REFUSALS)))
  })
})

test('the subject of a request is loaded from the served side, whatever the direction', () => {
  const world = snapshot({ contacts: [contacts({ block: [byAddress('juliet@xmpp.example')] })] })
  expect(decide(inbound, COMPONENT, world, loadSubject(world, inbound, 0))).toMatchObject({
    reason: 'contact-blocked',
  })
  expect(decide(outbound, HOME, world, loadSubject(world, outbound, 0))).toMatchObject({
    reason: 'contact-blocked',
  })
})

test('a SIP provider proves itself by an access edge, and its asserting header counts', () => {
  const world = snapshot({ providers: [sipProvider({ assertingHeader: 'P-Verified' })] })
  expect(decide(fromPartner, edge('verified'), world, subject())).toMatchObject({
    outcome: 'deliver',
    mark: 'verified',
    asserted: 'verified',
  })
  const deaf = snapshot({ providers: [sipProvider()] })
  expect(decide(fromPartner, edge('verified'), deaf, subject())).toMatchObject({
    outcome: 'refuse',
    asserted: 'absent',
    mark: 'unverified',
  })
})
