import type { Actor, Change, Mutation, Resulting } from '../../src/admin/store.ts'
import { type Address, parseAddress } from '../../src/federation/address.ts'
import type {
  ContactEntry,
  ContactMatch,
  Home,
  Link,
  Provider,
  ServedDomain,
  User,
} from '../../src/federation/model.ts'
import { UNLIMITED } from '../../src/federation/settings.ts'
import { type Domain, parseDomain } from '../../src/kernel/domain.ts'
import { ok, type Result } from '../../src/kernel/result.ts'

/** Rows for the suites of the stores. */

export function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

export function address(text: string): Address {
  const parsed = parseAddress(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

export const ALICE: Actor = { name: 'alice', claimed: false }
export const BOB: Actor = { name: 'bob', claimed: true }

/** The check of a caller that has no objection. */
export const fine = (_: Resulting): Result<undefined, never> => ok(undefined)

export const home = (name: string, fields: Partial<Home> = {}): Home => ({
  name,
  nextHop: { kind: 'uri', uri: 'sip:192.0.2.1:5060;transport=tcp' },
  addresses: ['192.0.2.1'],
  certificate: undefined,
  credentials: undefined,
  enforce: 'edge',
  congestionSafePath: false,
  suspended: false,
  ...fields,
})

export const served = (name: string, fields: Partial<ServedDomain> = {}): ServedDomain => ({
  name: domain(name),
  home: 'main',
  users: 'any',
  links: [],
  suspended: false,
  ...fields,
})

export const component = (name: string): Link => ({
  kind: 'component',
  name,
  host: '127.0.0.1',
  port: 5347,
  domain: domain('sip.example'),
  remote: [{ domain: domain('xmpp.example'), below: true }],
  vouches: 'unverified',
  addressing: { kind: 'pair', sip: domain('sip.example'), xmpp: domain('sip.corp.example') },
  suspended: false,
})

export const sipProvider = (name: string, at: string, fields: Partial<Provider> = {}): Provider =>
  ({
    protocol: 'sip',
    name,
    type: 'partner',
    enabled: true,
    verification: 'verified',
    domains: [{ domain: domain(at), below: false }],
    accessEdges: [domain(`edge.${at}`)],
    assertingHeader: undefined,
    icon: undefined,
    description: undefined,
    congestionSafePath: false,
    limits: UNLIMITED,
    suspended: false,
    ...fields,
  }) as Provider

export const xmppProvider = (name: string, at: string): Provider => ({
  protocol: 'xmpp',
  name,
  type: 'hosted',
  enabled: false,
  verification: 'all',
  domains: [{ domain: domain(at), below: true }],
  link: 's2s',
  server: { host: 'xmpp-in.example', port: 5270, tls: 'direct' },
  negotiation: {
    tls: 'required',
    sasl: 'optional',
    dialback: false,
    dialbackOverTls: 'verified',
    keepAlive: 0,
    connections: 3,
  },
  icon: 'https://xmpp.example/icon.png',
  description: 'Ünïcode “quotes” and \\ back\nslashes',
  congestionSafePath: true,
  limits: { messagesPerSecond: 5, contacts: undefined, connections: 2 },
  suspended: false,
})

export const user = (text: string, fields: Partial<User> = {}): User => ({
  address: address(text),
  enabled: true,
  home: undefined,
  site: undefined,
  policy: undefined,
  privacy: { contactsOnly: false, hideNotes: false },
  suspended: false,
  ...fields,
})

export const entry = (
  match: ContactMatch,
  by: ContactEntry['by'] = 'user',
  expires: number | undefined = undefined,
): ContactEntry => ({ match, by, expires })

export const person = (text: string): ContactMatch => ({ kind: 'address', address: address(text) })
export const below = (text: string): ContactMatch => ({ kind: 'domain', domain: domain(text) })
export const provided = (name: string): ContactMatch => ({ kind: 'provider', provider: name })
export const EVERYONE: ContactMatch = { kind: 'everyone' }

export const putHome = (name: string, fields?: Partial<Home>): Mutation => ({
  do: 'put',
  list: 'homes',
  row: home(name, fields),
})
export const putProvider = (row: Provider): Mutation => ({ do: 'put', list: 'providers', row })
export const putUser = (row: User): Mutation => ({ do: 'put', list: 'users', row })
export const putContact = (of: string, list: 'allow' | 'block', what: ContactEntry): Mutation => ({
  do: 'put-contact',
  user: address(of),
  list,
  entry: what,
})

/** A change in short, for comparing: `add homes main`. */
export const inShort = (change: Pick<Change, 'action' | 'kind' | 'name'>): string =>
  `${change.action} ${change.kind} ${change.name}`

/** So many letters and digits that no database can compress. */
export function noise(length: number): string {
  let text = ''
  for (let x = 1; text.length < length; x = (x * 48271) % 2147483647) text += x.toString(36)
  return text.slice(0, length)
}
