import { describe, expect, test } from 'vitest'
import { JULIET, onBed, ROMEO } from '../support/bed.ts'
import { type XmppClient, xml } from '../support/xmpp-client.ts'

const roster = (client: XmppClient) =>
  client.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))

describe('a SIP user watches an XMPP user', () => {
  test('SUBSCRIBE, pending, subscribed, active with state', () =>
    onBed({}, async ({ romeo, juliet, sipPort }) => {
      await roster(juliet)
      const subscription = romeo.subscribe({
        to: `sip:${JULIET}`,
        nextHop: { host: '127.0.0.1', port: sipPort, transport: 'udp' },
      })
      expect((await subscription.answered).status).toBe(200)
      const first = await subscription.notifications.next()
      expect(first.headers('subscription-state')[0]).toMatch(/^pending;expires=/)
      const asked = await juliet.stanzas.next((s) => s.is('presence') && s.attrs.type === 'subscribe')
      expect(asked.attrs.from).toBe(ROMEO)
      await juliet.send(xml('presence', { to: ROMEO, type: 'subscribed' }))
      const active = await subscription.notifications.next()
      console.log(active.headers('subscription-state'), active.body)
      expect(active.headers('subscription-state')[0]).toMatch(/^active;expires=/)
      expect(active.body).toContain('open')
      expect((await subscription.end()).status).toBe(200)
      const last = await subscription.notifications.next()
      expect(last.headers('subscription-state')).toEqual(['terminated;reason=timeout'])
      expect(last.body).toContain('closed')
    }))
})
