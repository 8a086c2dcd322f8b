import { describe, expect, test } from 'vitest'
import { SDP } from '../support/sip-call.ts'
import {
  EDGE,
  GATEWAY,
  PARIS,
  ROMEO,
  type SipFederation,
  startSipFederation,
} from '../support/sip-federation.ts'

/** A failure shows what each server saw. */
async function federated(
  options: Parameters<typeof startSipFederation>[0],
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

describe.each(['udp', 'tcp'] as const)(
  'a home server over %s and a provider over TLS, both Kamailio',
  (inside) => {
    test('messages both ways, marked inside, without private header fields outside', () =>
      federated({ inside }, async ({ romeo, paris, provider }) => {
        const out = await romeo.message({
          to: PARIS,
          body: 'Good morrow ☀',
          headers: ['P-Asserted-Identity: <sip:romeo@sip.example>', 'ms-user-data: ms-federation=true'],
        })
        expect(out.status).toBe(200)
        const received = await paris.messages.next()
        expect(received).toMatchObject({ from: ROMEO, body: 'Good morrow ☀' })
        expect(received.headers('p-asserted-identity')).toEqual([])
        expect(received.headers('ms-user-data')).toEqual([])
        expect(await provider.passed.next(({ from }) => from === ROMEO)).toMatchObject({
          transport: 'tls',
          peerDnsName: GATEWAY,
        })

        const back = await paris.message({
          to: ROMEO,
          body: 'These times of woe',
          headers: ['ms-edge-proxy-message-trust: ms-source-verified-user=verified;forged=yes'],
        })
        expect(back.status).toBe(200)
        const inbound = await romeo.messages.next()
        expect(inbound).toMatchObject({ from: PARIS, body: 'These times of woe' })
        expect(inbound.headers('ms-edge-proxy-message-trust')).toEqual([
          `ms-source-type=DirectPartner;ms-ep-fqdn=${GATEWAY};ms-source-verified-user=verified;ms-source-network=federation`,
        ])
      }))

    test('a call is rung, taken, used and ended across', () =>
      federated({ inside }, async ({ romeo, paris }) => {
        const call = romeo.call({ to: PARIS })
        const incoming = await paris.calls.next()
        expect(incoming.request).toMatchObject({ from: ROMEO, body: SDP.text })
        incoming.ring()
        expect((await call.progress.next(({ status }) => status === 180)).status).toBe(180)
        const far = incoming.accept()
        expect((await call.answered).status).toBe(200)
        const near = await call.dialogs.next()
        expect((await far.requests.next()).method).toBe('ACK')
        expect((await near.info({ type: 'text/plain', text: 'knock' })).status).toBe(200)
        expect(await far.requests.next()).toMatchObject({ method: 'INFO', body: 'knock' })
        expect((await near.reinvite()).status).toBe(200)
        expect((await far.bye()).status).toBe(200)
        expect((await near.requests.next(({ method }) => method === 'BYE')).method).toBe('BYE')
      }))

    test('a call from outside is cancelled; another is refused', () =>
      federated({ inside }, async ({ romeo, paris }) => {
        const call = paris.call({ to: ROMEO })
        const incoming = await romeo.calls.next()
        incoming.ring()
        await call.progress.next(({ status }) => status === 180)
        call.cancel()
        await incoming.cancelled
        expect((await call.answered).status).toBe(487)
        const second = paris.call({ to: ROMEO })
        ;(await romeo.calls.next()).reject(486)
        expect((await second.answered).status).toBe(486)
      }))

    test('a subscription is granted, notified, refreshed and ended across', () =>
      federated({ inside }, async ({ romeo, paris }) => {
        const subscription = romeo.subscribe({ to: PARIS, expires: 600 })
        const incoming = await paris.subscriptions.next()
        incoming.accept(300)
        const open = { type: 'application/pidf+xml', text: '<presence/>' }
        expect((await incoming.notify({ state: 'active;expires=300', body: open })).status).toBe(200)
        expect(await subscription.notifications.next()).toMatchObject({ body: '<presence/>' })
        expect((await subscription.answered).status).toBe(200)
        expect((await subscription.refresh()).status).toBe(200)
        await incoming.refreshes.next()
        expect((await subscription.end()).status).toBe(200)
        expect((await incoming.notify({ state: 'terminated;reason=timeout' })).status).toBe(200)
      }))

    test('PUBLISH, OPTIONS and REFER outside a dialog get the answer of the one they are for', () =>
      federated({ inside }, async ({ romeo, paris }) => {
        for (const method of ['PUBLISH', 'REFER'] as const) {
          const headers =
            method === 'REFER' ? ['Refer-To: <sip:rosaline@provider.example>'] : ['Event: presence']
          const answer = await romeo.request(method, { to: PARIS, headers })
          expect([method, answer.status]).toEqual([method, expect.any(Number)])
          expect([403, 404, 480, 503]).not.toContain(answer.status)
        }
        expect((await paris.options(ROMEO)).status).toBe(200)
      }))
  },
)

test('who does not exist, and who is away, is said by the server that knows', () =>
  federated({}, async ({ romeo, paris }) => {
    expect((await romeo.message({ to: 'sip:nobody@provider.example', body: 'x' })).status).toBe(404)
    expect((await romeo.message({ to: 'sip:rosaline@provider.example', body: 'x' })).status).toBe(480)
    expect((await paris.message({ to: 'sip:mercutio@sip.example', body: 'x' })).status).toBe(480)
  }))

test('the access edge is found by SRV, and the next one is tried where the first does not answer', () =>
  federated({ edgePorts: (port) => [9, port] }, async ({ romeo, paris, dns }) => {
    expect((await romeo.message({ to: PARIS, body: 'x' })).status).toBe(200)
    await paris.messages.next()
    expect(dns.count(`_sips._tcp.${EDGE}`, 'SRV')).toBeGreaterThan(0)
  }))
