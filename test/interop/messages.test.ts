import { describe, expect, test } from 'vitest'
import { type Dragoman, gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { freePorts } from '../support/ports.ts'
import { type Prosody, startProsody } from '../support/prosody.ts'
import { type Protocol, type SipUserAgent, startSipUserAgent } from '../support/sip-user-agent.ts'
import { runSipp } from '../support/sipp.ts'
import { startSoftphone } from '../support/softphone.ts'
import { stanzaError, startXmppClient, type XmppClient } from '../support/xmpp-client.ts'

const ROMEO = 'romeo@sip.example'
const JULIET = 'juliet@xmpp.example'
const SECRET = 'capulet'

interface Bed {
  readonly prosody: Prosody
  readonly gateway: Dragoman
  /** The user agent that plays Romeo's home server. */
  readonly romeo: SipUserAgent
  readonly juliet: XmppClient
  readonly sipPort: number
  readonly enabled: object
  /** The configuration with the provider disabled. */
  readonly disabled: object
  send(body: string): ReturnType<SipUserAgent['message']>
}

/** Juliet on Prosody, Romeo's home server played by sip.js, Dragoman between them, the component link up. */
async function onBed(
  transport: Protocol,
  scene: (bed: Bed) => Promise<void>,
  homePort?: number,
): Promise<void> {
  await using prosody = await startProsody({
    host: 'xmpp.example',
    users: [{ name: 'juliet', password: 'balcony' }],
    components: [{ domain: 'sip.example', secret: SECRET }],
  })
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const settings = await gatewayConfig({
    componentPort: prosody.componentPort,
    homePort: homePort ?? romeo.port,
    homeTransport: transport,
  })
  const { sipPort } = settings
  await using gateway = await startDragoman({
    config: settings.config,
    env: { DRAGOMAN_PROSODY_SECRET: SECRET },
  })
  await prosody.line(/External component successfully authenticated/)
  await using juliet = await startXmppClient({
    port: prosody.c2sPort,
    domain: 'xmpp.example',
    username: 'juliet',
    password: 'balcony',
  })
  try {
    await scene({
      prosody,
      gateway,
      romeo,
      juliet,
      sipPort,
      enabled: settings.config,
      disabled: settings.with({ providerEnabled: false }),
      send: (body) =>
        romeo.message({
          to: `sip:${JULIET}`,
          body,
          nextHop: { host: '127.0.0.1', port: sipPort, transport },
        }),
    })
  } catch (error) {
    console.error(gateway.output().split('\n').slice(-30).join('\n'))
    throw error
  }
}

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  test('a message crosses each way', () =>
    onBed(transport, async ({ juliet, romeo, send }) => {
      await juliet.message({ to: ROMEO, body: 'wherefore art thou? ♥ <&>' })
      expect(await romeo.messages.next()).toMatchObject({
        transport,
        from: `sip:${JULIET}`,
        to: `sip:${ROMEO}`,
        body: 'wherefore art thou? ♥ <&>',
      })

      expect((await send('by yonder blessed moon ☾ <&>')).status).toBe(200)
      const received = await juliet.nextMessage()
      expect(received.getChildText('body')).toBe('by yonder blessed moon ☾ <&>')
      expect(String(received.attrs.from).split('/')[0]).toBe(ROMEO)
      expect(romeo.errors).toEqual([])
    }))

  test('a disabled provider is refused both ways, and enabled again without losing the link', () =>
    onBed(transport, async ({ juliet, romeo, gateway, prosody, send, disabled, enabled }) => {
      await gateway.reload(disabled)
      const id = await juliet.message({ to: ROMEO, body: 'refused' })
      const bounce = await juliet.nextMessage((message) => message.attrs.id === id)
      expect(stanzaError(bounce)?.text).not.toBe('')
      expect(stanzaError(bounce)?.type).toMatch(/^(cancel|auth)$/)
      expect((await send('refused')).status).toBeGreaterThanOrEqual(400)
      await romeo.messages.none(() => true, 200)
      await juliet.stanzas.none((stanza) => stanza.is('message'), 200)

      await gateway.reload(enabled)
      expect((await send('welcome back')).status).toBe(200)
      expect((await juliet.nextMessage()).getChildText('body')).toBe('welcome back')
      expect(prosody.log()).not.toMatch(/component disconnected/)
    }))

  test('what the SIP side refuses comes back to the XMPP sender', () =>
    onBed(transport, async ({ juliet, romeo }) => {
      romeo.answer(404)
      const id = await juliet.message({ to: 'nobody@sip.example', body: 'anyone?' })
      const bounce = await juliet.nextMessage((message) => message.attrs.id === id)
      expect(stanzaError(bounce)).toMatchObject({ type: 'cancel', condition: 'item-not-found' })
    }))
})

test('a softphone behind the gateway sends and shows text', async () => {
  const [phonePort] = await freePorts(2)
  await onBed(
    'udp',
    async ({ juliet, sipPort }) => {
      await using phone = await startSoftphone({
        uri: `sip:${ROMEO}`,
        contact: `sip:${JULIET}`,
        proxy: { port: sipPort },
        ...(phonePort !== undefined && { port: phonePort }),
      })
      await phone.type('But soft, what light ☼')
      const received = await juliet.nextMessage()
      expect(received.getChildText('body')).toBe('But soft, what light ☼')
      await juliet.message({ to: ROMEO, body: 'Ay me ♥' })
      expect(await phone.shown.next()).toEqual({ from: `sip:${JULIET}`, text: 'Ay me ♥' })
    },
    phonePort,
  )
})

test('SIPp through the gateway: every call answered, every message delivered', () =>
  onBed('udp', async ({ juliet, sipPort }) => {
    const keys = { from: ROMEO, to: JULIET }
    const sent = await runSipp({ scenario: 'message-uac', target: sipPort, calls: 50, rate: 200, keys })
    expect(sent).toMatchObject({ exitCode: 0, successful: 50, failed: 0 })
    const bodies: (string | null)[] = []
    for (let count = 0; count < 50; count += 1) bodies.push((await juliet.nextMessage()).getChildText('body'))
    expect(new Set(bodies).size).toBe(50)

    const options = await runSipp({ scenario: 'options-uac', target: sipPort, calls: 1, keys })
    expect(options).toMatchObject({ exitCode: 0, errors: '' })
    const malformed = await runSipp({ scenario: 'malformed-uac', target: sipPort, calls: 1, keys })
    expect(malformed).toMatchObject({ exitCode: 0, errors: '' })
    await juliet.stanzas.none((stanza) => stanza.is('message'), 100)
  }))
