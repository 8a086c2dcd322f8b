import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Authority, selfSigned, srvName, type Wish, xmppAddr } from '../support/certificates.ts'
import { identityOf, type TlsIdentity } from '../support/identity.ts'
import { type FederatedGateway, OWN, ROMEO, startFederatedGateway } from '../support/s2s-bed.ts'
import {
  bodyOf,
  countersOf,
  established,
  lastErrorOf,
  messageXml,
  provedWith,
  providerOf,
  publish,
  startGuest,
} from '../support/s2s-guest.ts'
import type { S2sStream } from '../support/s2s-stream.ts'
import { dialbackKey, dialbackText, NS } from '../support/s2s-words.ts'

const CHAT = 'chat.example'
const BY_CERTIFICATE = { tls: 'required', sasl: 'required', dialback: false }
const SET_UP = 3_000

let world: FederatedGateway

beforeAll(async () => {
  world = await startFederatedGateway({
    also: [CHAT],
    s2s: { limits: { setUp: `${SET_UP}ms` } },
    federation: {
      providers: [
        providerOf('Certified', ['*.certified.example'], { negotiation: BY_CERTIFICATE }),
        providerOf('Dialled', ['*.dialled.example'], {
          negotiation: { tls: 'required', sasl: 'optional', dialback: true },
        }),
        providerOf('Clear', ['*.clear.example'], {
          negotiation: { tls: 'optional', sasl: 'optional', dialback: true },
        }),
      ],
    },
  })
})
afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
})
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(world.gateway.output().slice(-6_000))
})

const issued = (wish: Wish, authority = world.authority): TlsIdentity => ({
  ...authority.issue({ purposes: ['server', 'client'], ...wish }),
  ca: world.authority.pem,
})
const namesIn = ({ tls }: S2sStream): string | undefined => tls?.certificate?.subjectAltName
/** Romeo writes; resolves with the final status. */
const writes = async (to: string, body: string): Promise<number> =>
  (await world.romeo.message({ to: `sip:juliet@${to}`, body })).status
const romeoGets = async (from: string): Promise<string> =>
  (await world.romeo.messages.next((message) => message.from.includes(from))).body

describe('TLS and certificates', () => {
  test('SASL EXTERNAL over STARTTLS, TLS 1.3, in each direction', async () => {
    await using peer = await startGuest(world, { domain: 'both.certified.example' })
    const outcome = await peer.federate(OWN)
    const stream = established(outcome)
    expect(outcome).toMatchObject({ way: 'sasl-tls', certificate: true })
    expect(stream.tls?.protocol).toBe('TLSv1.3')
    await stream.write(messageXml(`juliet@${peer.domain}`, ROMEO, 'in'))
    expect(await romeoGets(peer.domain)).toBe('in')

    expect(await writes(peer.domain, 'out')).toBe(200)
    expect(bodyOf(await peer.stanzas.next())).toBe('out')
    expect(await peer.outcomes.next()).toMatchObject({ way: 'sasl-tls', peer: OWN, certificate: true })
    const theirs = await peer.streams.next()
    expect(theirs.tls).toMatchObject({ protocol: 'TLSv1.3', servername: peer.domain })
  })

  test('TLS 1.2 is enough, and an older one is not', async () => {
    await using peer = await startGuest(world, { domain: 'older.certified.example' })
    const identity = identityOf(world.authority, peer.domain)
    const wish = { identity, servername: OWN, maxVersion: 'TLSv1.2' } as const
    expect((await peer.connectDirect(world.ports.direct, wish)).tls?.protocol).toBe('TLSv1.2')
    const old = { ...wish, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const
    await expect(peer.connectDirect(world.ports.direct, old)).rejects.toThrow()
  })

  test('each of our domains has its certificate: by SNI, and where there is none by whom the header is to', async () => {
    await using peer = await startGuest(world, { domain: 'names.certified.example' })
    const identity = identityOf(world.authority, peer.domain)
    const shown = async (servername: string | undefined, to: string): Promise<string | undefined> => {
      const stream = await peer.connect(world.ports.s2s)
      await stream.open({ from: peer.domain, to })
      await stream.expect('features')
      await stream.write(`<starttls xmlns='${NS.tls}'/>`)
      await stream.expect('proceed')
      await stream.tlsAsClient({ identity, ...(servername !== undefined && { servername }) })
      return namesIn(stream)
    }
    expect(await shown(OWN, OWN)).toBe(`DNS:${OWN}`)
    expect(await shown(CHAT, CHAT)).toBe(`DNS:${CHAT}`)
    expect(await shown(undefined, CHAT)).toBe(`DNS:${CHAT}`)
    expect(await shown(undefined, OWN)).toBe(`DNS:${OWN}`)
    const direct = await peer.connectDirect(world.ports.direct, { identity, servername: CHAT })
    expect(namesIn(direct)).toBe(`DNS:${CHAT}`)
    expect(direct.tls?.alpn).toBe('xmpp-server')
  })

  test('what we open in the name of a domain of ours shows that domain’s certificate', async () => {
    await using peer = await startGuest(world, { domain: 'asked.certified.example' })
    for (const own of [OWN, CHAT]) {
      const sent = await world.romeo.message({
        from: `sip:romeo@${own}`,
        to: `sip:juliet@${peer.domain}`,
        body: own,
      })
      expect(sent.status, sent.reason).toBe(200)
      expect(await peer.outcomes.next()).toMatchObject({ way: 'sasl-tls', peer: own, certificate: true })
      expect(namesIn(await peer.streams.next())).toBe(`DNS:${own}`)
    }
  })

  test('SIGHUP: a renewed certificate is shown from then on, and streams stay', async () => {
    await using peer = await startGuest(world, { domain: 'renewed.certified.example' })
    const before = established(await peer.federate(OWN))
    const renewed = issued({ commonName: OWN, dns: [OWN] })
    await writeFile(world.files.file('own.pem'), renewed.cert)
    await writeFile(world.files.file('own.key'), renewed.key)
    expect((await world.gateway.reload()).msg).toBe('configuration reloaded')
    const after = established(await peer.federate(OWN))
    const serials = [before, after].map(({ tls }) => tls?.certificate?.serialNumber)
    expect(new Set(serials).size).toBe(2)
    for (const [stream, body] of [
      [before, 'over the old one'],
      [after, 'over the new one'],
    ] as const) {
      await stream.write(messageXml(`juliet@${peer.domain}`, ROMEO, body))
      expect(await romeoGets(peer.domain)).toBe(body)
    }
    expect(await writes(peer.domain, 'and out')).toBe(200)
    const shown = (await peer.streams.next()).tls?.certificate?.serialNumber
    expect(shown).toBe(serials[1])
  })
})

describe('what a certificate proves', () => {
  const HOUR = 3_600_000
  const other = new Authority('Another authority')
  const forge = (domain: string, more: Wish = {}): TlsIdentity => ({
    ...selfSigned({ commonName: domain, dns: [domain], purposes: ['server', 'client'], ...more }),
    ca: world.authority.pem,
  })

  const KINDS: readonly (readonly [
    name: string,
    label: string,
    shows: (domain: string) => TlsIdentity,
    proves: boolean,
  ])[] = [
    ['xmppAddr', 'addr', (domain) => issued({ names: [xmppAddr(domain)] }), true],
    ['SRV-ID', 'srv', (domain) => issued({ names: [srvName(`_xmpp-server.${domain}`)] }), true],
    ['DNS-ID', 'dns', (domain) => issued({ dns: [domain] }), true],
    ['a wildcard', 'wild', () => issued({ dns: ['*.certified.example'] }), true],
    ['for servers alone', 'server', (domain) => issued({ dns: [domain], purposes: ['server'] }), true],
    ['without a purpose', 'none', (domain) => issued({ dns: [domain], purposes: undefined as never }), true],
    ['of another domain', 'another', () => issued({ dns: ['victim.certified.example'] }), false],
    ['its common name, which is all it has', 'cn', (domain) => issued({ commonName: domain }), true],
    [
      'its common name beside another',
      'cn-dns',
      (domain) => issued({ commonName: domain, dns: ['x.example'] }),
      false,
    ],
    ['xmppAddr of a user', 'user', (domain) => issued({ names: [xmppAddr(`juliet@${domain}`)] }), false],
    [
      'SRV-ID for clients',
      'client',
      (domain) => issued({ names: [srvName(`_xmpp-client.${domain}`)] }),
      false,
    ],
    ['a wildcard too high', 'deep.wild', () => issued({ dns: ['*.certified.example'] }), false],
    ['expired', 'late', (domain) => issued({ dns: [domain], from: -2 * HOUR, until: -HOUR }), false],
    ['of an unknown authority', 'stranger', (domain) => issued({ dns: [domain] }, other), false],
    ['signed by itself in the victim’s name', 'forged', (domain) => forge(domain), false],
    [
      'signed by itself, for servers',
      'forged-server',
      (domain) => forge(domain, { purposes: ['server'] }),
      false,
    ],
  ]

  test.for(KINDS)('%s', async ([, label, shows, proves]) => {
    const domain = `${label}.certified.example`
    const identity = shows(domain)
    await using peer = await startGuest(world, { domain, identity })
    const outcome = await peer.federate(OWN, { external: 'always', dialback: [] })
    if (!proves) {
      expect(outcome).toMatchObject({ kind: 'refused', by: 'them', condition: 'not-authorized' })
      // Nor is it spoken to where it takes streams.
      expect(await writes(domain, 'who are you?')).toBe(504)
      expect(peer.stanzas.all).toEqual([])
      return
    }
    const stream = established(outcome)
    await stream.write(messageXml(`juliet@${domain}`, ROMEO, 'proved'))
    expect(await romeoGets(domain)).toBe('proved')
    expect(await writes(domain, 'likewise')).toBe(200)
    expect(bodyOf(await peer.stanzas.next())).toBe('likewise')
  })
})

describe('dialback', () => {
  test('over TLS, each asking the other’s authoritative server', async () => {
    const domain = 'plain.dialled.example'
    await using peer = await startGuest(world, { domain, receiving: { external: 'absent' } })
    const outcome = await peer.federate(OWN, { external: 'never', showsCertificate: false })
    const stream = established(outcome)
    expect(outcome).toMatchObject({ way: 'tls-dialback' })
    await stream.write(messageXml(`juliet@${domain}`, ROMEO, 'by key'))
    expect(await romeoGets(domain)).toBe('by key')
    const asked = await peer.streams.next()
    expect(asked.elements.all.map(String).join()).toContain('db:verify')
    expect(await writes(domain, 'by our key')).toBe(200)
    expect(await peer.outcomes.next()).toMatchObject({ way: 'tls-dialback', peer: OWN })
  })

  test('a key that is not theirs, and one that cannot be verified, let nobody in', async () => {
    const domain = 'wrong.dialled.example'
    await using peer = await startGuest(world, { domain })
    const manner = { external: 'never', showsCertificate: false } as const
    const forged = await peer.federate(OWN, { ...manner, key: 'f00d' })
    expect(forged).toMatchObject({ kind: 'refused', condition: 'dialback-invalid' })
    await using nowhere = await startGuest(world, {
      domain: 'nowhere.dialled.example',
      published: 'nowhere',
    })
    expect(await nowhere.federate(OWN, manner)).toMatchObject({
      kind: 'refused',
      condition: 'remote-server-not-found',
    })
  })

  test('without dialing back, where the certificate names the domain', async () => {
    const domain = 'vouched.dialled.example'
    await using peer = await startGuest(world, { domain })
    const outcome = await peer.federate(OWN, { external: 'never', key: 'anykey' })
    expect(outcome).toMatchObject({ kind: 'established', way: 'tls-dialback' })
    expect(peer.streams.all).toEqual([])
    expect(world.dns.queries.filter(({ name }) => name.endsWith(domain))).toEqual([])
    expect((await world.gateway.log.next(provedWith(domain, 'in'))).proof).toMatchObject({
      certificate: 'match',
      dialback: 'not-tried',
    })
  })

  test('several domains on one stream, each for itself', async () => {
    const [first, second, third] = ['a.dialled.example', 'b.dialled.example', 'c.dialled.example'] as const
    await using peer = await startGuest(world, { domain: first })
    publish(world, second, { port: peer.port })
    const stream = established(await peer.federate(OWN, { external: 'never', showsCertificate: false }))
    const id = stream.headers.all.at(-1)?.id ?? ''
    const key = dialbackKey(`the secret of ${first}`, OWN, second, id)
    await stream.write(dialbackText('result', { from: second, to: OWN, key }))
    expect((await stream.expect('result', { xmlns: NS.dialback })).attrs).toMatchObject({
      from: OWN,
      to: second,
      type: 'valid',
    })
    for (const domain of [first, second]) {
      await stream.write(messageXml(`juliet@${domain}`, ROMEO, domain))
      expect(await romeoGets(domain)).toBe(domain)
    }
    await stream.write(messageXml(`juliet@${third}`, ROMEO, 'never asked'))
    expect(await stream.error()).toBe('invalid-from')
  })

  test('answers that nobody asked for prove nothing, and are counted', async () => {
    const domain = 'liar.dialled.example'
    await using peer = await startGuest(world, { domain })
    const stream = await peer.connectDirect(world.ports.direct, { servername: OWN })
    await stream.open({ from: domain, to: OWN })
    await stream.expect('features')
    const { id = '' } = stream.headers.all.at(-1) ?? {}
    await stream.write(dialbackText('verify', { from: domain, to: OWN, id, type: 'valid' }))
    await stream.write(dialbackText('result', { from: domain, to: OWN, type: 'valid' }))
    await stream.write(messageXml(`juliet@${domain}`, ROMEO, 'believe me'))
    expect(await stream.error()).toBe('not-authorized')
    expect(await countersOf(world)).toMatchObject({
      's2s.suspicious.unsolicited-dialback': 2,
      's2s.suspicious.early-stanza': 1,
    })
  })
})

describe('both ways on one stream (XEP-0288)', () => {
  test('theirs: what we say goes back over it', async () => {
    const domain = 'bidi.certified.example'
    await using peer = await startGuest(world, { domain })
    const outcome = await peer.federate(OWN, { bidi: true })
    expect(outcome).toMatchObject({ bidi: true, way: 'sasl-tls' })
    expect(await writes(domain, 'back')).toBe(200)
    const message = await established(outcome).expect('message')
    expect(bodyOf(message)).toBe('back')
    expect(peer.streams.all).toEqual([])
  })

  test('ours: what they say comes over it', async () => {
    const domain = 'ours.certified.example'
    await using peer = await startGuest(world, { domain, receiving: { bidi: true } })
    expect(await writes(domain, 'there')).toBe(200)
    expect(await peer.outcomes.next()).toMatchObject({ bidi: true, way: 'sasl-tls' })
    const stream = await peer.streams.next()
    await stream.write(messageXml(`juliet@${domain}`, ROMEO, 'and back'))
    expect(await romeoGets(domain)).toBe('and back')
    // Of other domains nothing may come over it.
    await stream.write(messageXml('juliet@victim.certified.example', ROMEO, 'spoofed'))
    expect(await lastErrorOf(stream)).toBe('invalid-from')
  })
})

describe('stream management (XEP-0198)', () => {
  test('SIP hears 200 once the other server has acknowledged, not before', async () => {
    const domain = 'slow.certified.example'
    await using peer = await startGuest(world, { domain, receiving: { sm: 'silent' } })
    let answered: number | undefined
    const sending = writes(domain, 'taken?').then((status) => {
      answered = status
    })
    await peer.stanzas.next()
    const stream = await peer.streams.next()
    await expect.poll(() => stream.elements.all.some((element) => element.is('r', NS.sm))).toBe(true)
    world.romeo.frames.clear()
    await world.romeo.frames.none(({ text }) => /^SIP\/2\.0 [2-6]/.test(text), 300)
    expect(answered).toBeUndefined()
    await stream.write(`<a xmlns='${NS.sm}' h='1'/>`)
    await sending
    expect(answered).toBe(200)
  })

  test.each([
    ['dies', 'dies', (stream: S2sStream) => stream.destroy()],
    ['stays, and says nothing', 'stays', () => {}],
  ] as const)('a server that never acknowledges and %s: SIP does not hear 200', async (_, label, ends) => {
    const domain = `${label}.certified.example`
    await using peer = await startGuest(world, { domain, receiving: { sm: 'silent' } })
    const since = Date.now()
    const sending = writes(domain, 'taken?')
    await peer.stanzas.next()
    ends(await peer.streams.next())
    expect([480, 503]).toContain(await sending)
    if (label === 'stays') expect(Date.now() - since).toBeGreaterThanOrEqual(SET_UP)
  })

  test('we count what they send, and say so when asked', async () => {
    const domain = 'counts.certified.example'
    await using peer = await startGuest(world, { domain })
    const stream = established(await peer.federate(OWN))
    await stream.write(`<enable xmlns='${NS.sm}'/>`)
    await stream.expect('enabled')
    for (const body of ['one', 'two', 'three'])
      await stream.write(messageXml(`juliet@${domain}`, ROMEO, body))
    await stream.write(`<r xmlns='${NS.sm}'/>`)
    expect((await stream.expect('a')).attrs.h).toBe('3')
  })
})
