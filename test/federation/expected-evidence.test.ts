import { expect, test } from 'vitest'
import { decide } from '../../src/federation/decide.ts'
import { expectedEvidence } from '../../src/federation/expected-evidence.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import { DEFAULT_NEGOTIATION } from '../../src/federation/negotiation.ts'
import type { FederationInput } from '../../src/federation/snapshot.ts'
import { address, domain, input, s2sLink, served, snapshot, xmppProvider } from './fixtures.ts'

const request = {
  kind: 'message',
  from: address('juliet@xmpp.example'),
  to: address('romeo@sip.example'),
} as const
const MATCH = { kind: 's2s', link: 'outside', certificate: 'match', dialback: 'not-tried', tls: true }

function expected(parts: Partial<FederationInput>) {
  const rules = snapshot({
    links: [s2sLink()],
    servedDomains: [served({ links: ['outside'] })],
    providers: [],
    ...parts,
  })
  const subject = loadSubject(rules, request, 0)
  const evidence = expectedEvidence(request, rules, subject)
  return { evidence, verdict: decide(request, evidence, rules, subject) }
}
const { federation } = input()
const openDiscovery = { ...federation.openDiscovery, enabled: true }

test.for([
  ['of a provider over a link from server to server', { providers: [xmppProvider({ link: 'outside' })] }],
  [
    'of an allowed domain',
    {
      allowedDomains: [{ name: domain('xmpp.example'), verification: 'all', comment: '', suspended: false }],
    },
  ],
  ['of a domain that was discovered', { federation: { ...federation, openDiscovery } }],
] as const)('a certificate on the stream is expected %s', ([, parts]) => {
  const { evidence, verdict } = expected(parts)
  expect(evidence).toEqual(MATCH)
  expect(verdict.steps.find(({ name }) => name === 'domain-proof')?.result).toBe('pass')
})

test('none is expected of who can prove itself by dialback alone', () => {
  const negotiation = { ...DEFAULT_NEGOTIATION, tls: 'unsupported', sasl: 'unsupported' } as const
  const { evidence } = expected({ providers: [xmppProvider({ link: 'outside', negotiation })] })
  expect(evidence).toEqual({
    kind: 's2s',
    link: 'outside',
    certificate: 'absent',
    dialback: 'valid',
    tls: false,
  })
})
