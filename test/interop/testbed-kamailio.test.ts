import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { Authority } from '../support/certificates.ts'
import { identityOf, type TlsIdentity } from '../support/identity.ts'
import { type Kamailio, startKamailio } from '../support/kamailio.ts'
import { SDP } from '../support/sip-call.ts'
import { type SipUserAgent, startSipUserAgent } from '../support/sip-user-agent.ts'

const ROMEO = 'sip:romeo@sip.example'
const MERCUTIO = 'sip:mercutio@sip.example'
const PARIS = 'sip:paris@provider.example'
/** Where no gateway is. */
const NOBODY = { port: 9, transport: 'udp' } as const

describe.each(['udp', 'tcp'] as const)('a Kamailio home server, its users over %s', (transport) => {
  async function onHome(
    scene: (people: { home: Kamailio; romeo: SipUserAgent; mercutio: SipUserAgent }) => Promise<void>,
  ): Promise<void> {
    await using home = await startKamailio({
      domain: 'sip.example',
      users: [{ name: 'romeo' }, { name: 'mercutio', password: 'mab' }, { name: 'benvolio' }],
      gateway: NOBODY,
    })
    const nextHop = { port: home.port, transport }
    await using romeo = await startSipUserAgent({ uri: ROMEO, users: 'own', nextHop })
    await using mercutio = await startSipUserAgent({
      uri: MERCUTIO,
      users: 'own',
      nextHop,
      password: 'mab',
    })
    try {
      expect((await romeo.register()).status).toBe(200)
      expect((await mercutio.register()).status).toBe(200)
      await scene({ home, romeo, mercutio })
    } catch (error) {
      console.error(home.log())
      throw error
    }
    expect([...romeo.errors, ...mercutio.errors]).toEqual([])
  }

  test('a message between its users; 480 and 404 for others; REGISTER only with the password', () =>
    onHome(async ({ home, romeo, mercutio }) => {
      expect((await romeo.message({ to: MERCUTIO, body: 'I dreamt a dream ☾' })).status).toBe(200)
      expect(await mercutio.messages.next()).toMatchObject({
        transport,
        from: ROMEO,
        body: 'I dreamt a dream ☾',
      })
      expect((await romeo.message({ to: 'sip:benvolio@sip.example', body: 'x' })).status).toBe(480)
      expect((await romeo.message({ to: 'sip:tybalt@sip.example', body: 'x' })).status).toBe(404)

      await using thief = await startSipUserAgent({
        uri: MERCUTIO,
        nextHop: { port: home.port, transport },
        password: 'guess',
      })
      expect((await thief.register()).status).toBe(401)
      expect((await mercutio.register(0)).status).toBe(200)
      expect((await romeo.message({ to: MERCUTIO, body: 'x' })).status).toBe(480)
    }))

  test('a call is rung, taken, used and ended by the one who was called', () =>
    onHome(async ({ romeo, mercutio }) => {
      const call = romeo.call({ to: MERCUTIO })
      const incoming = await mercutio.calls.next()
      expect(incoming.request).toMatchObject({ from: ROMEO, body: SDP.text })
      incoming.ring()
      expect((await call.progress.next()).status).toBe(180)
      const far = incoming.accept()
      expect((await call.answered).status).toBe(200)
      const near = await call.dialogs.next()
      expect((await far.requests.next()).method).toBe('ACK')

      expect((await near.info({ type: 'text/plain', text: 'knock' })).status).toBe(200)
      expect(await far.requests.next()).toMatchObject({ method: 'INFO', body: 'knock' })
      expect((await near.refer(PARIS)).status).toBe(202)
      const refer = await far.requests.next(({ method }) => method === 'REFER')
      expect(refer.headers('refer-to')).toEqual([`<${PARIS}>`])
      expect((await near.reinvite()).status).toBe(200)

      expect((await far.bye()).status).toBe(200)
      expect((await near.requests.next()).method).toBe('BYE')
    }))

  test('a call is cancelled; another is refused', () =>
    onHome(async ({ romeo, mercutio }) => {
      const call = romeo.call({ to: MERCUTIO })
      const incoming = await mercutio.calls.next()
      incoming.ring()
      await call.progress.next(({ status }) => status === 180)
      call.cancel()
      await incoming.cancelled
      expect((await call.answered).status).toBe(487)

      const second = romeo.call({ to: MERCUTIO })
      ;(await mercutio.calls.next()).reject(486)
      expect((await second.answered).status).toBe(486)
    }))

  test('a subscription is granted, notified, refreshed and ended', () =>
    onHome(async ({ romeo, mercutio }) => {
      const subscription = romeo.subscribe({ to: MERCUTIO, expires: 600 })
      const incoming = await mercutio.subscriptions.next()
      expect(incoming.request.headers('expires')).toEqual(['600'])
      incoming.accept(300)
      const open = { type: 'application/pidf+xml', text: '<presence/>' }
      expect((await incoming.notify({ state: 'active;expires=300', body: open })).status).toBe(200)
      expect(await subscription.notifications.next()).toMatchObject({ body: '<presence/>' })
      const answer = await subscription.answered
      expect([answer.status, answer.header('expires')]).toEqual([200, '300'])

      expect((await subscription.refresh()).status).toBe(200)
      await incoming.refreshes.next()
      expect((await subscription.end()).status).toBe(200)
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      expect((await incoming.notify({ state: 'terminated;reason=timeout' })).status).toBe(200)
      await subscription.notifications.next(({ headers }) =>
        headers('subscription-state').join().startsWith('terminated'),
      )
    }))
})

test('a Kamailio home server sends what is for other domains to the gateway, and survives its own end', async () => {
  await using gateway = await startSipUserAgent({ uri: 'sip:gateway@edge.example' })
  await using home = await startKamailio({
    domain: 'sip.example',
    users: [{ name: 'romeo' }],
    gateway: { port: gateway.port, transport: 'tcp' },
  })
  await using romeo = await startSipUserAgent({ uri: ROMEO, nextHop: { port: home.port } })
  expect((await romeo.message({ to: 'sip:juliet@xmpp.example', body: 'Lady' })).status).toBe(200)
  expect(await gateway.messages.next()).toMatchObject({
    transport: 'tcp',
    requestUri: 'sip:juliet@xmpp.example',
    from: ROMEO,
    body: 'Lady',
  })
  await home.kill()
  await home.start()
  expect((await romeo.message({ to: 'sip:juliet@xmpp.example', body: 'Lady again' })).status).toBe(200)
  await expect
    .poll(() => home.passed.all.map(({ method, transport }) => `${method} ${transport}`))
    .toEqual(['MESSAGE udp', 'MESSAGE udp'])
})

test.each(['MD5', 'SHA-256'] as const)(
  'a Kamailio home server wants a digest (%s) of others',
  async (algorithm) => {
    await using home = await startKamailio({
      domain: 'sip.example',
      users: [{ name: 'romeo' }],
      gateway: NOBODY,
      challenges: { username: 'dragoman', password: 'lair', algorithm },
    })
    const nextHop = { port: home.port, transport: 'udp' } as const
    await using romeo = await startSipUserAgent({ uri: ROMEO, nextHop })
    expect((await romeo.register()).status).toBe(200)
    await using other = await startSipUserAgent({ uri: PARIS, nextHop })
    const refused = await other.message({ to: ROMEO, body: 'x' })
    expect([refused.status, refused.header('proxy-authenticate')]).toEqual([
      407,
      expect.stringContaining(algorithm),
    ])
    if (algorithm !== 'MD5') return // sip.js knows no other
    await using dragoman = await startSipUserAgent({
      uri: 'sip:dragoman@provider.example',
      nextHop,
      password: 'lair',
    })
    expect((await dragoman.message({ to: ROMEO, body: 'proved' })).status).toBe(200)
  },
)

test('a Kamailio presence server tells who asks what was published', async () => {
  await using home = await startKamailio({
    domain: 'sip.example',
    users: [{ name: 'romeo' }],
    gateway: NOBODY,
    presence: true,
  })
  const nextHop = { port: home.port, transport: 'udp' } as const
  await using romeo = await startSipUserAgent({ uri: ROMEO, nextHop })
  await using paris = await startSipUserAgent({ uri: PARIS, nextHop })
  const pidf = (status: string): string =>
    `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${ROMEO}"><tuple id="a"><status><basic>${status}</basic></status></tuple></presence>`
  const publish = (status: string): Promise<{ readonly status: number }> =>
    romeo.request('PUBLISH', {
      to: ROMEO,
      headers: ['Event: presence', 'Expires: 600'],
      body: { type: 'application/pidf+xml', text: pidf(status) },
    })
  const subscription = paris.subscribe({ to: ROMEO, headers: ['Accept: application/pidf+xml'] })
  expect((await subscription.answered).status).toBe(200)
  await subscription.notifications.next()
  expect((await publish('open')).status).toBe(200)
  expect((await subscription.notifications.next()).body).toContain('<basic>open</basic>')
})

describe('a Kamailio provider', () => {
  const EDGE = 'edge.provider.example'
  const GATEWAY = 'edge.sip.example'

  async function onProvider(
    scene: (bed: { provider: Kamailio; gateway: SipUserAgent; paris: SipUserAgent }) => Promise<void>,
  ): Promise<void> {
    const authority = new Authority('Test authority')
    await using gateway = await startSipUserAgent({
      uri: 'sip:gateway@sip.example',
      tls: { ...identityOf(authority, GATEWAY), name: GATEWAY },
    })
    await using provider = await startKamailio({
      domain: 'provider.example',
      users: [{ name: 'paris' }],
      gateway: { port: gateway.tlsPort, transport: 'tls', name: GATEWAY },
      tls: { ...identityOf(authority, EDGE), name: EDGE },
      asserts: 'P-Asserted-Verification: verified',
    })
    await using paris = await startSipUserAgent({ uri: PARIS, nextHop: { port: provider.port } })
    try {
      expect((await paris.register()).status).toBe(200)
      await scene({ provider, gateway, paris })
    } catch (error) {
      console.error(provider.log())
      throw error
    }
  }

  test('sends over TLS with its certificate, and asserts who its users are, whatever they say', () =>
    onProvider(async ({ gateway, paris }) => {
      const headers = ['P-Asserted-Verification: because-I-say-so']
      expect((await paris.message({ to: ROMEO, body: 'These times of woe', headers })).status).toBe(200)
      const received = await gateway.messages.next()
      expect(received).toMatchObject({ transport: 'tls', from: PARIS, body: 'These times of woe' })
      expect(received.headers('p-asserted-verification')).toEqual(['verified'])
      const frame = await gateway.frames.next()
      expect(frame.peerNames).toBe(`DNS:${EDGE}`)
    }))

  test('takes from who has a certificate, and writes down whose it is', () =>
    onProvider(async ({ provider, gateway, paris }) => {
      const nextHop = { host: '127.0.0.1', port: provider.tlsPort, transport: 'tls', name: EDGE } as const
      expect((await gateway.message({ to: PARIS, from: ROMEO, body: 'Good day', nextHop })).status).toBe(200)
      expect((await paris.messages.next()).body).toBe('Good day')
      expect(await provider.passed.next(({ transport }) => transport === 'tls')).toMatchObject({
        peerName: GATEWAY,
        peerDnsName: GATEWAY,
      })
    }))

  test('is known by its name in the route set of a call that it places', () =>
    onProvider(async ({ provider, gateway, paris }) => {
      const call = paris.call({ to: ROMEO })
      const incoming = await gateway.calls.next()
      const [route] = incoming.request.headers('record-route')
      expect(route).toContain(`<sip:${EDGE}:${provider.tlsPort};transport=tls`)
      incoming.accept()
      const near = await call.dialogs.next()
      expect((await near.bye()).status).toBe(200)
    }))

  test('refuses who has none, and who has one of another authority', () =>
    onProvider(async ({ provider }) => {
      expect(await alertTo(provider.tlsPort)).toMatch(/certificate required|handshake failure/)
      const another = new Authority('Another authority')
      expect(await alertTo(provider.tlsPort, identityOf(another, GATEWAY))).toMatch(/unknown ca/)
      expect(provider.passed.all.filter(({ transport }) => transport === 'tls')).toEqual([])
    }))
})

/** What a server says to a client with that certificate, or with none. */
function alertTo(port: number, identity?: TlsIdentity): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...identity })
    socket.once('error', ({ message }) => resolve(message))
    socket.once('close', () => resolve('closed without a word'))
  })
}
