import { describe, expect, test } from 'vitest'
import { Authority } from '../support/certificates.ts'
import { identityOf } from '../support/identity.ts'
import { startKamailio } from '../support/kamailio.ts'
import { startSipUserAgent } from '../support/sip-user-agent.ts'
import { runSipp, type SippOptions, type SippScenario, startSipp } from '../support/sipp.ts'

const ROMEO = 'sip:romeo@sip.example'
const PARIS = 'sip:paris@provider.example'
const EDGE = 'edge.provider.example'
const GATEWAY = 'edge.sip.example'
const keys = { from: 'paris@provider.example', to: 'romeo@sip.example', target: 'juliet@xmpp.example' }
const done = { exitCode: 0, failed: 0, errors: '', tlsErrors: [] }

const authority = new Authority('Test authority')
const provider = identityOf(authority, EDGE)
const gateway = identityOf(authority, GATEWAY)

const PAIRS: readonly (readonly [SippScenario, SippScenario])[] = [
  ['message-uac', 'message-uas'],
  ['invite-uac', 'invite-uas'],
  ['hangup-uac', 'hangup-uas'],
  ['cancel-uac', 'cancel-uas'],
  ['dialog-uac', 'dialog-uas'],
  ['subscribe-uac', 'subscribe-uas'],
  ['options-uac', 'options-uas'],
]

describe.each(['udp', 'tcp', 'tls'] as const)('SIPp to SIPp over %s', (transport) => {
  test.each(PAIRS)('%s, %s', async (client, server) => {
    const common = { calls: 2, transport, keys, pause: 50 }
    await using uas = await startSipp({ ...common, scenario: server, tls: { identity: gateway } })
    const tls = { identity: provider, servername: GATEWAY }
    const uac = await runSipp({ ...common, scenario: client, target: uas.port, tls })
    expect(uac).toMatchObject({ ...done, successful: 2 })
    expect(await uas.finished).toMatchObject({ ...done, successful: 2 })
  })
})

test('SIPp repeats over UDP what is not answered in time (timer E), with the same branch', async () => {
  await using uas = await startSipUserAgent({ uri: ROMEO })
  uas.answer(() => new Promise((resolve) => setTimeout(() => resolve(200), 700)))
  const uac = await runSipp({ scenario: 'message-uac', calls: 1, target: uas.port, keys })
  expect(uac).toMatchObject({ ...done, successful: 1, retransmissions: 1 })
  expect(uas.frames.all.map(({ text }) => text)).toEqual(Array(2).fill(uas.frames.all[0]?.text))
  expect(uas.messages.all).toHaveLength(1)
})

describe('through a Kamailio provider', () => {
  test.each(PAIRS)('%s over UDP, %s over TLS, along the route set', async (client, server) => {
    await using uas = await startSipp({
      scenario: server,
      calls: 2,
      transport: 'tls',
      pause: 50,
      tls: { identity: gateway },
    })
    await using kamailio = await startKamailio({
      domain: 'provider.example',
      gateway: { port: uas.port, transport: 'tls', name: GATEWAY },
      tls: { ...provider, name: EDGE },
    })
    const uac = await runSipp({ scenario: client, calls: 2, target: kamailio.port, keys })
    expect(uac, kamailio.log()).toMatchObject({ ...done, successful: 2 })
    expect(await uas.finished).toMatchObject({ ...done, successful: 2 })
    if (client.startsWith('hangup'))
      await expect
        .poll(() => kamailio.passed.all.filter(({ method }) => method === 'BYE'))
        .toMatchObject([
          { transport: 'tls', peerDnsName: GATEWAY },
          { transport: 'tls', peerDnsName: GATEWAY },
        ])
  })

  test('SIPp with a certificate is let in, without one it is not', async () => {
    await using kamailio = await startKamailio({
      domain: 'provider.example',
      users: [{ name: 'paris' }],
      gateway: { port: 9, transport: 'tls' },
      tls: { ...provider, name: EDGE },
    })
    await using paris = await startSipUserAgent({ uri: PARIS, nextHop: { port: kamailio.port } })
    expect((await paris.register()).status).toBe(200)
    const options: SippOptions = {
      scenario: 'message-uac',
      calls: 3,
      rate: 100,
      transport: 'tls',
      target: kamailio.tlsPort,
      keys: { from: 'romeo@sip.example', to: 'paris@provider.example' },
      tls: { identity: gateway, servername: EDGE, alias: true },
    }
    expect(await runSipp(options)).toMatchObject({ ...done, successful: 3 })
    expect(paris.messages.all).toHaveLength(3)
    expect(paris.frames.all.at(-1)?.text).toMatch(/^Via: SIP\/2\.0\/TLS 127\.0\.0\.1:\d+;alias;/m)
    await expect
      .poll(() => kamailio.passed.all.at(-1))
      .toMatchObject({ transport: 'tls', peerDnsName: GATEWAY })

    const refused = await runSipp({ ...options, calls: 1, within: 3000, tls: { servername: EDGE } })
    expect(refused).toMatchObject({ successful: 0, failed: 1 })
    expect(refused.tlsErrors.join()).toMatch(/certificate required/)
    expect(paris.messages.all).toHaveLength(3)
  })
})

test('SIPp publishes to a Kamailio presence server', async () => {
  await using kamailio = await startKamailio({
    domain: 'sip.example',
    users: [{ name: 'romeo' }],
    gateway: { port: 9, transport: 'udp' },
    presence: true,
  })
  const from = { from: 'romeo@sip.example' }
  const published = await runSipp({ scenario: 'publish-uac', calls: 1, target: kamailio.port, keys: from })
  expect(published).toMatchObject({ ...done, successful: 1 })
})

describe.each(['udp', 'tls'] as const)('a sip.js user agent meets SIPp over %s', (transport) => {
  const start = async (options: Omit<SippOptions, 'transport' | 'tls' | 'calls'>, password?: string) => {
    const sipp = await startSipp({ ...options, calls: 1, transport, tls: { identity: gateway } })
    const romeo = await startSipUserAgent({
      uri: PARIS,
      nextHop: { port: sipp.port, transport },
      tls: { ...provider, name: EDGE },
      ...(password !== undefined && { password }),
    })
    return {
      sipp,
      romeo,
      async [Symbol.asyncDispose]() {
        await romeo[Symbol.asyncDispose]()
        await sipp[Symbol.asyncDispose]()
      },
    }
  }

  test('that is unavailable at first', async () => {
    await using bed = await start({ scenario: 'unavailable-uas' })
    const message = { to: ROMEO, body: 'x', callId: 'once-more' }
    expect((await bed.romeo.message(message)).status).toBe(503)
    expect((await bed.romeo.message(message)).status).toBe(200)
    expect(await bed.sipp.finished).toMatchObject(done)
  })

  test('that says nothing', async () => {
    await using bed = await start({ scenario: 'silent-uas', pause: 300 })
    void bed.romeo.message({ to: ROMEO, body: 'x' })
    await bed.romeo.frames.none(() => true, 200)
    expect(await bed.sipp.finished).toMatchObject({ ...done, successful: 1 })
  })

  test('that answers twice', async () => {
    await using bed = await start({ scenario: 'fork-uas' })
    const call = bed.romeo.call({ to: ROMEO })
    const [one, other] = [await call.dialogs.next(), await call.dialogs.next()]
    expect([one.remoteTag, other.remoteTag]).toEqual(['a-1', 'b-1'])
    expect((await one.bye()).status).toBe(200)
    expect((await other.bye()).status).toBe(200)
    expect(await bed.sipp.finished).toMatchObject(done)
  })

  test.each([
    ['the right', 'lair', 200],
    ['a wrong', 'liar', 403],
  ] as const)('that wants a digest, with %s password', async (_which, password, status) => {
    const digest = { realm: 'sip.example', username: 'paris', password: 'lair' }
    await using bed = await start({ scenario: 'challenge-uas', digest }, password)
    expect((await bed.romeo.message({ to: ROMEO, body: 'x' })).status).toBe(status)
    expect(await bed.sipp.finished).toMatchObject(done)
  })
})
