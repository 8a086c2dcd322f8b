import type { Entry } from '../admin/admin.ts'
import { DOMAIN_KINDS, type ObjectName } from '../admin/objects.ts'
import { addressing, anyOrList, type Field, serverPlace } from './fields.ts'
import { textOf } from './values.ts'

/** What the commands of one object know of it. */
export interface ObjectSpec {
  readonly object: ObjectName
  readonly summary: string
  /** The argument that names a row. */
  readonly name: string
  readonly fields: readonly Field[]
  /** Columns of `list` after the name. */
  readonly columns: readonly { readonly heading: string; readonly of: (entry: Entry) => string }[]
  /** What follows `dragoman OBJECT VERB` in the examples of the help. */
  readonly examples: { readonly name: string; readonly add: string | readonly string[]; readonly set: string }
  /** Has `enable` and `disable`. */
  readonly switched: boolean
}

const LEVELS = ['verified', 'contacts', 'all']
const REQUIREMENTS = ['required', 'optional', 'unsupported']
const MARKS = ['verified', 'unverified']

const text = (option: string, value: string, help: string, key = option): Field => ({
  option,
  value,
  help,
  key,
  kind: 'text',
})
const choice = (option: string, choices: readonly string[], help: string, key = option): Field => ({
  ...text(option, 'word', help, key),
  choices,
})
const onOff = (option: string, help: string, key = option): Field => ({
  ...text(option, 'on|off', help, key),
  kind: 'switch',
})
const number = (option: string, help: string, key = option): Field => ({
  ...text(option, 'number', help, key),
  kind: 'count',
})
const list = (option: string, value: string, help: string, key: string): Field => ({
  ...text(option, value, help, key),
  kind: 'list',
})

const column = (heading: string, key: string) => ({
  heading,
  of: ({ row }: Entry): string => (row[key] === undefined || row[key] === '' ? '' : textOf(row[key])),
})

const congestion = onOff('congestion-safe-path', 'long and pipelined messages', 'congestionSafePath')
const comment = text('comment', 'text', 'for people')
const level = choice('verification', LEVELS, 'how far its users are believed')

export const PROVIDER: ObjectSpec = {
  object: 'provider',
  summary: 'who is on the other side',
  name: 'name',
  switched: true,
  fields: [
    choice('type', ['public', 'hosted', 'partner'], 'kind of provider'),
    choice('protocol', ['xmpp', 'sip'], 'what it speaks'),
    onOff('enabled', 'off keeps the row, and nothing crosses'),
    level,
    list('domain', 'domains', 'the domains it owns: a.example,"*.a.example"', 'domains'),
    text('link', 'name', 'xmpp: the link that carries it'),
    list(
      'access-edge',
      'hosts',
      'sip: its access edges: hosts that requests go to, and that its certificate names',
      'accessEdges',
    ),
    text('asserting-header', 'header', 'sip: where it says that its user is verified', 'assertingHeader'),
    number('messages-per-second', 'limit: requests per second', 'limits.messagesPerSecond'),
    number('contacts', 'limit: distinct users that it may address within an hour', 'limits.contacts'),
    number('connections', 'limit: connections at once', 'limits.connections'),
    choice('tls', REQUIREMENTS, 'xmpp, server to server: TLS', 'negotiation.tls'),
    choice('sasl', REQUIREMENTS, 'xmpp, server to server: SASL EXTERNAL', 'negotiation.sasl'),
    onOff('dialback', 'xmpp, server to server: dialback', 'negotiation.dialback'),
    choice('dialback-over-tls', MARKS, 'what dialback over TLS counts as', 'negotiation.dialbackOverTls'),
    text('keep-alive', 'duration', 'silence after which a stream is tested', 'negotiation.keepAlive'),
    {
      ...text('server', 'host[:port]', 'xmpp, server to server: where it is, if not where DNS says'),
      make: serverPlace,
    },
    choice('server-tls', ['starttls', 'direct'], 'how TLS begins at --server', 'server.tls'),
    congestion,
    text('icon', 'url', 'a picture'),
    text('description', 'text', 'for people'),
  ],
  columns: [
    column('TYPE', 'type'),
    column('PROTOCOL', 'protocol'),
    column('ENABLED', 'enabled'),
    column('LEVEL', 'verification'),
    column('LINK', 'link'),
    column('DOMAINS', 'domains'),
  ],
  examples: {
    name: '"Example XMPP"',
    add: [
      '"Example XMPP" --type partner --protocol xmpp --domain xmpp.example --link prosody --verification contacts',
      'Partner --type partner --protocol sip --domain partner.example --access-edge edge.partner.example',
      'Direct --type partner --protocol xmpp --domain direct.example --link outside --server xmpp.direct.example:5270 --server-tls direct',
    ],
    set: '"Example XMPP" --verification all --add-domain chat.xmpp.example --messages-per-second 20',
  },
}

export const DOMAIN: ObjectSpec = {
  object: 'domain',
  summary: 'domains that are served, allowed without a provider, or blocked',
  name: 'domain',
  switched: false,
  fields: [
    level,
    comment,
    text('home', 'name', 'served: the home server of its users'),
    choice('users', ['any', 'listed'], 'served: whether only listed users exist'),
    list('link', 'names', 'served: the links that may carry it', 'links'),
  ],
  columns: [
    { heading: 'KIND', of: ({ kind }) => kind ?? '' },
    column('LEVEL', 'verification'),
    column('HOME', 'home'),
    column('USERS', 'users'),
    column('LINKS', 'links'),
    column('COMMENT', 'comment'),
  ],
  examples: {
    name: 'partner.example',
    add: 'partner.example --kind allowed --verification contacts --comment "since May"',
    set: 'partner.example --verification verified',
  },
}

export const POLICY: ObjectSpec = {
  object: 'policy',
  summary: 'what users may do: global, site:NAME, or granted by name',
  name: 'name',
  switched: false,
  fields: [
    onOff('federation', 'partners and hosted providers over SIP'),
    onOff('public-im', 'providers of type public', 'publicIm'),
    onOff('xmpp', 'XMPP providers'),
    text('description', 'text', 'for people'),
  ],
  columns: [
    column('FEDERATION', 'federation'),
    column('PUBLIC IM', 'publicIm'),
    column('XMPP', 'xmpp'),
    column('DESCRIPTION', 'description'),
  ],
  examples: {
    name: 'staff',
    add: 'staff --federation on --xmpp on --description "may talk to partners"',
    set: 'staff --public-im on',
  },
}

export const USER: ObjectSpec = {
  object: 'user',
  summary: 'the users of our domains, as far as they need a row',
  name: 'address',
  switched: true,
  fields: [
    onOff('enabled', 'off: nothing crosses for this user'),
    text('home', 'name', 'home server, if not that of the domain'),
    text('site', 'name', 'the site whose policy applies'),
    text('policy', 'name', 'the policy that is granted'),
    onOff('contacts-only', 'admit only who is on the Allow list', 'contactsOnly'),
    onOff('hide-notes', 'withhold status notes', 'hideNotes'),
  ],
  columns: [
    column('ENABLED', 'enabled'),
    column('HOME', 'home'),
    column('SITE', 'site'),
    column('POLICY', 'policy'),
    column('CONTACTS ONLY', 'contactsOnly'),
  ],
  examples: {
    name: 'romeo@sip.example',
    add: 'romeo@sip.example --policy staff --contacts-only on',
    set: 'romeo@sip.example --site verona --unset policy',
  },
}

const PASSWORD = 'credentials.password'

export const HOME: ObjectSpec = {
  object: 'home',
  summary: 'the servers of our users',
  name: 'name',
  switched: false,
  fields: [
    text('next-hop', 'uri', 'SIP URI: "sip:192.0.2.1:5060;transport=tcp"', 'nextHop'),
    list(
      'address',
      'addresses',
      'from where it may speak; default: the address in the next hop',
      'addresses',
    ),
    text('certificate', 'name', 'over TLS: the name that its certificate carries'),
    choice('enforce', ['edge', 'home'], 'who refuses what a level refuses'),
    congestion,
    text('realm', 'text', 'of its digest challenges', 'credentials.realm'),
    text('username', 'name', 'the user that the gateway is there', 'credentials.username'),
    {
      ...text('password-env', 'name', 'environment variable of the gateway with the password', PASSWORD),
      make: (env) => ({ env }),
    },
    {
      ...text('password-file', 'path', 'file with the password, readable by the gateway', PASSWORD),
      make: (file) => ({ file }),
    },
  ],
  columns: [column('NEXT HOP', 'nextHop'), column('ADDRESSES', 'addresses'), column('ENFORCE', 'enforce')],
  examples: {
    name: 'main',
    add: 'main --next-hop "sip:192.0.2.1:5060;transport=tcp" --congestion-safe-path on',
    set: 'main --next-hop "sip:192.0.2.2:5060;transport=tcp"',
  },
}

export const LINK: ObjectSpec = {
  object: 'link',
  summary: 'connections to XMPP servers',
  name: 'name',
  switched: false,
  fields: [
    {
      ...choice('kind', ['component', 's2s'], 'component (the default), or s2s: from server to server'),
      adding: true,
    },
    text('host', 'host', 'of the XMPP server'),
    number('port', 'its component port (5347)'),
    text('domain', 'domain', "the component's name at the XMPP server"),
    {
      ...text('secret-env', 'name', 'environment variable of the gateway with the secret', 'secret'),
      make: (env) => ({ env }),
    },
    {
      ...text('secret-file', 'path', 'file with the secret, readable by the gateway', 'secret'),
      make: (file) => ({ file }),
    },
    { ...list('remote', 'domains', 'the domains behind it, or: any', 'remote'), make: anyOrList },
    choice('vouches', MARKS, 'the mark of its users'),
    { ...text('addressing', 'mode', 'straight, escaped, or SIP-DOMAIN=XMPP-DOMAIN'), make: addressing },
  ],
  columns: [
    column('KIND', 'kind'),
    { heading: 'STATE', of: ({ standing }) => standing?.state ?? '' },
    { heading: 'IN', of: ({ standing }) => String(standing?.in ?? '') },
    { heading: 'OUT', of: ({ standing }) => String(standing?.out ?? '') },
    column('HOST', 'host'),
    column('PORT', 'port'),
    column('DOMAIN', 'domain'),
    column('REMOTE', 'remote'),
    column('VOUCHES', 'vouches'),
  ],
  examples: {
    name: 'prosody',
    add: [
      'prosody --host 127.0.0.1 --domain sip.example --secret-env DRAGOMAN_PROSODY_SECRET --remote xmpp.example',
      'outside --kind s2s',
    ],
    set: 'prosody --vouches verified',
  },
}

export const KINDS = DOMAIN_KINDS
