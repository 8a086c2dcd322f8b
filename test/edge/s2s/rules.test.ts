import { describe, expect, test } from 'vitest'
import { s2sLinkOf, s2sRules, servesOverS2s } from '../../../src/edge/s2s/rules.ts'
import type { Negotiation, Requirement } from '../../../src/federation/model.ts'
import { DEFAULT_NEGOTIATION, negotiationCheck } from '../../../src/federation/negotiation.ts'
import type { FederationInput } from '../../../src/federation/snapshot.ts'
import {
  domain,
  input,
  link,
  pattern,
  s2sLink,
  served,
  sipProvider,
  snapshot,
  xmppProvider,
} from '../../federation/fixtures.ts'

const OURS = domain('sip.example')
const THEIRS = domain('xmpp.example')

const provider = (row: Parameters<typeof xmppProvider>[0] = {}) => xmppProvider({ link: 'outside', ...row })

/** A served domain with an s2s link, and a provider over it. */
const world = (parts: Partial<FederationInput> = {}) =>
  snapshot({
    links: [s2sLink()],
    servedDomains: [served({ links: ['outside'] })],
    providers: [provider()],
    ...parts,
  })

const { federation } = input()
const switched = (parts: Partial<typeof federation>) => ({ federation: { ...federation, ...parts } })
const discovering = {
  ...switched({ openDiscovery: { ...federation.openDiscovery, enabled: true } }),
  providers: [],
}
const allowed = (name: string, suspended = false) => ({
  providers: [],
  allowedDomains: [{ name: domain(name), verification: 'verified' as const, comment: '', suspended }],
})

const BY_DEFAULT = ['sasl-tls', 'tls-dialback']

test('a provider’s own settings', () => {
  const server = { host: '192.0.2.1', port: 5270, tls: 'direct' } as const
  const negotiation: Negotiation = {
    ...DEFAULT_NEGOTIATION,
    tls: 'optional',
    keepAlive: 60_000,
    connections: 3,
  }
  expect(s2sRules(world({ providers: [provider({ server, negotiation })] }), OURS, THEIRS)).toEqual({
    accepted: ['sasl-tls', 'tls-dialback', 'tcp-dialback'],
    keepAlive: 60_000,
    partner: expect.stringMatching(/^provider ./),
    connections: 3,
    fixed: server,
    publicOnly: false,
  })
})

const REQUIREMENTS = ['required', 'optional', 'unsupported'] as const satisfies readonly Requirement[]
const COMBINATIONS = REQUIREMENTS.flatMap((tls) =>
  REQUIREMENTS.flatMap((sasl) => [true, false].map((dialback) => ({ tls, sasl, dialback }))),
)

describe('every combination of TLS, SASL and dialback that can be has its ways', () => {
  const possible = COMBINATIONS.filter((each) => negotiationCheck(each).invalid === undefined)
  test('there are thirteen of the eighteen', () => expect(possible).toHaveLength(13))

  test.for(possible)('%j', (each) => {
    const negotiation = { ...DEFAULT_NEGOTIATION, ...each }
    const rules = s2sRules(world({ providers: [provider({ negotiation })] }), OURS, THEIRS)
    expect(rules?.accepted).toEqual(negotiationCheck(each).accepted)
    expect(rules?.accepted).not.toEqual([])
  })
})

test.for<readonly [string, Partial<FederationInput>, string, object]>([
  [
    'of a provider',
    {},
    'xmpp.example',
    { accepted: BY_DEFAULT, connections: 20, fixed: undefined, publicOnly: false },
  ],
  [
    'of a provider, below its domain',
    { providers: [provider({ domains: [pattern('*.xmpp.example')] })] },
    'chat.xmpp.example',
    { accepted: BY_DEFAULT },
  ],
  [
    'of an allowed domain',
    allowed('partner.example'),
    'partner.example',
    {
      accepted: BY_DEFAULT,
      keepAlive: 300_000,
      partner: 'partner.example',
      connections: 20,
      fixed: undefined,
      publicOnly: true,
    },
  ],
  ['below an allowed domain', allowed('partner.example'), 'chat.partner.example', { accepted: BY_DEFAULT }],
  [
    'of a discovered domain, with the limit of those',
    {
      ...discovering,
      ...switched({
        openDiscovery: {
          enabled: true,
          verification: 'contacts',
          limits: { messagesPerSecond: 20, contacts: 1000, connections: 2 },
        },
      }),
    },
    'anybody.example',
    {
      accepted: BY_DEFAULT,
      keepAlive: 300_000,
      partner: 'anybody.example',
      connections: 2,
      fixed: undefined,
    },
  ],
  ['while SIP is switched off', switched({ sip: false }), 'xmpp.example', { accepted: BY_DEFAULT }],
  [
    'beside a component for other domains',
    {
      ...allowed('partner.example'),
      links: [link(), s2sLink()],
      servedDomains: [served({ links: ['prosody', 'outside'] })],
    },
    'partner.example',
    { accepted: BY_DEFAULT },
  ],
])('there are rules %s', ([, parts, other, rules]) => {
  expect(s2sRules(world(parts), OURS, domain(other))).toMatchObject(rules)
  expect(s2sLinkOf(world(parts), OURS, domain(other))?.name).toBe('outside')
})

test.for<readonly [string, Partial<FederationInput>, string?, string?]>([
  ['our side is not served', {}, 'xmpp.example', 'elsewhere.example'],
  ['the other side is served too', {}, 'sip.example'],
  ['the served domain is suspended', { servedDomains: [served({ links: ['outside'], suspended: true })] }],
  ['the served domain has no link', { servedDomains: [served({ links: [] })] }],
  ['the link is suspended', { links: [s2sLink({ suspended: true })] }],
  [
    'the link of an allowed domain is suspended',
    {
      ...allowed('partner.example'),
      links: [s2sLink({ suspended: true })],
    },
    'partner.example',
  ],
  ['the provider has no link', { providers: [provider({ link: undefined, enabled: false })] }],
  [
    'the provider is bound to a component',
    {
      links: [s2sLink(), link()],
      servedDomains: [served({ links: ['outside', 'prosody'] })],
      providers: [xmppProvider()],
    },
  ],
  [
    'the provider is bound to an s2s link of another served domain',
    {
      links: [s2sLink(), s2sLink({ name: 'other' })],
      servedDomains: [
        served({ links: ['outside'] }),
        served({ name: domain('b.example'), links: ['other'] }),
      ],
      providers: [provider({ link: 'other' })],
    },
  ],
  [
    'the domain is behind a component',
    {
      ...allowed('xmpp.example'),
      links: [s2sLink(), link()],
      servedDomains: [served({ links: ['outside', 'prosody'] })],
    },
  ],
  [
    'a component has any domain',
    {
      ...allowed('partner.example'),
      links: [s2sLink(), link({ remote: 'any' })],
      servedDomains: [served({ links: ['outside', 'prosody'] })],
    },
    'partner.example',
  ],
  ['the provider speaks SIP', { providers: [sipProvider()] }, 'partner.example'],
  ['the domain is blocked', { blockedDomains: [{ name: domain('example'), comment: '' }] }],
  [
    'the domain is blocked, and would be discovered',
    {
      ...discovering,
      blockedDomains: [{ name: domain('xmpp.example'), comment: '' }],
    },
  ],
  ['the provider is disabled', { providers: [provider({ enabled: false })] }],
  ['the provider is suspended', { providers: [provider({ suspended: true })] }],
  ['federation is off', switched({ enabled: false })],
  ['federation is suspended', switched({ suspended: true })],
  ['XMPP is off', switched({ xmpp: false })],
  [
    'XMPP is off, for an allowed domain',
    { ...allowed('a.example'), ...switched({ xmpp: false }) },
    'a.example',
  ],
  [
    'public providers are off',
    { ...switched({ publicIm: false }), providers: [provider({ type: 'public' })] },
  ],
  ['nobody knows the domain', {}, 'unknown.example'],
  ['the allowed domain is suspended', allowed('partner.example', true), 'partner.example'],
])('there are none where %s', ([, parts, other = 'xmpp.example', own = 'sip.example']) => {
  expect(s2sRules(world(parts), domain(own), domain(other))).toBeUndefined()
  expect(s2sLinkOf(world(parts), domain(own), domain(other))).toBeUndefined()
})

test.for<readonly [boolean, string, Partial<FederationInput>, string?]>([
  [true, 'it has an s2s link', {}],
  [
    true,
    'it has another link besides',
    {
      links: [link(), s2sLink()],
      servedDomains: [served({ links: ['prosody', 'outside'] })],
    },
  ],
  [
    true,
    'one of two is suspended',
    {
      links: [s2sLink({ suspended: true }), s2sLink({ name: 'b' })],
      servedDomains: [served({ links: ['outside', 'b'] })],
    },
  ],
  [false, 'it is not served', {}, 'xmpp.example'],
  [false, 'it is suspended', { servedDomains: [served({ links: ['outside'], suspended: true })] }],
  [false, 'its link is suspended', { links: [s2sLink({ suspended: true })] }],
  [
    false,
    'it has a component alone',
    {
      links: [link()],
      servedDomains: [served()],
      providers: [xmppProvider()],
    },
  ],
])('%s: served over s2s, where %s', ([is, , parts, own = 'sip.example']) => {
  expect(servesOverS2s(world(parts), domain(own))).toBe(is)
})
