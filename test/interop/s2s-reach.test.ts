import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Authority, type Issued } from '../support/certificates.ts'
import { dragoman } from '../support/dragoman.ts'
import { identityOf } from '../support/identity.ts'
import { freePort } from '../support/ports.ts'
import { type FederatedGateway, JULIET, OTHER, OWN, startFederatedGateway } from '../support/s2s-bed.ts'
import { startS2sPeer } from '../support/s2s-peer.ts'
import { s2sZone } from '../support/s2s-zone.ts'

/** What the sender hears, and the administrator reads, where another domain cannot be spoken to. */

const place = ({ dns }: FederatedGateway, zone: Parameters<typeof s2sZone>[0]): void => {
  for (const [name, entry] of Object.entries(s2sZone(zone))) dns.set(name, entry)
}

const unreached = ({ gateway }: FederatedGateway, domain: string) =>
  gateway.log.next((line) => line.msg === 'a domain cannot be reached' && line.domain === domain)

/** A server of TCP that does no more than `greet`. */
async function tcp(greet: (end: () => void) => void) {
  const port = await freePort()
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    greet(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    count: () => sockets.length,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

test('DNS, connections and certificates: what each failure is called', async () => {
  const names = ['none', 'dot', 'failing', 'closed', 'bare', 'silent', 'stolen', 'expired', 'stranger']
  await using world = await startFederatedGateway({
    provider: {
      domains: names.map((name) => `${name}.example`),
      negotiation: { tls: 'required', sasl: 'required', dialback: false },
    },
    s2s: { limits: { setUp: '2s' } },
  })
  const { dns, romeo, authority } = world
  const shows = (domain: string, cert: Issued, ca: string) =>
    startS2sPeer({ domain, identity: { ...cert, ca }, receiving: { starttls: 'required' } })
  const named = (name: string) => ({ dns: [name], purposes: ['server', 'client'] }) as const
  const past = { from: -7_200_000, until: -3_600_000 }
  await using silent = await tcp(() => {})
  await using stolen = await shows('stolen.example', authority.issue(named('other.example')), authority.pem)
  await using expired = await shows(
    'expired.example',
    authority.issue({ ...named('expired.example'), ...past }),
    authority.pem,
  )
  const another = new Authority('Another authority')
  await using stranger = await shows(
    'stranger.example',
    another.issue(named('stranger.example')),
    another.pem,
  )
  const closed = await freePort()
  place(world, {
    'dot.example': { port: '.', directPort: '.' },
    'closed.example': { port: closed },
    'silent.example': { port: silent.port },
    'stolen.example': { port: stolen.port },
    'expired.example': { port: expired.port },
    'stranger.example': { port: stranger.port },
  })
  dns.set('bare.example', { A: ['127.0.0.1'] })
  dns.set('failing.example', { A: ['127.0.0.1'] })
  for (const service of ['_xmpp-server', '_xmpps-server'])
    dns.set(`${service}._tcp.failing.example`, { manner: 'servfail' })

  const heard: Record<string, unknown> = {}
  for (const name of names) {
    const { status, reason } = await romeo.message({ to: `sip:juliet@${name}.example`, body: 'hear me' })
    heard[name] = [status, reason]
    // Whoever reads the log reads the same.
    expect((await unreached(world, `${name}.example`)).reason).toBe(reason)
  }
  const proof = (name: string, why: string) =>
    `no stream to ${name}.example: the certificate does not prove the domain (certificate: ${why})`
  expect(heard).toEqual({
    none: [404, 'no address of none.example, and no SRV'],
    dot: [404, 'dot.example says that it has no XMPP for servers'],
    failing: [504, expect.stringMatching(/^SRV of _xmpps?-server\._tcp\.failing\.example: server-failure$/)],
    closed: [504, `closed.example cannot be reached: ECONNREFUSED 127.0.0.1:${closed}`],
    bare: [504, 'bare.example cannot be reached: ECONNREFUSED 127.0.0.1:5269'],
    silent: [504, `no stream to silent.example within 2 s: 127.0.0.1:${silent.port} says nothing`],
    stolen: [504, proof('stolen', 'it is for other.example')],
    expired: [504, proof('expired', 'expired')],
    stranger: [504, proof('stranger', 'unknown-issuer')],
  })
  // RFC 6120 §3.2.1: a look-up that failed is no "there is none".
  expect(dns.count('failing.example')).toBe(0)

  const { stdout } = await dragoman([
    ...['link', 'show', 'internet', '--json', '--peer', 'expired.example', '--config'],
    world.gateway.configFile,
  ])
  expect(JSON.parse(stdout)).toMatchObject({
    figures: {
      streams: [],
      troubled: [{ domain: 'expired.example', failures: 1, reason: proof('expired', 'expired') }],
    },
  })
})

test('who comes and is refused: the log says what it had to show', async () => {
  await using world = await startFederatedGateway()
  const { authority, gateway, ports } = world
  const names = { dns: [OTHER], purposes: ['server', 'client'] } as const
  const old = authority.issue({ ...names, from: -7_200_000, until: -3_600_000 })
  place(world, { [OTHER]: { port: await freePort() } })
  const cases = [
    [{ ...old, ca: authority.pem }, 'certificate: expired; dialback: remote-connection-failed'],
    [
      identityOf(authority, 'other.example'),
      'certificate: it is for other.example; dialback: remote-connection-failed',
    ],
    [undefined, 'in clear; dialback: policy-violation'],
  ] as const
  for (const [identity, shown] of cases) {
    await using peer = await startS2sPeer({
      domain: OTHER,
      ...(identity && { identity }),
      places: { [OWN]: ports.s2s },
    })
    const { kind, stream } = await peer.federate(OWN)
    expect(kind).toBe('refused')
    stream.end()
    const line = await gateway.log.next(({ msg }) => msg === 'a stream from another server came to nothing')
    expect(line).toMatchObject({ peer: OTHER, reason: expect.stringContaining(`(${shown})`) })
  }
})

test('a host that refuses is not hammered: fifty messages, and one connection', async () => {
  await using world = await startFederatedGateway()
  await using refusing = await tcp((end) => end())
  place(world, { [OTHER]: { port: refusing.port } })
  const say = (count: number) => world.romeo.message({ to: `sip:${JULIET}`, body: `message ${count}` })
  const statuses = new Set<number>()
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, count) => say(10 * round + count)))
    for (const { status } of answers) statuses.add(status)
  }
  expect([...statuses]).toEqual([504])
  expect(refusing.count()).toBe(1)
})

test('a server that is reached over IPv6', async () => {
  await using world = await startFederatedGateway()
  await using peer = await startS2sPeer({
    domain: OTHER,
    address: '::1',
    identity: identityOf(world.authority, OTHER),
    receiving: { starttls: 'required' },
  })
  place(world, { [OTHER]: { port: peer.port, address: '::1' } })
  const { status } = await world.romeo.message({ to: `sip:${JULIET}`, body: 'over six' })
  expect(status).toBe(200)
  expect((await peer.stanzas.next()).getChildText('body')).toBe('over six')
})
