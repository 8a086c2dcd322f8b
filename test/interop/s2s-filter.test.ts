import { describe, expect, test } from 'vitest'
import { type Federated, federatedWith, JULIET, OTHER, ROMEO } from '../support/s2s-bed.ts'
import { stanzaError } from '../support/xmpp-client.ts'

/** The filter, with a real server on the other side: what passes, and what each of the two hears where nothing does. */

const fromJuliet = async ({ juliet, romeo }: Federated, body: string): Promise<string> => {
  const id = await juliet.message({ to: ROMEO, body })
  const error = juliet
    .nextMessage(({ attrs }) => attrs.type === 'error' && attrs.id === id, { within: 30_000 })
    .then((stanza) => stanzaError(stanza)?.condition ?? '')
  // Whatever is over first; the other one waits in vain.
  return Promise.race([error, romeo.messages.next((message) => message.body === body).then(() => 'arrived')])
}

const fromRomeo = async ({ romeo }: Federated, body: string) => {
  const { status, reason } = await romeo.message({ to: `sip:${JULIET}`, body })
  return [status, reason.replace(/ \([\w-]+\)$/, '')]
}

describe('the level verified', () => {
  const dialback = { tls: 'required', sasl: 'optional', dialback: true } as const
  test.each([
    ['by its certificate', 'certificate', dialback, 'arrived'],
    ['by dialback over TLS: its users are no verified ones', 'dialback-tls', dialback, 'forbidden'],
    [
      'by dialback over TLS, which the provider counts as verified',
      'dialback-tls',
      { ...dialback, dialbackOverTls: 'verified' },
      'arrived',
    ],
  ] as const)('a domain that is proved %s', async (_, secure, negotiation, expected) => {
    await federatedWith(
      { server: 'prosody', secure, provider: { verification: 'verified', negotiation } },
      async (world) => {
        expect(await fromJuliet(world, 'it is the east')).toBe(expected)
        expect(await fromRomeo(world, 'and Juliet is the sun')).toEqual([200, 'OK'])
      },
    )
  })
})

describe('by SIGHUP, with the streams', () => {
  test('a domain that nobody knows, allowed, blocked, discovered', () =>
    federatedWith({ server: 'prosody', federation: { providers: [] } }, async (world) => {
      const { gateway, config, dns } = world
      const reload = async (federation: object): Promise<void> => {
        const { msg } = await gateway.reload({
          ...config,
          federation: { ...config.federation, providers: [], ...federation },
        })
        expect(msg).toBe('configuration reloaded')
      }
      const ended = () =>
        gateway.log.next(
          ({ msg, reason }) => msg === 'a stream between servers has ended' && /rules/.test(String(reason)),
        )

      expect(await fromJuliet(world, 'who is there?')).toMatch(/^remote-server-/)
      expect(await fromRomeo(world, 'who is there?')).toEqual([404, 'Domain not reachable from here'])

      await reload({ allowedDomains: [{ name: OTHER, verification: 'all' }] })
      expect(await fromJuliet(world, 'allowed')).toBe('arrived')
      expect(await fromRomeo(world, 'allowed')).toEqual([200, 'OK'])

      await reload({ blockedDomains: [{ name: OTHER }] })
      await ended()
      await ended()
      expect(await fromJuliet(world, 'blocked')).toMatch(/^remote-server-/)
      expect(await fromRomeo(world, 'blocked')).toEqual([403, 'Not permitted'])

      await reload({ openDiscovery: { enabled: true, verification: 'all' } })
      expect(await fromRomeo(world, 'found')).toEqual([200, 'OK'])
      expect(await fromJuliet(world, 'found')).toBe('arrived')
      // S2S goes before SIP, which is looked for only where there is no such server.
      const sip = (domain: string) => dns.count(domain, 'NAPTR') + dns.count(`_sips._tcp.${domain}`)
      expect(sip(OTHER)).toBe(0)
      await world.romeo.message({ to: 'sip:juliet@phones.example', body: 'found' })
      expect(sip('phones.example')).toBeGreaterThan(0)
    }))
})
