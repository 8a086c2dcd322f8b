import { z } from 'zod'
import { certificates } from './certificates.ts'
import { interworking, presence } from './interworking.ts'
import { link } from './link-row.ts'
import {
  contact,
  count,
  domain,
  domainPattern,
  duration,
  flag,
  host,
  ipAddress,
  name,
  nextHop,
  path,
  port,
  secret,
  userAddress,
} from './scalars.ts'
import { sipLimits } from './sip-limits.ts'
import { xmpp } from './xmpp-section.ts'

/** The shape of `gateway.config.yaml`: every key, its default, and a line on what it is for. Unknown keys are refused. */

const level = z.enum(['verified', 'contacts', 'all'])

const log = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info').describe('what is worth a line'),
  format: z
    .enum(['auto', 'readable', 'json'])
    .default('auto')
    .describe('auto: readable on a terminal, JSON otherwise'),
  bodies: flag('write message texts to the log').default(false),
})

const listener = z
  .strictObject({
    name: name('how the log calls it'),
    transport: z.enum(['udp', 'tcp', 'tls']).describe('udp, tcp or tls'),
    address: ipAddress('IP address to listen on'),
    port: port('port to listen on; 5060, with tls 5061').optional(),
    side: z.enum(['inside', 'outside']).describe('inside: home servers; outside: everyone else'),
    advertise: host('host name or IP address by which others reach it, if not the address').optional(),
    certificates: z
      .array(name('a name in sip.tls.certificates'))
      .min(1)
      .optional()
      .describe('tls: which certificates are shown here; the first to whoever asks for none of them'),
    clientCertificate: z
      .enum(['optional', 'required'])
      .optional()
      .describe('tls: required closes peers without a certificate that is trusted'),
  })
  .transform((row) => ({ ...row, port: row.port ?? (row.transport === 'tls' ? 5061 : 5060) }))

const tls = z.strictObject({
  ...certificates.shape,
  sipPurposeOnly: flag('believe only certificates for SIP (RFC 5924), not those for TLS servers').default(
    false,
  ),
})

const sip = z.strictObject({
  listeners: z
    .array(listener)
    .min(1)
    .default([
      { name: 'inside-udp', transport: 'udp', address: '127.0.0.1', port: 5060, side: 'inside' },
      { name: 'inside-tcp', transport: 'tcp', address: '127.0.0.1', port: 5060, side: 'inside' },
    ])
    .describe('where SIP is heard'),
  tls: tls.optional().describe('certificates: ours, and whose we believe'),
  timers: z
    .strictObject({
      t1: duration('round-trip estimate').default(500),
      t2: duration('longest interval between retransmissions').default(4000),
      t4: duration('how long a message stays in the network').default(5000),
    })
    .prefault({})
    .describe('RFC 3261 appendix A'),
  limits: sipLimits.prefault({}).describe('what one peer may cost'),
})

const dns = z.strictObject({
  servers: z
    .array(
      z.strictObject({
        address: ipAddress('IP address of a DNS server'),
        port: port('its port').default(53),
      }),
    )
    .min(1)
    .optional()
    .describe('the DNS servers; without it those of /etc/resolv.conf, and /etc/hosts'),
})

const shutdown = z.strictObject({
  within: duration('SIGTERM: time to finish what is under way', 0).default(10_000),
})

const TWO_YEARS = 2 * 8760 * 3_600_000
const CENTURY = 100 * 8760 * 3_600_000

const store = z
  .strictObject({
    sqlite: path('the database file; a path starts from this file').optional(),
    postgres: z
      .strictObject({
        host: z.string().min(1).max(256).describe('host name, IP address, or directory of the socket'),
        port: port('of the database server').default(5432),
        database: name('name of the database'),
        user: name('user of the database'),
        password: secret('the password of the user').optional(),
        tls: z
          .strictObject({
            ca: path('PEM file of the authorities; without it those of the system').optional(),
          })
          .optional()
          .describe('encrypt, and check the certificate of the server'),
        schema: z
          .string()
          .regex(/^[a-z_][a-z0-9_]{0,62}$/)
          .default('dragoman')
          .describe('the schema that holds the tables: lower case letters, digits, _'),
        connections: count('connections at once', 1, 1000).default(5),
      })
      .optional()
      .describe('PostgreSQL'),
    auditKeep: duration('how long entries of the audit log are kept', 3_600_000, CENTURY).default(TWO_YEARS),
  })
  .describe('where changes by commands are kept')

const admin = z.strictObject({
  socket: path('the socket by which commands reach the gateway').optional(),
})

const openDiscovery = z.strictObject({
  enabled: flag('find domains that no row knows by DNS').default(false),
  verification: level.default('contacts').describe('level of discovered domains'),
  limits: z
    .strictObject({
      messagesPerSecond: count('messages per second of one discovered peer').default(20),
      contacts: count('distinct users that one discovered peer may address within an hour').default(1000),
      connections: count('connections of one discovered peer').default(20),
    })
    .prefault({})
    .describe('limits for discovered peers'),
})

const YEARS = 10 * 366 * 86_400_000

const learning = z.strictObject({
  enabled: flag('whom a user writes to or subscribes to gets onto its Allow list').default(true),
  lifetime: duration('how long such an entry lives after the last time', 3_600_000, YEARS).default(
    90 * 86_400_000,
  ),
  perUser: count('such entries of one user').default(500),
})

const home = z.strictObject({
  name: name('unique'),
  nextHop: nextHop('SIP URI of the server: sip:192.0.2.1:5060;transport=udp (or tcp, tls)'),
  addresses: z
    .array(ipAddress('an IP address'))
    .optional()
    .describe('who may speak for it on an inside listener; default: the address in nextHop'),
  certificate: domain('tls: the name that its certificate carries, if not the host in nextHop').optional(),
  enforce: z
    .enum(['edge', 'home'])
    .default('edge')
    .describe('who refuses what a level refuses: the gateway, or the home server by the mark'),
  congestionSafePath: flag('long and pipelined messages (RFC 3428 §8)').default(false),
  credentials: z
    .strictObject({
      realm: name('the realm that it names in its challenges'),
      username: name('the user that the gateway is there'),
      password: secret('the password of that user'),
    })
    .optional()
    .describe('what its digest challenges are answered with'),
})

const servedDomain = z.strictObject({
  name: domain('a domain of ours'),
  home: name('the home server of its users'),
  users: z.enum(['any', 'listed']).default('any').describe('any: the home server knows; listed: see users'),
  links: z.array(name('a link')).default([]).describe('links that may carry it'),
})

const requirement = z.enum(['required', 'optional', 'unsupported'])

const negotiation = z.strictObject({
  tls: requirement.default('required').describe('TLS'),
  sasl: requirement.default('optional').describe('SASL EXTERNAL, which needs TLS (XEP-0178)'),
  dialback: flag('dialback (XEP-0220)').default(true),
  dialbackOverTls: z
    .enum(['verified', 'unverified'])
    .default('unverified')
    .describe('what a user counts as whose domain is proved by dialback over TLS'),
  keepAlive: duration('silence after which a stream is tested; 0s: never', 0).default(300_000),
})

const server = z.strictObject({
  host: host('host name or IP address of its XMPP server'),
  port: port('its port for servers').default(5269),
  tls: z
    .enum(['starttls', 'direct'])
    .default('starttls')
    .describe('direct: TLS from the first octet (XEP-0368)'),
})

const limits = z.strictObject({
  messagesPerSecond: count('requests per second').optional(),
  contacts: count('distinct users that it may address within an hour').optional(),
  connections: count('connections that it may have open at once').optional(),
})

const provider = z.strictObject({
  name: name('unique'),
  type: z.enum(['public', 'hosted', 'partner']).describe('public, hosted or partner'),
  protocol: z.enum(['xmpp', 'sip']).describe('xmpp or sip'),
  enabled: flag('false keeps the row, and nothing crosses').default(true),
  verification: level.default('verified').describe('how far its users are believed'),
  domains: z.array(domainPattern('a domain, or *.domain')).min(1).describe('the domains it owns'),
  link: name('xmpp: the link that carries it').optional(),
  server: server.optional().describe('xmpp, from server to server: where it is, if not where DNS says'),
  accessEdges: z
    .array(domain('a host name'))
    .min(1)
    .optional()
    .describe('sip: its access edges: hosts that requests go to, and that its certificate names'),
  assertingHeader: z
    .string()
    .regex(/^[A-Za-z0-9.!%*_+`'~-]+$/)
    .optional()
    .describe('sip: the header in which it asserts that its user is verified'),
  congestionSafePath: flag('long and pipelined messages (RFC 3428 §8)').default(false),
  limits: limits.prefault({}).describe('what it may send; without a key no such limit'),
  negotiation: negotiation.optional().describe('xmpp: how it proves its domains from server to server'),
  icon: z.string().max(2048).optional().describe('URL of a picture'),
  description: z.string().max(1024).optional().describe('for people'),
})

const comment = z.string().max(1024).default('').describe('for people')

const contacts = z.array(contact('user@domain, sip:user@domain, "@domain", provider:NAME or everyone'))

const federation = z.strictObject({
  enabled: flag('nothing crosses while it is off').default(true),
  sip: flag('SIP partners').default(true),
  publicIm: flag('providers of type public').default(true),
  xmpp: flag('XMPP providers').default(true),
  openDiscovery: openDiscovery.prefault({}).describe('domains that no row knows'),
  learning: learning.prefault({}).describe('contact entries that come of themselves'),
  homes: z.array(home).default([]).describe('home servers'),
  servedDomains: z.array(servedDomain).default([]).describe('our domains'),
  links: z.array(link).default([]).describe('connections to XMPP servers'),
  providers: z.array(provider).default([]).describe('who is on the other side'),
  policies: z
    .array(
      z.strictObject({
        name: name('global, site:NAME, or a name to grant it by'),
        federation: flag('partners and hosted providers over SIP').default(false),
        publicIm: flag('providers of type public').default(false),
        xmpp: flag('XMPP providers').default(false),
        description: z.string().max(1024).optional().describe('for people'),
      }),
    )
    .default([])
    .describe('what users may do; without any, every user may do all'),
  allowedDomains: z
    .array(
      z.strictObject({
        name: domain('covers its subdomains'),
        verification: level.default('verified').describe('how far its users are believed'),
        comment,
      }),
    )
    .default([])
    .describe('domains without a provider'),
  blockedDomains: z
    .array(z.strictObject({ name: domain('covers its subdomains'), comment }))
    .default([])
    .describe('wins over everything'),
  users: z
    .array(
      z.strictObject({
        user: userAddress('sip:user@domain'),
        enabled: flag('false: nothing crosses for this user').default(true),
        home: name('home server, if not that of the domain').optional(),
        site: name('the site whose policy applies').optional(),
        policy: name('the policy that is granted').optional(),
        contactsOnly: flag('admit only who is on the Allow list').default(false),
        hideNotes: flag('withhold status notes').default(false),
      }),
    )
    .default([])
    .describe('the users of domains with "users: listed", and settings of others'),
  contacts: z
    .array(
      z.strictObject({
        user: userAddress('sip:user@domain'),
        allow: contacts.default([]).describe('who may reach the user where only contacts may'),
        block: contacts.default([]).describe('who may not; wins over allow'),
      }),
    )
    .default([])
    .describe('contact lists'),
})

export const fileSchema = z.strictObject({
  log: log.prefault({}).describe('the log'),
  sip: sip.prefault({}).describe('the SIP side'),
  dns: dns.prefault({}).describe('how names are looked up'),
  xmpp: xmpp.prefault({}).describe('the XMPP side'),
  interworking: interworking.prefault({}).describe('the translation'),
  presence: presence.prefault({}).describe('presence between SIP and XMPP'),
  shutdown: shutdown.prefault({}).describe('the end'),
  store: store.optional(),
  admin: admin.optional().describe('the commands'),
  federation: federation.describe('who may speak to whom'),
})

export type FileValues = z.output<typeof fileSchema>
