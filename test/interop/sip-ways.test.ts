import { expect, test } from 'vitest'
import { EDGE, PARIS, ROMEO, startSipFederation } from '../support/sip-federation.ts'
import { startXmppClient } from '../support/xmpp-client.ts'

/** A domain without a row, found by NAPTR and SRV (RFC 3263 §4.1); its certificate must name the domain itself (RFC 5922 §4). */
const FOUND = {
  'provider.example': {
    NAPTR: [
      { order: 20, services: 'SIP+D2U', replacement: '_sip._udp.provider.example' },
      { order: 10, services: 'SIPS+D2T', replacement: '_sips._tcp.provider.example' },
    ],
  },
} as const

test('open discovery: a domain that no row knows is found by NAPTR and SRV, and must prove its name', async () => {
  await using world = await startSipFederation({
    provider: { domains: ['elsewhere.example'], accessEdges: ['edge.elsewhere.example'] },
    federation: { openDiscovery: { enabled: true, verification: 'all' }, xmpp: false },
    zone: FOUND,
    kamailio: {},
    edgeNames: [EDGE, 'provider.example'],
  })
  world.dns.set('_sips._tcp.provider.example', {
    SRV: [{ port: world.provider.tlsPort, target: EDGE, priority: 0 }],
  })
  const out = await world.romeo.message({ to: PARIS, body: 'found' })
  expect([out.status, world.gateway.output()]).toEqual([200, expect.any(String)])
  expect((await world.paris.messages.next()).body).toBe('found')
  expect(world.dns.count('provider.example', 'NAPTR')).toBeGreaterThan(0)
  expect((await world.paris.message({ to: ROMEO, body: 'and back' })).status).toBe(200)
  expect((await world.romeo.messages.next()).body).toBe('and back')
})

test('open discovery: what DNS leads to, and does not prove the domain, gets nothing', async () => {
  await using world = await startSipFederation({
    provider: { domains: ['elsewhere.example'], accessEdges: ['edge.elsewhere.example'] },
    federation: { openDiscovery: { enabled: true, verification: 'all' }, xmpp: false },
    zone: FOUND,
  })
  world.dns.set('_sips._tcp.provider.example', {
    SRV: [{ port: world.provider.tlsPort, target: EDGE, priority: 0 }],
  })
  expect((await world.romeo.message({ to: PARIS, body: 'x' })).status).toBe(480)
  expect(world.paris.messages.all).toEqual([])
  expect((await world.paris.message({ to: ROMEO, body: 'x' })).status).toBe(403)
})

test.for(['MD5', 'SHA-256'] as const)(
  'a home server that asks for a digest by %s gets it, once for many',
  async (algorithm) => {
    const credentials = { realm: 'sip.example', username: 'dragoman', password: { env: 'HOME_PASSWORD' } }
    await using world = await startSipFederation({
      home: { credentials },
      homeKamailio: { challenges: { username: 'dragoman', password: 'mercury', algorithm } },
      env: { HOME_PASSWORD: 'mercury' },
      xmpp: {},
    })
    const { gateway, prosody, romeo, home } = world
    await gateway.log.next(({ msg }) => msg === 'link is live')
    await using juliet = await startXmppClient({
      port: prosody?.c2sPort ?? 0,
      domain: 'xmpp.example',
      username: 'juliet',
      password: 'balcony',
    })
    for (const body of ['one', 'two', 'three']) {
      await juliet.message({ to: 'romeo@sip.example', body })
      expect((await romeo.messages.next()).body).toBe(body)
    }
    // The first is sent twice; then the answer comes beforehand.
    const sent = () =>
      home.passed.all.filter(({ from, method }) => method === 'MESSAGE' && from.includes('juliet'))
    await expect.poll(sent).toHaveLength(4)
  },
)

test('the provider goes away and comes back: refused meanwhile, said in the log, and delivered again', async () => {
  await using world = await startSipFederation({})
  expect((await world.romeo.message({ to: PARIS, body: '1' })).status).toBe(200)
  await world.provider.kill()
  expect((await world.romeo.message({ to: PARIS, body: '2' })).status).toBe(480)
  await world.gateway.log.next(({ msg }) => msg === 'the SIP provider does not answer')
  await world.provider.start()
  expect((await world.paris.register()).status).toBe(200)
  await expect
    .poll(async () => (await world.romeo.message({ to: PARIS, body: '3' })).status, { timeout: 20_000 })
    .toBe(200)
  await world.gateway.log.next(({ msg }) => msg === 'the SIP provider answers again')
})
