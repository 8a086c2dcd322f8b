import { describe, expect, test } from 'vitest'
import { JULIET, onBed, ROMEO } from '../support/bed.ts'
import { freePorts } from '../support/ports.ts'
import { runSipp } from '../support/sipp.ts'
import { startSoftphone } from '../support/softphone.ts'
import { stanzaError } from '../support/xmpp-client.ts'

/** RFC 7247 §4: the resource travels as the parameter gr. */
const FROM_JULIET = /^sip:juliet@xmpp\.example(;gr=[^;]+)?$/

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  test('a message crosses each way', () =>
    onBed({ transport }, async ({ juliet, romeo, send }) => {
      await juliet.message({ to: ROMEO, body: 'wherefore art thou? ♥ <&>' })
      expect(await romeo.messages.next()).toMatchObject({
        transport,
        from: expect.stringMatching(FROM_JULIET),
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
    onBed({ transport }, async ({ juliet, romeo, gateway, prosody, send, disabled, enabled }) => {
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
    onBed({ transport }, async ({ juliet, romeo }) => {
      romeo.answer(404)
      const id = await juliet.message({ to: 'nobody@sip.example', body: 'anyone?' })
      const bounce = await juliet.nextMessage((message) => message.attrs.id === id)
      expect(stanzaError(bounce)).toMatchObject({ type: 'cancel', condition: 'item-not-found' })
    }))
})

test('a softphone behind the gateway sends and shows text', async () => {
  const [phonePort] = await freePorts(2)
  await onBed(phonePort === undefined ? {} : { homePort: phonePort }, async ({ juliet, sipPort }) => {
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
    expect(await phone.shown.next()).toEqual({
      from: expect.stringMatching(FROM_JULIET),
      text: 'Ay me ♥',
    })
  })
})

test('SIPp through the gateway: every call answered, every message delivered', () =>
  onBed({}, async ({ juliet, sipPort }) => {
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
