import { PeerCounters } from '../../src/edge/limits.ts'
import { type Address, userKey } from '../../src/federation/address.ts'
import { decide } from '../../src/federation/decide.ts'
import type { Evidence } from '../../src/federation/evidence.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import type { Peer } from '../../src/federation/lookup.ts'
import { mergeSources } from '../../src/federation/merge.ts'
import type { ContactEntry, ContactList, Provider } from '../../src/federation/model.ts'
import type { RequestFacts } from '../../src/federation/request.ts'
import { route } from '../../src/federation/route.ts'
import { UNLIMITED } from '../../src/federation/settings.ts'
import { buildSnapshot, type FederationInput } from '../../src/federation/snapshot.ts'
import { EMPTY_STORE } from '../../src/federation/sources.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type Domain, parseDomain } from '../../src/kernel/domain.ts'
import { measure } from './harness.ts'

/** 10,000 providers with a domain each, and as many blocked and allowed domains; users with 50 contact entries. */
const MANY = 10_000
const USERS = 2_000
const ENTRIES = 50

const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
const address = (user: string, of: string): Address => ({ user: userKey(user), domain: domain(of) })
const byAddress = (user: string, of: string): ContactEntry => ({
  match: { kind: 'address', address: address(user, of) },
  by: 'user',
  expires: undefined,
})

/** Every tenth provider owns what is below its domain. */
const hostOf = (i: number): string => `${i % 10 === 0 ? 'a.' : ''}im.partner${i}.example`

const input: FederationInput = {
  federation: {
    enabled: true,
    sip: true,
    publicIm: true,
    xmpp: true,
    openDiscovery: {
      enabled: false,
      verification: 'contacts',
      limits: { messagesPerSecond: 20, contacts: 1000, connections: 20 },
    },
    learning: { enabled: true, lifetime: 7_776_000_000, perUser: 500 },
    suspended: false,
  },
  homes: [
    {
      name: 'main',
      nextHop: { kind: 'uri', uri: 'sip:127.0.0.1:5070' },
      addresses: ['127.0.0.1'],
      certificate: undefined,
      credentials: undefined,
      enforce: 'edge',
      congestionSafePath: true,
      suspended: false,
    },
  ],
  servedDomains: [
    { name: domain('sip.example'), home: 'main', users: 'any', links: ['prosody'], suspended: false },
  ],
  links: [
    {
      kind: 'component',
      name: 'prosody',
      host: '127.0.0.1',
      port: 5347,
      domain: domain('sip.example'),
      remote: times(MANY, (i) => ({ domain: domain(`im.partner${i}.example`), below: i % 10 === 0 })),
      vouches: 'unverified',
      addressing: { kind: 'straight' },
      suspended: false,
    },
  ],
  providers: times(
    MANY,
    (i): Provider => ({
      protocol: 'xmpp',
      name: `Partner ${i}`,
      type: 'partner',
      enabled: true,
      verification: 'contacts',
      domains: [{ domain: domain(`im.partner${i}.example`), below: i % 10 === 0 }],
      icon: undefined,
      description: undefined,
      congestionSafePath: false,
      suspended: false,
      limits: UNLIMITED,
      link: 'prosody',
      server: undefined,
      negotiation: {
        tls: 'required',
        sasl: 'optional',
        dialback: true,
        dialbackOverTls: 'unverified',
        keepAlive: 300_000,
        connections: 20,
      },
    }),
  ),
  allowedDomains: times(MANY, (i) => ({
    name: domain(`allowed${i}.example`),
    verification: 'contacts',
    comment: '',
    suspended: false,
  })),
  blockedDomains: times(MANY, (i) => ({ name: domain(`blocked${i}.example`), comment: '' })),
  policies: [
    {
      name: 'global',
      flags: { federation: true, publicIm: true, xmpp: true },
      description: undefined,
      suspended: false,
    },
  ],
  users: [],
  contacts: times(
    USERS,
    (i): ContactList => ({
      user: address(`user${i}`, 'sip.example'),
      allow: times(ENTRIES - 5, (k) => byAddress(`friend${k}`, hostOf((i * 5 + k) % MANY))),
      block: times(5, (k) => byAddress(`pest${k}`, hostOf((i * 5 + k) % MANY))),
    }),
  ),
}

const merging = performance.now()
const merged = mergeSources({ ...input, settings: {} }, EMPTY_STORE)
if (!merged.ok) throw new Error(JSON.stringify(merged.error.slice(0, 3)))
console.log(
  JSON.stringify({
    name: `federation/mergeSources, ${MANY} providers`,
    milliseconds: Math.round(performance.now() - merging),
  }),
)

const started = performance.now()
const built = buildSnapshot(merged.value.input, merged.value.owners)
if (!built.ok) throw new Error(JSON.stringify(built.error.slice(0, 3)))
const snapshot = built.value
console.log(
  JSON.stringify({
    name: `federation/buildSnapshot, ${MANY} providers, ${USERS * ENTRIES} contact entries`,
    milliseconds: Math.round(performance.now() - started),
  }),
)

/** Addresses as they come off the wire: every string new, so that no hash is known beforehand. */
const fresh = (text: string): string => Buffer.from(text).toString()
const remote = (i: number, user: string): Address => ({
  user: userKey(fresh(user)),
  domain: fresh(hostOf(i % MANY)) as Domain,
})
const own = (i: number): Address => ({
  user: userKey(fresh(`user${i}`)),
  domain: fresh('sip.example') as Domain,
})

const NOW = Date.now()
const REQUESTS = 100_000
const inbound = times(REQUESTS, (n): RequestFacts => {
  const i = n % USERS
  return { kind: 'message', from: remote(i * 5 + (n % 40), `friend${n % 40}`), to: own(i) }
})
const outbound = inbound.map(({ kind, from, to }): RequestFacts => ({ kind, from: to, to: from }))
const strangers = inbound.map((request): RequestFacts => ({ ...request, from: remote(9000, 'stranger') }))

const component: Evidence = { kind: 'component', link: 'prosody' }
const home: Evidence = { kind: 'home', home: 'main' }
const subjects = inbound.map((request) => loadSubject(snapshot, request, NOW))
const strange = strangers.map((request) => loadSubject(snapshot, request, NOW))

for (const [name, requests, evidence, of, outcome] of [
  ['inbound, a contact', inbound, component, subjects, 'deliver'],
  ['outbound', outbound, home, subjects, 'deliver'],
  ['inbound, a stranger', strangers, component, strange, 'refuse'],
] as const) {
  measure(`federation/decide, ${name}`, (i) => {
    const verdict = decide(at(requests, i), evidence, snapshot, at(of, i))
    if (verdict.outcome !== outcome) throw new Error(JSON.stringify(verdict))
    return verdict
  })
}
measure('federation/loadSubject', (i) => loadSubject(snapshot, at(inbound, i), NOW))
measure('federation/route, inbound', (i) => {
  const { from, to } = at(inbound, i)
  return route(snapshot, from.domain, to.domain)
})
measure('federation/route, outbound', (i) => {
  const { from, to } = at(outbound, i)
  return route(snapshot, from.domain, to.domain)
})

const peers = new PeerCounters({ clock: systemClock })
const limits = { messagesPerSecond: 1_000_000_000, contacts: 100_000, connections: undefined }
const counted = times(MANY, (i): Peer => ({ kind: 'provider', name: `Partner ${i}`, limits }))
measure('edge/limits, beyond', (i) => peers.beyond(at(counted, i % 1000), `user${i % USERS}@sip.example`))
