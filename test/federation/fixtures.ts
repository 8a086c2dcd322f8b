import { type Address, parseAddress, userKey } from '../../src/federation/address.ts'
import { type DomainPattern, parseDomainPattern } from '../../src/federation/domain-pattern.ts'
import type {
  ComponentLink,
  ContactEntry,
  ContactList,
  FederationSwitches,
  Home,
  Policy,
  PolicyFlags,
  Provider,
  S2sLink,
  ServedDomain,
  SipProvider,
  User,
  XmppProvider,
} from '../../src/federation/model.ts'
import { type Grant, grantOf } from '../../src/federation/policies.ts'
import { UNLIMITED } from '../../src/federation/settings.ts'
import { buildSnapshot, type FederationInput, type Snapshot } from '../../src/federation/snapshot.ts'
import type { Subject } from '../../src/federation/subject.ts'
import { type Domain, parseDomain } from '../../src/kernel/domain.ts'
import type { Result } from '../../src/kernel/result.ts'

export function must<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

export const domain = (text: string): Domain => must(parseDomain(text))
export const pattern = (text: string): DomainPattern => must(parseDomainPattern(text))
export const address = (text: string): Address =>
  text.includes('@') ? must(parseAddress(text)) : { user: userKey(''), domain: domain(text) }

export const home = (row: Partial<Home> = {}): Home => ({
  name: 'main',
  nextHop: { kind: 'uri', uri: 'sip:127.0.0.1:5070;transport=udp' },
  addresses: ['127.0.0.1'],
  certificate: undefined,
  credentials: undefined,
  enforce: 'edge',
  congestionSafePath: false,
  suspended: false,
  ...row,
})

export const served = (row: Partial<ServedDomain> = {}): ServedDomain => ({
  name: domain('sip.example'),
  home: 'main',
  users: 'any',
  links: ['prosody'],
  suspended: false,
  ...row,
})

export const link = (row: Partial<ComponentLink> = {}): ComponentLink => ({
  kind: 'component',
  name: 'prosody',
  host: '127.0.0.1',
  port: 5347,
  domain: domain('sip.example'),
  remote: [pattern('xmpp.example')],
  vouches: 'unverified',
  addressing: { kind: 'straight' },
  suspended: false,
  ...row,
})

export const s2sLink = (row: Partial<S2sLink> = {}): S2sLink => ({
  kind: 's2s',
  name: 'outside',
  suspended: false,
  ...row,
})

export const xmppProvider = (row: Partial<XmppProvider> = {}): XmppProvider => ({
  protocol: 'xmpp',
  name: 'Example XMPP',
  type: 'partner',
  enabled: true,
  verification: 'contacts',
  domains: [pattern('xmpp.example')],
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
  ...row,
})

export const sipProvider = (row: Partial<SipProvider> = {}): SipProvider => ({
  protocol: 'sip',
  name: 'Example SIP',
  type: 'partner',
  enabled: true,
  verification: 'verified',
  domains: [pattern('partner.example')],
  icon: undefined,
  description: undefined,
  congestionSafePath: false,
  suspended: false,
  limits: UNLIMITED,
  accessEdges: [domain('edge.partner.example')],
  assertingHeader: undefined,
  ...row,
})

export const switches = (parts: Partial<FederationSwitches> = {}): FederationSwitches => ({
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
  ...parts,
})

/** With open discovery. */
export const discovering = (): FederationSwitches =>
  switches({ openDiscovery: { ...switches().openDiscovery, enabled: true } })

export const input = (parts: Partial<FederationInput> = {}): FederationInput => ({
  federation: switches(),
  homes: [home()],
  servedDomains: [served()],
  links: [link()],
  providers: [xmppProvider(), sipProvider()] as Provider[],
  allowedDomains: [],
  blockedDomains: [],
  policies: [],
  users: [],
  contacts: [],
  ...parts,
})

export const snapshot = (parts: Partial<FederationInput> = {}): Snapshot => must(buildSnapshot(input(parts)))

export const byAddress = (text: string): ContactEntry => ({
  match: { kind: 'address', address: address(text) },
  by: 'admin',
  expires: undefined,
})

export const contacts = (row: Partial<ContactList> = {}): ContactList => ({
  user: address('romeo@sip.example'),
  allow: [],
  block: [],
  ...row,
})

export const subject = (parts: Partial<Subject> = {}): Subject => ({
  exists: 'unknown',
  enabled: true,
  policy: undefined,
  privacy: { contactsOnly: false, hideNotes: false },
  list: 'none',
  entry: undefined,
  home: undefined,
  ...parts,
})

export const user = (text: string, row: Partial<User> = {}): User => ({
  address: address(text),
  enabled: true,
  home: undefined,
  site: undefined,
  policy: undefined,
  privacy: { contactsOnly: false, hideNotes: false },
  suspended: false,
  ...row,
})

export const policy = (
  name: string,
  flags: Partial<PolicyFlags> = {},
  row: Partial<Policy> = {},
): Policy => ({
  name,
  flags: { federation: false, publicIm: false, xmpp: false, ...flags },
  description: undefined,
  suspended: false,
  ...row,
})

export const granting = (flags: Partial<PolicyFlags>): Grant => grantOf(policy('test', flags))
