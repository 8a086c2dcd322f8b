import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read.ts'
import { EMPTY_STORE, type StoreRows } from '../../src/federation/sources.ts'
import { policy, user, xmppProvider } from '../federation/fixtures.ts'

const shipped = readFileSync(new URL('../../gateway.config.yaml', import.meta.url), 'utf8')
const env = { DRAGOMAN_PROSODY_SECRET: 'swordfish', EMPTY: '', TWO_LINES: 'a\nb' }

/** The shipped file with one line changed (or followed by more), and where the problem must be found. */
interface Wrong {
  /** Text of the shipped file, up to the comment. */
  readonly line: string
  readonly becomes: string
  /** Lines after the changed one; default 0. */
  readonly below?: number
  readonly path: string
  readonly message: string | RegExp
  readonly cure: string | RegExp
}

const SECOND_PROVIDER =
  '\n    - { name: Other, type: partner, protocol: xmpp, domains: [DOMAINS], link: prosody }'

const wrong: Readonly<Record<string, Wrong>> = {
  'an unknown key, near a known one': {
    line: '  level: info',
    becomes: '  levle: info',
    path: 'log.levle',
    message: 'unknown key',
    cure: /did you mean level\? known here: level, format, bodies/,
  },
  'an unknown section': {
    line: 'shutdown:',
    becomes: 'teardown:',
    path: 'teardown',
    message: 'unknown key',
    cure: /known here: log, sip/,
  },
  'a word that is not known': {
    line: '      type: partner',
    becomes: '      type: partnr',
    path: 'federation.providers[0].type',
    message: '"partnr" is not known here',
    cure: 'one of public, hosted, partner; did you mean partner?',
  },
  'a number for a word': {
    line: '  format: auto',
    becomes: '  format: 7',
    path: 'log.format',
    message: '7 is not known here',
    cure: 'one of auto, readable, json',
  },
  'text for a flag': {
    line: '  bodies: false',
    becomes: '  bodies: nope',
    path: 'log.bodies',
    message: 'must be true or false, not "nope"',
    cure: /write message texts/,
  },
  'a quoted number': {
    line: '      port: 5347',
    becomes: '      port: "5347"',
    path: 'federation.links[0].port',
    message: 'must be a number, not "5347"',
    cure: /component port/,
  },
  'a port too large': {
    line: '      port: 5347',
    becomes: '      port: 70000',
    path: 'federation.links[0].port',
    message: '70000 is too large',
    cure: 'write at most 65535',
  },
  'a fraction': {
    line: '    headerCount: 256',
    becomes: '    headerCount: 2.5',
    path: 'sip.limits.headerCount',
    message: 'must be a whole number, not 2.5',
    cure: /headers of one message/,
  },
  'a duration without unit': {
    line: '  retryAfter: 30s',
    becomes: '  retryAfter: "30"',
    path: 'interworking.retryAfter',
    message: '"30" is not a duration',
    cure: 'write 500ms, 30s, 10m or 2h',
  },
  'a duration too short': {
    line: '    idleConnection: 10m',
    becomes: '    idleConnection: 5ms',
    path: 'sip.limits.idleConnection',
    message: '5ms is too short',
    cure: 'write at least 1000ms',
  },
  'a duration no timer holds': {
    line: '  loopMemory: 10s',
    becomes: '  loopMemory: 700h',
    path: 'interworking.loopMemory',
    message: '700h is too long',
    cure: 'write at most 596h',
  },
  'a size with a wrong unit': {
    line: '    bodyBytes: 512KiB',
    becomes: '    bodyBytes: 1MB',
    path: 'sip.limits.bodyBytes',
    message: '"1MB" is not a size',
    cure: 'write 512, 64KiB or 1MiB',
  },
  'a size too small': {
    line: '    stanzaBytes: 1MiB',
    becomes: '    stanzaBytes: 512',
    path: 'xmpp.limits.stanzaBytes',
    message: '512 is too small',
    cure: /from 10000/,
  },
  'neither 480 nor 503': {
    line: '  noLiveLink: 480',
    becomes: '  noLiveLink: 500',
    path: 'interworking.noLiveLink',
    message: '500 is not known here',
    cure: /one of 480, 503/,
  },
  'an empty section': {
    line: '  within: 10s',
    becomes: '  within:',
    path: 'shutdown.within',
    message: 'is empty',
    cure: 'give it a value, or remove the key',
  },
  'a missing key': {
    line: '      home: main',
    becomes: '      # home: main',
    below: -1,
    path: 'federation.servedDomains[0].home',
    message: 'is missing',
    cure: /add it: the home server/,
  },
  'a bad domain': {
    line: '    - name: sip.example',
    becomes: '    - name: sip..example',
    path: 'federation.servedDomains[0].name',
    message: '"sip..example" is not a domain name',
    cure: /example\.com/,
  },
  'an IP address for a domain': {
    line: '      domain: sip.example',
    becomes: '      domain: 192.0.2.1',
    path: 'federation.links[0].domain',
    message: '"192.0.2.1" is not a domain name',
    cure: /example\.com/,
  },
  'a star inside a domain': {
    line: '      domains: [xmpp.example]',
    becomes: '      domains: ["im.*.example"]',
    path: 'federation.providers[0].domains[0]',
    message: '"im.*.example" is not a domain name',
    cure: /\*\.example\.com/,
  },
  'an address that is no address': {
    line: '      addresses: [127.0.0.1]',
    becomes: '      addresses: [localhost]',
    path: 'federation.homes[0].addresses[0]',
    message: '"localhost" is not an IP address',
    cure: /192\.0\.2\.1/,
  },
  'a home server that cannot send': {
    line: '      addresses: [127.0.0.1]',
    becomes: '      addresses: []',
    path: 'federation.homes[0].addresses',
    message: /nothing says from where this server speaks/,
    cure: /192\.0\.2\.1/,
  },
  'a level that nobody would enforce': {
    line: '      enforce: edge',
    becomes: '      enforce: nobody',
    path: 'federation.homes[0].enforce',
    message: '"nobody" is not known here',
    cure: /edge, home/,
  },
  'a next hop without scheme': {
    line: '      nextHop: sip:127.0.0.1:5070;transport=udp',
    becomes: '      nextHop: 127.0.0.1:5070',
    path: 'federation.homes[0].nextHop',
    message: '"127.0.0.1:5070" is not a SIP URI',
    cure: /sip:HOST:PORT/,
  },
  'a next hop over a transport that is not there': {
    line: '      nextHop: sip:127.0.0.1:5070;transport=udp',
    becomes: '      nextHop: sip:127.0.0.1:5070;transport=sctp',
    path: 'federation.homes[0].nextHop',
    message: /asks for transport sctp/,
    cure: /transport=udp/,
  },
  'a next hop with a user': {
    line: '      nextHop: sip:127.0.0.1:5070;transport=udp',
    becomes: '      nextHop: sip:romeo@127.0.0.1:5070',
    path: 'federation.homes[0].nextHop',
    message: /names a user/,
    cure: /without a user/,
  },
  'a secret written out': {
    line: '      secret: { env: DRAGOMAN_PROSODY_SECRET }',
    becomes: '      secret: swordfish',
    path: 'federation.links[0].secret',
    message: 'must say where the secret is, not what it is',
    cure: /\{ env: NAME \} or \{ file: PATH \}/,
  },
  'a secret that is not set': {
    line: '      secret: { env: DRAGOMAN_PROSODY_SECRET }',
    becomes: '      secret: { env: NOT_SET_ANYWHERE }',
    path: 'federation.links[0].secret',
    message: 'the environment variable NOT_SET_ANYWHERE is not set',
    cure: 'set NOT_SET_ANYWHERE',
  },
  'a secret that is empty': {
    line: '      secret: { env: DRAGOMAN_PROSODY_SECRET }',
    becomes: '      secret: { env: EMPTY }',
    path: 'federation.links[0].secret',
    message: 'the environment variable EMPTY is empty',
    cure: 'put the secret there',
  },
  'a secret of two lines': {
    line: '      secret: { env: DRAGOMAN_PROSODY_SECRET }',
    becomes: '      secret: { env: TWO_LINES }',
    path: 'federation.links[0].secret',
    message: /more than one line/,
    cure: 'put only the secret there',
  },
  'a secret file that is not there': {
    line: '      secret: { env: DRAGOMAN_PROSODY_SECRET }',
    becomes: '      secret: { file: nowhere/secret }',
    path: 'federation.links[0].secret',
    message: /nowhere\/secret cannot be read \(ENOENT\)/,
    cure: 'create the file, or correct the path',
  },
  'a wrong key in a secret': {
    line: '      secret: { env: DRAGOMAN_PROSODY_SECRET }',
    becomes: '      secret: { vault: x }',
    path: 'federation.links[0].secret',
    message: 'must say where the secret is, not what it is',
    cure: /env: NAME/,
  },
  'remote as a word that is not any': {
    line: '      remote: [xmpp.example]',
    becomes: '      remote: all',
    path: 'federation.links[0].remote',
    message: 'must be a list of domains, or any',
    cure: /or any/,
  },
  'an unknown addressing': {
    line: '      addressing: straight',
    becomes: '      addressing: strait',
    path: 'federation.links[0].addressing',
    message: 'must be straight, escaped, or a pair of domains',
    cure: /straight, escaped, or/,
  },
  'half a pair': {
    line: '      addressing: straight',
    becomes: '      addressing: { sip: sip.example }',
    path: 'federation.links[0].addressing.xmpp',
    message: 'is missing',
    cure: /XMPP side/,
  },
  'a contact that names no one': {
    line: '      allow: [juliet@xmpp.example]',
    becomes: '      allow: [juliet]',
    path: 'federation.contacts[0].allow[0]',
    message: '"juliet" names no one',
    cure: /provider:NAME or everyone/,
  },
  'a contact list of a provider that is not there': {
    line: '      allow: [juliet@xmpp.example]',
    becomes: '      allow: ["provider:Nobody"]',
    path: 'federation.contacts[0].allow[0]',
    message: /names the provider "Nobody", which does not exist/,
    cure: /Example XMPP/,
  },
  'a user of another domain': {
    line: '    - user: sip:romeo@sip.example',
    becomes: '    - user: sip:romeo@elsewhere.example',
    path: 'federation.contacts[0].user',
    message: /elsewhere\.example, which is not a served domain/,
    cure: /servedDomains/,
  },
  'a home that is not there': {
    line: '      home: main',
    becomes: '      home: mian',
    path: 'federation.servedDomains[0].home',
    message: /names the home "mian", which does not exist/,
    cure: /name one of main/,
  },
  'a link that is not there': {
    line: '      link: prosody',
    becomes: '      link: ejabberd',
    path: 'federation.providers[0].link',
    message: /names the link "ejabberd", which does not exist/,
    cure: /name one of prosody/,
  },
  'a provider’s domain that is not behind its link': {
    line: '      domains: [xmpp.example]',
    becomes: '      domains: [other.example]',
    path: 'federation.providers[0].domains[0]',
    message: /does not have other\.example in its remote list/,
    cure: /add other\.example/,
  },
  'a domain of two providers': {
    line: '      link: prosody',
    becomes: `      link: prosody${SECOND_PROVIDER.replace('DOMAINS', 'xmpp.example')}`,
    below: 1,
    path: 'federation.providers[1].domains[0]',
    message:
      /xmpp\.example belongs to provider "Other" and, as xmpp\.example, to provider "Example XMPP" \(the other: line \d+\)/,
    cure: /one owner/,
  },
  'an XMPP provider without link': {
    line: '      link: prosody',
    becomes: '      # no link',
    below: -6,
    path: 'federation.providers[0].link',
    message: /is missing: a provider of protocol xmpp needs it/,
    cure: /name the link/,
  },
  'a SIP provider with a link': {
    line: '      protocol: xmpp',
    becomes: '      protocol: sip\n      accessEdges: [edge.xmpp.example]',
    below: 5,
    path: 'federation.providers[0].link',
    message: /does not belong to a provider of protocol sip/,
    cure: /remove the key/,
  },
  'no way to prove a domain': {
    line: '      link: prosody',
    becomes: '      link: prosody\n      negotiation: { tls: unsupported, dialback: false }',
    below: 1,
    path: 'federation.providers[0].negotiation',
    message: /"Example XMPP": SASL needs TLS, which is unsupported, and dialback is off/,
    cure: /turn dialback on/,
  },
  'a component without its host': {
    line: '      host: 127.0.0.1',
    becomes: '      # no host',
    below: -2,
    path: 'federation.links[0].host',
    message: 'is missing',
    cure: 'add it: host of the XMPP server',
  },
  'a link of a kind that is not there': {
    line: '      kind: component',
    becomes: '      kind: s3s',
    path: 'federation.links[0].kind',
    message: '"s3s" is not known here',
    cure: 'one of component, s2s; did you mean s2s?',
  },
  'a link from server to server with what belongs to a component': {
    line: '      kind: component',
    becomes: '      kind: s2s',
    below: 2,
    path: 'federation.links[0].port',
    message: 'does not belong to a link of kind s2s',
    cure: 'remove the key, or write kind: component',
  },
  'a SIP provider with a server': {
    line: '      protocol: xmpp',
    becomes: '      protocol: sip\n      server: { host: xmpp.example }',
    below: 1,
    path: 'federation.providers[0].server',
    message: /does not belong to a provider of protocol sip/,
    cure: /remove the key/,
  },
  'a server of a provider behind a component': {
    line: '      link: prosody',
    becomes: '      link: prosody\n      server: { host: xmpp.example }',
    below: 1,
    path: 'federation.providers[0].server',
    message: /link "prosody", which carries it, is a component/,
    cure: /name a link of kind s2s/,
  },
  'a server that is none': {
    line: '      link: prosody',
    becomes: '      link: prosody\n      server: { host: "xmpp.example:5269" }',
    below: 1,
    path: 'federation.providers[0].server.host',
    message: '"xmpp.example:5269" is neither a host name nor an IP address',
    cure: /xmpp\.example\.com/,
  },
  'a SIP provider with a negotiation': {
    line: '      protocol: xmpp',
    becomes: '      protocol: sip\n      negotiation: { tls: required }',
    below: 1,
    path: 'federation.providers[0].negotiation',
    message: /does not belong to a provider of protocol sip/,
    cure: /remove the key/,
  },
  'a limit of nothing': {
    line: '      link: prosody',
    becomes: '      link: prosody\n      limits: { contacts: 0 }',
    below: 1,
    path: 'federation.providers[0].limits.contacts',
    message: '0 is too small',
    cure: 'write at least 1',
  },
  'a granted policy that is not there': {
    line: '  users: []',
    becomes: '  users: [{ user: romeo@sip.example, policy: staff }]',
    path: 'federation.users[0].policy',
    message: 'user "romeo@sip.example" is granted the policy "staff", which does not exist',
    cure: 'add a policy with a name of its own, or take the grant away',
  },
  'the global policy granted': {
    line: '  policies: []',
    becomes: '  policies: [{ name: global }]\n  users: [{ user: romeo@sip.example, policy: global }]',
    below: 1,
    path: 'federation.users[0].policy',
    message: /which applies by itself and cannot be granted/,
    cure: /take the grant away/,
  },
  'a policy twice': {
    line: '  policies: []',
    becomes: '  policies:\n    - { name: staff }\n    - { name: Staff, xmpp: true }',
    below: 2,
    path: 'federation.policies[1]',
    message: /policy "Staff" is there twice \(the other: line \d+\)/,
    cure: /keep one of the two/,
  },
  'a 423 that asks for more than RFC 6665 §4.2.1.1 lets it': {
    line: '  shortest: 1m',
    becomes: '  shortest: 61m',
    path: 'presence.shortest',
    message: '61m is too long',
    cure: 'write at most 1h',
  },
  'watchers that could have nothing': {
    line: '  longest: 1h',
    becomes: '  longest: 30s',
    path: 'presence.longest',
    message: 'is shorter than presence.shortest',
    cure: 'raise it, or lower presence.shortest',
  },
  'a pause longer than the longest': {
    line: '  retry: { first: 30s, longest: 1h }',
    becomes: '  retry: { first: 2h }',
    path: 'presence.retry.longest',
    message: 'is shorter than presence.retry.first',
    cure: 'raise it, or lower presence.retry.first',
  },
  'a subscription that could not be refreshed': {
    line: '  expires: 1h',
    becomes: '  expires: 59s',
    path: 'presence.expires',
    message: '59s is too short',
    cure: 'write at least 60000ms',
  },
  'an entry that would hardly live': {
    line: '    lifetime: 2160h',
    becomes: '    lifetime: 5m',
    path: 'federation.learning.lifetime',
    message: '5m is too short',
    cure: 'write at least 3600000ms',
  },
  'a list misspelt': {
    line: '  blockedDomains: []',
    becomes: '  blockedDomains: []\n  allowedDomainz: []',
    below: 1,
    path: 'federation.allowedDomainz',
    message: 'unknown key',
    cure: /did you mean allowedDomains/,
  },
  'a listener that anyone could forge': {
    line: '      address: 127.0.0.1',
    becomes: '      address: 0.0.0.0',
    path: 'sip.listeners[0].address',
    message: /anyone could forge/,
    cure: /private address/,
  },
  'a listener for servers with the name of one for SIP': {
    line: '    listeners: []',
    becomes: '    listeners: [{ name: inside-tcp, address: 127.0.0.1 }]',
    path: 'xmpp.s2s.listeners[0].name',
    message: 'listener "inside-tcp" is there twice',
    cure: /sip\.listeners/,
  },
  'a listener for servers at the socket of one for SIP': {
    line: '    listeners: []',
    becomes: '    listeners: [{ name: s2s, address: 127.0.0.1, port: 5060 }]',
    path: 'xmpp.s2s.listeners[0].port',
    message: 'listeners "s2s" and "inside-tcp" are the same port 5060 of 127.0.0.1',
    cure: 'remove one, or give it another port',
  },
  'two listeners for servers at one socket': {
    line: '    listeners: []',
    becomes: '    listeners: [{ name: a, address: "::1" }, { name: b, address: "0:0:0:0:0:0:0:1" }]',
    path: 'xmpp.s2s.listeners[1].port',
    message: 'listeners "b" and "a" are the same port 5269 of ::1',
    cure: /another port/,
  },
  'direct TLS without a certificate': {
    line: '    listeners: []',
    becomes: '    listeners: [{ name: s2s, address: 127.0.0.1, port: 5270, tls: direct }]',
    path: 'xmpp.s2s.listeners[0].tls',
    message: 'is direct, and there is no certificate to show',
    cure: /add xmpp\.tls\.certificates/,
  },
  'a way for TLS to begin that is not there': {
    line: '    listeners: []',
    becomes: '    listeners: [{ name: s2s, address: 127.0.0.1, tls: always }]',
    path: 'xmpp.s2s.listeners[0].tls',
    message: '"always" is not known here',
    cure: /starttls, direct/,
  },
  'a listener for servers that takes a side, as those for SIP do': {
    line: '    listeners: []',
    becomes: '    listeners: [{ name: s2s, address: 127.0.0.1, side: outside }]',
    path: 'xmpp.s2s.listeners[0].side',
    message: 'unknown key',
    cure: /known here: name, address, port, tls/,
  },
  'a dialback secret that is not set': {
    line: '    listeners: []',
    becomes: '    dialbackSecret: { env: NOT_SET_ANYWHERE }',
    path: 'xmpp.s2s.dialbackSecret',
    message: 'the environment variable NOT_SET_ANYWHERE is not set',
    cure: 'set NOT_SET_ANYWHERE',
  },
  'a dialback secret written out': {
    line: '    listeners: []',
    becomes: '    dialbackSecret: swordfish',
    path: 'xmpp.s2s.dialbackSecret',
    message: 'must say where the secret is, not what it is',
    cure: /env: NAME/,
  },
  'an IP version that is not there': {
    line: '    families: [4, 6]',
    becomes: '    families: [5]',
    path: 'xmpp.s2s.families[0]',
    message: '5 is not known here',
    cure: /one of 4, 6/,
  },
  'an IP version twice': {
    line: '    families: [4, 6]',
    becomes: '    families: [6, 6]',
    path: 'xmpp.s2s.families',
    message: 'names one family twice',
    cure: 'write [4, 6], [6, 4], [4] or [6]',
  },
  'no IP version': {
    line: '    families: [4, 6]',
    becomes: '    families: []',
    path: 'xmpp.s2s.families',
    message: 'must not be empty',
    cure: /preferred one first/,
  },
  'a time without tries longer than the longest': {
    line: '    retry: { first: 5s, ceiling: 5m }',
    becomes: '    retry: { first: 10m }',
    path: 'xmpp.s2s.retry.ceiling',
    message: 'is shorter than xmpp.s2s.retry.first',
    cure: 'raise it, or lower xmpp.s2s.retry.first',
  },
  'no stream at all': {
    line: '      connections: 5000',
    becomes: '      connections: 0',
    path: 'xmpp.s2s.limits.connections',
    message: '0 is too small',
    cure: 'write at least 1',
  },
  'a queue that holds no stanza': {
    line: '      queueBytes: 16MiB',
    becomes: '      queueBytes: 1KiB',
    path: 'xmpp.s2s.limits.queueBytes',
    message: '1KiB is too small',
    cure: /from 10000/,
  },
  'a key twice': {
    line: '  bodies: false',
    becomes: '  level: debug',
    path: '',
    message: /unique/,
    cure: 'keep one of the two',
  },
  'a tab': {
    line: '  bodies: false',
    becomes: '\tbodies: false',
    path: '',
    message: /[Tt]ab/,
    cure: 'indent with spaces',
  },
  'a second document': {
    line: 'shutdown:',
    becomes: '---\nshutdown:',
    path: '',
    message: /multiple documents/,
    cure: /keep one document/,
  },
  'an alias to nothing': {
    line: '      enforce: edge',
    becomes: '      enforce: *edge',
    path: '',
    message: /[Aa]lias/,
    cure: /anchor/,
  },
}

describe('what is wrong is told with its line, path and cure', () => {
  test.for(Object.entries(wrong))('%s', ([, { line, becomes, below = 0, path, message, cure }]) => {
    const before = shipped.split('\n').findIndex((text) => text === line || text.startsWith(`${line} #`))
    expect(before).toBeGreaterThan(-1)
    const lines = shipped.split('\n')
    lines[before] = becomes
    // A key that is written anew replaces the empty list of the shipped file.
    if (becomes.includes('\n  users:'))
      lines.splice(
        lines.findIndex((text) => text.startsWith('  users: []')),
        1,
      )
    const result = readConfig(lines.join('\n'), 'etc/gateway.config.yaml', env)
    const found = result.ok ? [] : result.error
    expect(found).toContainEqual({
      file: 'etc/gateway.config.yaml',
      line: before + 1 + below,
      column: expect.any(Number),
      path,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      cure: typeof cure === 'string' ? cure : expect.stringMatching(cure),
    })
  })

  test('several at once, in the order of the file', () => {
    const result = readConfig(
      'log: { level: loud }\nsip: 7\nfederation:\n  enabled: yes please\n',
      'x.yaml',
      {},
    )
    expect(result.ok ? [] : result.error.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '1 log.level',
      '2 sip',
      '4 federation.enabled',
    ])
  })

  test('a document that is no section', () => {
    expect(readConfig('- 1\n', 'x.yaml', {})).toMatchObject({
      ok: false,
      error: [{ line: 1, message: 'must be a section of keys, not a list' }],
    })
  })

  test('aliases cannot multiply without measure', () => {
    const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++)
      laughs.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(readConfig(laughs.join('\n'), 'x.yaml', {})).toMatchObject({
      ok: false,
      error: [{ message: 'the aliases multiply without measure' }],
    })
  })
})

describe('a secret from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-config-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('is found from the configuration file on, and loses its final newline', () => {
    writeFileSync(join(folder, 'prosody.secret'), 'sword fish\n')
    const text = shipped.replace('{ env: DRAGOMAN_PROSODY_SECRET }', '{ file: prosody.secret }')
    const result = readConfig(text, join(folder, 'gateway.config.yaml'), {})
    expect(result.ok && result.value.linkSecrets.get('prosody')).toBe('sword fish')
  })
})

describe('rows of the file and of a store', () => {
  const read = (rows: Partial<StoreRows>) =>
    readConfig(shipped, 'gateway.config.yaml', env, { ...EMPTY_STORE, ...rows })
  const lineOf = (text: string) => shipped.slice(0, shipped.indexOf(text)).split('\n').length

  test('what both have is told at the line of the file', () => {
    expect(read({ providers: [xmppProvider({ domains: [] })] })).toMatchObject({
      ok: false,
      error: [
        {
          line: lineOf('- name: Example XMPP'),
          path: 'federation.providers[0]',
          message: 'provider "Example XMPP" is in the configuration file, and "Example XMPP" is in the store',
          cure: 'take it out of the file, or out of the store with: dragoman provider remove "Example XMPP"',
        },
      ],
    })
  })

  test('what is wrong in the store alone is told as such', () => {
    const result = read({ users: [user('romeo@sip.example', { policy: 'gone' })] })
    expect(result.ok ? [] : result.error).toMatchObject([
      {
        path: 'federation',
        message:
          'user "romeo@sip.example" is granted the policy "gone", which does not exist (not in this file)',
      },
    ])
  })

  test('they make one whole', () => {
    const result = read({ settings: { sip: false, 'learning.perUser': 3 }, policies: [policy('global')] })
    if (!result.ok) throw new Error(JSON.stringify(result.error))
    const { federation, rows } = result.value
    expect(federation.policies.has('global')).toBe(true)
    // The shipped file sets every setting, so the store's have no say.
    expect(federation.federation).toMatchObject({ sip: true, learning: { perUser: 500 } })
    expect(rows.policies).toEqual([])
  })
})
