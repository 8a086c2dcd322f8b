import { describe, expect, test } from 'vitest'
import { onBed, ROMEO } from '../support/bed.ts'
import { type XmppClient, xml } from '../support/xmpp-client.ts'

const pidf = (basic: string, note: string) => ({
  type: 'application/pidf+xml',
  text: `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:romeo@sip.example"><tuple id="ID-orchard"><status><basic>${basic}</basic></status><note>${note}</note></tuple></presence>`,
})

const roster = (client: XmppClient) =>
  client.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))

describe('an XMPP user watches a SIP user', () => {
  test('subscribe, pending, active, presence', () =>
    onBed({}, async ({ romeo, juliet }) => {
      await roster(juliet)
      await juliet.send(xml('presence', { to: ROMEO, type: 'subscribe' }))
      const incoming = await romeo.subscriptions.next()
      incoming.accept(3600)
      expect((await incoming.notify({ state: 'pending;expires=3600' })).status).toBe(200)
      expect(
        (await incoming.notify({ state: 'active;expires=3600', body: pidf('open', 'here') })).status,
      ).toBe(200)
      const subscribed = await juliet.stanzas.next((s) => s.is('presence') && s.attrs.type === 'subscribed')
      expect(subscribed.attrs.from).toBe(ROMEO)
      const presence = await juliet.stanzas.next(
        (s) => s.is('presence') && s.attrs.from === `${ROMEO}/orchard`,
      )
      expect(presence.getChildText('status')).toBe('here')
    }))
})
