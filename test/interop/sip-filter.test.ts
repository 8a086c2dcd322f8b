import { describe, expect, test } from 'vitest'
import { dragoman, type LogLine } from '../support/dragoman.ts'
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
import { startSipUserAgent } from '../support/sip-user-agent.ts'
import { startXmppClient } from '../support/xmpp-client.ts'

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

const refused = ({ msg }: LogLine): boolean => msg === 'refused'

describe('the level of a SIP provider', () => {
  test('contacts: a stranger hears the generic reason, the log has the whole one; a contact gets through', () =>
    federated(
      {
        provider: { verification: 'contacts' },
        federation: { contacts: [{ user: ROMEO, allow: ['rosaline@provider.example'] }] },
      },
      async ({ paris, romeo, gateway, provider }) => {
        const answer = await paris.message({ to: ROMEO, body: 'x' })
        expect([answer.status, answer.reason]).toEqual([
          403,
          expect.stringMatching(/^Not permitted, or no such user \([\w-]{8}\)$/),
        ])
        expect(answer.header('ms-diagnostics')).toBeUndefined()
        expect(await gateway.log.next(refused)).toMatchObject({
          reason: 'not-a-contact',
          step: 'level',
          evidence: { kind: 'sip-peer', names: [EDGE], asserted: 'absent' },
        })
        await using rosaline = await startSipUserAgent({
          uri: 'sip:rosaline@provider.example',
          nextHop: { port: provider.port },
        })
        expect((await rosaline.message({ to: ROMEO, body: 'love thee not' })).status).toBe(200)
        expect((await romeo.messages.next()).body).toBe('love thee not')
      },
    ))

  test.for([
    ['verified', 200],
    ['unverified', 403],
  ] as const)('verified: the provider’s own header says %s', ([word, status]) =>
    federated(
      {
        provider: { verification: 'verified', assertingHeader: 'P-Asserted-Verification' },
        kamailio: { asserts: `P-Asserted-Verification: ${word}` },
      },
      async ({ paris, romeo }) => {
        // What the user itself claims is removed by its provider.
        const headers = ['P-Asserted-Verification: verified']
        expect((await paris.message({ to: ROMEO, body: 'x', headers })).status).toBe(status)
        if (status !== 200) return
        const received = await romeo.messages.next()
        expect(received.headers('p-asserted-verification')).toEqual([])
        expect(received.headers('ms-edge-proxy-message-trust')[0]).toContain(
          'ms-source-verified-user=verified',
        )
      },
    ),
  )

  test('contacts, with a home server that enforces it: everybody passes, and strangers are marked', () =>
    federated(
      { provider: { verification: 'contacts' }, home: { enforce: 'home' } },
      async ({ paris, romeo }) => {
        expect((await paris.message({ to: ROMEO, body: 'x' })).status).toBe(200)
        const [mark] = (await romeo.messages.next()).headers('ms-edge-proxy-message-trust')
        expect(mark).toContain('ms-source-verified-user=unverified')
      },
    ))

  test('contacts: whom our user has called may go on within that call, and no further', () =>
    federated(
      { provider: { verification: 'contacts' }, federation: { learning: { enabled: false } } },
      async ({ romeo, paris }) => {
        const call = romeo.call({ to: PARIS })
        const far = (await paris.calls.next()).accept()
        expect((await call.answered).status).toBe(200)
        const near = await call.dialogs.next()
        expect((await far.requests.next()).method).toBe('ACK')
        expect((await far.info({ type: 'text/plain', text: 'within' })).status).toBe(200)
        expect((await paris.message({ to: ROMEO, body: 'without' })).status).toBe(403)
        expect((await far.bye()).status).toBe(200)
        expect((await near.requests.next(({ method }) => method === 'BYE')).method).toBe('BYE')
        expect(romeo.messages.all).toEqual([])
      },
    ))
})

test.for([
  ['all', {}, 'delivered'],
  ['contacts', {}, 'not-a-contact'],
  ['verified', {}, 'not-a-contact'],
  ['all', { users: [{ user: ROMEO, contactsOnly: true }] }, 'privacy-contacts-only'],
  ['all', { contacts: [{ user: ROMEO, block: [PARIS.slice('sip:'.length)] }] }, 'contact-blocked'],
] as const)(
  'a call and a subscription are judged as a message is: level %s, %j',
  ([verification, rows, reason]) =>
    federated({ provider: { verification }, federation: rows }, async ({ paris, romeo, gateway }) => {
      const call = paris.call({ to: ROMEO })
      const subscription = paris.subscribe({ to: ROMEO })
      if (reason === 'delivered') {
        ;(await romeo.calls.next()).accept()
        expect((await call.answered).status).toBe(200)
        ;(await romeo.subscriptions.next()).accept(600)
        expect((await subscription.answered).status).toBe(200)
        expect(gateway.log.all.filter(refused)).toEqual([])
        return
      }
      expect((await call.answered).status).toBe(403)
      expect((await subscription.answered).status).toBe(403)
      expect((await paris.message({ to: ROMEO, body: 'x' })).status).toBe(403)
      const told = [
        await gateway.log.next(refused),
        await gateway.log.next(refused),
        await gateway.log.next(refused),
      ]
      expect(told.map((line) => line.kind).sort()).toEqual(['message', 'presence', 'session'])
      expect(new Set(told.map((line) => line.reason))).toEqual(new Set([reason]))
      expect([romeo.calls.all, romeo.messages.all]).toEqual([[], []])
    }),
)

test('a home server hears the whole reason; a provider that is disabled is so for the next request', () =>
  federated({}, async ({ romeo, paris, gateway, with: built }) => {
    expect((await romeo.message({ to: PARIS, body: 'x' })).status).toBe(200)
    const call = romeo.call({ to: PARIS })
    const far = (await paris.calls.next()).accept()
    expect((await call.answered).status).toBe(200)

    await gateway.reload(built({ enabled: false }))
    const answer = await romeo.message({ to: PARIS, body: 'x' })
    expect(answer.status).toBe(403)
    expect(answer.header('ms-diagnostics')).toMatch(
      new RegExp(
        `^1002;reason=".*disabled.*";source="${GATEWAY}";step=provider;rule=provider-disabled;ref="[\\w-]{8}"$`,
      ),
    )
    // Within the call too.
    expect((await far.info({ type: 'text/plain', text: 'still there?' })).status).toBe(403)
    expect((await paris.message({ to: ROMEO, body: 'x' })).status).toBe(403)
  }))

test('XMPP → home and SIP provider → home: the same rules give the same verdicts', async () => {
  const scenes: readonly (readonly [name: string, level: object, federation: object, passes: boolean])[] = [
    ['all', { verification: 'all' }, {}, true],
    ['contacts, a stranger', { verification: 'contacts' }, {}, false],
    [
      'contacts, a contact',
      { verification: 'contacts' },
      { contacts: [{ user: ROMEO, allow: ['juliet@xmpp.example', 'paris@provider.example'] }] },
      true,
    ],
    ['verified, nobody says so', { verification: 'verified' }, {}, false],
    [
      'all, on the block list',
      { verification: 'all' },
      { contacts: [{ user: ROMEO, block: ['@xmpp.example', '@provider.example'] }] },
      false,
    ],
    ['disabled', { verification: 'all', enabled: false }, {}, false],
    [
      'all, the domain is blocked',
      { verification: 'all' },
      { blockedDomains: [{ name: 'xmpp.example' }, { name: 'provider.example' }] },
      false,
    ],
    [
      'all, the user is disabled',
      { verification: 'all' },
      { users: [{ user: ROMEO, enabled: false }] },
      false,
    ],
  ]
  const [first] = scenes
  await federated({ provider: first?.[1] ?? {}, xmpp: {} }, async (world) => {
    const { gateway, paris, romeo, prosody } = world
    await gateway.log.next(({ msg }) => msg === 'link is live')
    await using juliet = await startXmppClient({
      port: prosody?.c2sPort ?? 0,
      domain: 'xmpp.example',
      username: 'juliet',
      password: 'balcony',
    })
    for (const [name, row, federation, passes] of scenes) {
      const config = world.with(row, federation) as {
        federation: { providers: { name: string }[] }
      }
      const providers = config.federation.providers.map((each) =>
        each.name === 'Example XMPP' ? { ...each, ...row } : each,
      )
      await gateway.reload({ ...config, federation: { ...config.federation, providers } })
      const overSip = paris.message({ to: ROMEO, body: `${name}, SIP` })
      await juliet.message({ to: 'romeo@sip.example', body: `${name}, XMPP` })
      const { status } = await overSip
      expect([name, status]).toEqual([name, passes ? 200 : 403])
      if (passes) {
        const bodies = [(await romeo.messages.next()).body, (await romeo.messages.next()).body].sort()
        expect(bodies).toEqual([`${name}, SIP`, `${name}, XMPP`])
      } else {
        const reasons = [(await gateway.log.next(refused)).reason, (await gateway.log.next(refused)).reason]
        expect([name, reasons[0]]).toEqual([name, reasons[1]])
      }
    }
    expect(romeo.messages.all).toHaveLength(2 * scenes.filter(([, , , passes]) => passes).length)
  })
})

test('explain says of a SIP provider what the gateway does', () =>
  federated({ provider: { verification: 'contacts' } }, async ({ gateway }) => {
    const answer = await dragoman(
      [
        'explain',
        '--config',
        gateway.configFile,
        '--from',
        'paris@provider.example',
        '--to',
        'romeo@sip.example',
      ],
      { env: SECRET },
    )
    expect(answer.stdout).toContain(`shows a client certificate for ${EDGE}`)
    expect(answer.stdout).toContain('refused: not-a-contact')
  }))
