import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Authority, selfSigned } from '../support/certificates.ts'
import { dragoman } from '../support/dragoman.ts'
import type { TlsIdentity } from '../support/identity.ts'
import { freePort } from '../support/ports.ts'
import {
  EDGE,
  GATEWAY,
  PARIS,
  ROMEO,
  SECRET,
  type SipFederation,
  type SipFederationOptions,
  startSipFederation,
} from '../support/sip-federation.ts'
import { type SipUserAgent, startSipUserAgent } from '../support/sip-user-agent.ts'
import { runSipp, startSipp } from '../support/sipp.ts'

async function federated(
  options: SipFederationOptions,
  scene: (world: SipFederation) => Promise<void>,
): Promise<void> {
  await using world = await startSipFederation(options)
  try {
    await scene(world)
  } catch (error) {
    console.error(world.gateway.output(), world.home.log(), world.provider.log())
    throw error
  }
}

const MERCHANT = {
  name: 'Merchant',
  type: 'partner',
  protocol: 'sip',
  verification: 'all',
  domains: ['merchant.example'],
  accessEdges: ['edge.merchant.example'],
}

/** Somebody who speaks TLS to the gateway's outside listener, whoever it says to be. */
const stranger = (world: SipFederation, uri: string, tls: TlsIdentity, name: string): Promise<SipUserAgent> =>
  startSipUserAgent({
    uri,
    tls: { ...tls, name },
    nextHop: { host: '127.0.0.1', port: world.ports.tls, transport: 'tls', name: GATEWAY },
  })

describe('who speaks for provider.example', () => {
  const HOUR = 3_600_000
  const kinds: readonly (readonly [
    name: string,
    make: (authority: Authority) => { cert: string; key: string },
    status: number,
  ])[] = [
    ['the access edge itself', (ca) => ca.issue({ dns: [EDGE] }), 200],
    [
      'a certificate for TLS servers alone, from the right authority',
      (ca) => ca.issue({ dns: [EDGE], purposes: ['server'] }),
      200,
    ],
    ['a valid certificate of another provider', (ca) => ca.issue({ dns: ['edge.merchant.example'] }), 403],
    [
      'a valid certificate of the domain, which is not its access edge',
      (ca) => ca.issue({ dns: ['provider.example'] }),
      403,
    ],
    ['a wildcard', (ca) => ca.issue({ dns: ['*.provider.example'] }), 403],
    ['self-signed with the name of the victim', () => selfSigned({ commonName: EDGE, dns: [EDGE] }), 403],
    [
      'self-signed for servers alone with the name of the victim',
      () => selfSigned({ commonName: EDGE, dns: [EDGE], purposes: ['server'] }),
      403,
    ],
    ['another authority of the same name', () => new Authority('Test authority').issue({ dns: [EDGE] }), 403],
    ['expired', (ca) => ca.issue({ dns: [EDGE], from: -2 * HOUR, until: -HOUR }), 403],
  ]

  test('only who proves its access edge; everybody else hears the same', () =>
    federated({ federation: {} }, async (world) => {
      await world.gateway.reload(withMerchant(world.config))
      for (const [name, make, status] of kinds) {
        await using peer = await stranger(
          world,
          PARIS,
          { ...make(world.authority), ca: world.authority.pem },
          EDGE,
        )
        const answer = await peer.message({ to: ROMEO, body: name })
        expect([name, answer.status]).toEqual([name, status])
        if (status === 403) expect(answer.reason).toMatch(/^Not permitted \(/)
        else expect((await world.romeo.messages.next()).body).toBe(name)
      }
    }))

  test('no transit between two providers, and nobody from outside is one of us', () =>
    federated({}, async (world) => {
      await world.gateway.reload(withMerchant(world.config))
      const tls = world.identity('edge.merchant.example')
      await using peer = await stranger(world, 'sip:antonio@merchant.example', tls, 'edge.merchant.example')
      expect((await peer.message({ to: PARIS, body: 'x' })).status).toBe(403)
      expect((await peer.message({ to: ROMEO, body: 'good' })).status).toBe(200)
      expect((await peer.message({ to: ROMEO, from: 'sip:mercutio@sip.example', body: 'x' })).status).toBe(
        403,
      )
      expect((await peer.message({ to: ROMEO, from: PARIS, body: 'x' })).status).toBe(403)
      await world.gateway.log.next(({ msg }) => msg === 'a sender from outside claims to be one of us')
      expect((await peer.request('REGISTER', { to: ROMEO })).status).toBe(405)
      expect(world.romeo.messages.all.map(({ body }) => body)).toEqual(['good'])
      expect(world.paris.messages.all).toEqual([])
    }))

  test('an inside user may not say to be somebody else, and a Route leads no stranger to another host inside', () =>
    federated({}, async (world) => {
      const forged = await world.romeo.message({ to: PARIS, from: 'sip:doge@venice.example', body: 'x' })
      expect(forged.status).toBe(403)
      await world.gateway.log.next(({ msg }) => msg === 'an inside sender is not believed')
      await using victim = await startSipUserAgent({ uri: 'sip:printer@127.0.0.1' })
      const tls = world.identity(EDGE)
      await using peer = await stranger(world, PARIS, tls, EDGE)
      const route = [
        `Route: <sip:${GATEWAY}:${world.ports.tls};transport=tls;lr>, <sip:127.0.0.1:${victim.port};lr>`,
      ]
      await peer.message({ to: ROMEO, body: 'x', headers: route })
      await peer.message({ to: `sip:romeo@127.0.0.1:${victim.port}`, body: 'x' })
      expect(victim.frames.all).toEqual([])
    }))
})

test('certificates are renewed without ending a connection', () =>
  federated({}, async (world) => {
    const tls = world.identity(EDGE)
    await using peer = await stranger(world, PARIS, tls, EDGE)
    expect((await peer.message({ to: ROMEO, body: 'before' })).status).toBe(200)
    const own = (world.config as { sip: { tls: { certificates: { cert: string; key: string }[] } } }).sip.tls
      .certificates[0]
    const renewed = world.identity(GATEWAY)
    const before = await readFile(own?.cert ?? '', 'utf8')
    await Promise.all([writeFile(own?.cert ?? '', renewed.cert), writeFile(own?.key ?? '', renewed.key)])
    expect((await world.gateway.reload()).msg).toBe('configuration reloaded')
    expect(renewed.cert).not.toBe(before)
    expect((await peer.message({ to: ROMEO, body: 'after' })).status).toBe(200)
    expect(world.gateway.output()).not.toContain('a SIP connection has ended')
  }))

test('the connections of a provider are limited, counted and shown', () =>
  federated(
    { provider: { limits: { connections: 2 } }, top: { store: { sqlite: 'federation.db' } } },
    async (world) => {
      const tls = world.identity(EDGE)
      await using first = await stranger(world, PARIS, tls, EDGE)
      await using second = await stranger(world, PARIS, tls, EDGE)
      await using third = await stranger(world, PARIS, tls, EDGE)
      expect((await first.message({ to: ROMEO, body: '1' })).status).toBe(200)
      expect((await second.message({ to: ROMEO, body: '2' })).status).toBe(200)
      await third.raw('OPTIONS sip:sip.example SIP/2.0\r\n')
      await expect
        .poll(
          async () => {
            const shown = await dragoman(
              ['provider', 'show', 'Provider', '--json', '--config', world.gateway.configFile],
              { env: SECRET },
            )
            const { figures } = JSON.parse(shown.stdout) as { figures?: object }
            return figures
          },
          { timeout: 10_000 },
        )
        .toMatchObject({ requests: 2, connections: 2, refused: { connections: 1 } })
    },
  ))

describe('SIPp', () => {
  const done = { exitCode: 0, failed: 0, errors: '' }
  const PAIRS = [
    ['message-uac', 'message-uas'],
    ['invite-uac', 'invite-uas'],
    ['hangup-uac', 'hangup-uas'],
    ['cancel-uac', 'cancel-uas'],
    ['dialog-uac', 'dialog-uas'],
    ['subscribe-uac', 'subscribe-uas'],
    ['options-uac', 'options-uas'],
  ] as const

  /** SIPp is the access edge, at one port: what goes back to it goes over its own connection (RFC 5923). */
  test('over TLS with a client certificate, to users of the home server', async () => {
    const port = await freePort()
    await federated({ edgePorts: () => [port] }, async (world) => {
      const keys = { from: 'paris@provider.example', to: 'romeo@sip.example', target: 'romeo@sip.example' }
      for (const [client, server] of PAIRS) {
        await using uas = await startSipp({ scenario: server, calls: 3, pause: 50, keys })
        await world.gateway.reload(homeAt(world.config, uas.port))
        const uac = await runSipp({
          ...{ scenario: client, calls: 3, port, target: world.ports.tls, transport: 'tls', keys, pause: 50 },
          tls: { identity: world.identity(EDGE), servername: GATEWAY, name: EDGE, alias: true },
        })
        expect([client, uac]).toEqual([client, expect.objectContaining({ ...done, successful: 3 })])
        expect([server, await uas.finished]).toEqual([
          server,
          expect.objectContaining({ ...done, successful: 3 }),
        ])
      }
    })
  })

  test('from a home server over UDP, to users of the access edge', async () => {
    const port = await freePort()
    await federated({ edgePorts: () => [port] }, async (world) => {
      const keys = {
        from: 'romeo@sip.example',
        to: 'paris@provider.example',
        target: 'paris@provider.example',
      }
      for (const [client, server] of PAIRS) {
        await using uas = await startSipp({
          ...{ scenario: server, calls: 3, port, transport: 'tls', pause: 50, keys },
          tls: { identity: world.identity(EDGE), name: EDGE },
        })
        const uac = await runSipp({ scenario: client, calls: 3, target: world.ports.inside, keys, pause: 50 })
        expect([client, uac]).toEqual([client, expect.objectContaining({ ...done, successful: 3 })])
        expect([server, await uas.finished]).toEqual([
          server,
          expect.objectContaining({ ...done, successful: 3 }),
        ])
      }
    })
  })

  test('a fork behind the provider: both answers come through, and each is acknowledged and ended', async () => {
    const port = await freePort()
    await federated({ edgePorts: () => [port] }, async (world) => {
      await using uas = await startSipp({
        ...{ scenario: 'fork-uas', calls: 1, port, transport: 'tls' },
        tls: { identity: world.identity(EDGE), name: EDGE },
      })
      const call = world.romeo.call({ to: PARIS })
      expect((await call.answered).status).toBe(200)
      const [one, two] = [await call.dialogs.next(), await call.dialogs.next()]
      expect([(await one.bye()).status, (await two.bye()).status]).toEqual([200, 200])
      expect(await uas.finished).toMatchObject({ ...done, successful: 1 })
    })
  })

  test('an access edge that says 503 is not the end: the next one has the message, in a transaction of its own', async () => {
    const port = await freePort()
    await federated({ edgePorts: (tlsPort) => [port, tlsPort] }, async (world) => {
      await using unavailable = await startSipp({
        ...{ scenario: 'unavailable-uas', calls: 1, port, transport: 'tls' },
        tls: { identity: world.identity(EDGE), name: EDGE },
      })
      expect((await world.romeo.message({ to: PARIS, body: 'x' })).status).toBe(200)
      expect((await world.paris.messages.next()).body).toBe('x')
      expect(unavailable.port).toBe(port)
    })
  })
})

const withMerchant = (config: object): object => {
  const { federation, ...rest } = config as { federation: { providers: object[] } }
  return { ...rest, federation: { ...federation, providers: [...federation.providers, MERCHANT] } }
}

const homeAt = (config: object, port: number): object => {
  const { federation, ...rest } = config as { federation: object }
  const homes = [{ name: 'main', nextHop: `sip:127.0.0.1:${port};transport=udp` }]
  return { ...rest, federation: { ...federation, homes } }
}
