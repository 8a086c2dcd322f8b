import { describe, expect, test } from 'vitest'
import { JULIET, logIn, onBed, ROMEO } from '../support/bed.ts'
import type { IncomingSubscription } from '../support/sip-subscription.ts'
import type { SipUserAgent } from '../support/sip-user-agent.ts'
import { type Element, stanzaError, type XmppClient, xml } from '../support/xmpp-client.ts'

const pidf = (tuples: Readonly<Record<string, string>>, note = '') => ({
  type: 'application/pidf+xml',
  text: `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${ROMEO}">${Object.entries(tuples)
    .map(([id, basic]) => `<tuple id="ID-${id}"><status><basic>${basic}</basic></status>${note}</tuple>`)
    .join('')}</presence>`,
})
const HERE = pidf({ orchard: 'open' })

/** Prosody tells subscriptions to nobody but those who have asked for their roster. */
const roster = async (client: XmppClient): Promise<string | undefined> => {
  const answer = await client.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))
  const item = answer
    .getChild('query')
    ?.getChildren('item')
    .find(({ attrs }) => attrs.jid === ROMEO)
  return item?.attrs.subscription
}

/** Presence from Romeo: `subscribed`, `orchard`, `orchard unavailable`. */
const words = ({ attrs: { from, type } }: Element): string =>
  [String(from).split('/')[1], type].filter((part) => part !== undefined).join(' ')
const isFromRomeo = (stanza: Element): boolean =>
  stanza.is('presence') && String(stanza.attrs.from).startsWith(ROMEO)
const fromRomeo = (client: XmppClient): readonly string[] => client.stanzas.all.filter(isFromRomeo).map(words)
const told = async (client: XmppClient, count: number): Promise<readonly string[]> => {
  for (let i = 0; i < count; i++) await client.stanzas.next(isFromRomeo)
  return fromRomeo(client)
}

const subscribe = async (juliet: XmppClient, romeo: SipUserAgent): Promise<IncomingSubscription> => {
  await roster(juliet)
  await juliet.send(xml('presence', { to: ROMEO, type: 'subscribe' }))
  return romeo.subscriptions.next()
}

/** Juliet sees Romeo, and has heard two stanzas. */
const seeing = async (
  juliet: XmppClient,
  romeo: SipUserAgent,
  body = HERE,
): Promise<IncomingSubscription> => {
  const incoming = await subscribe(juliet, romeo)
  incoming.accept(3600)
  expect((await incoming.notify({ state: 'active;expires=3600', body })).status).toBe(200)
  return incoming
}

describe('RFC 8048 §5.2: an XMPP user watches a SIP user', () => {
  test('subscribe-becomes-subscribe-and-stays-silent-until-active, pending-notify-is-answered-without-stanza', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await subscribe(juliet, romeo)
      const { request } = incoming
      expect(request.headers('event')).toEqual(['presence'])
      expect(request.headers('expires')).toEqual(['3600'])
      expect(request.headers('accept')[0]).toContain('application/pidf+xml')
      expect(request.headers('contact')[0]).toMatch(/^<sip:juliet@xmpp\.example;gr=[^>]+>$/)
      incoming.accept(3600)
      expect((await incoming.notify({ state: 'pending;expires=3600', body: HERE })).status).toBe(200)
      await juliet.stanzas.none(isFromRomeo, 300)
      expect((await incoming.notify({ state: 'active;expires=3600', body: HERE })).status).toBe(200)
      expect(await told(juliet, 2)).toEqual(['subscribed', 'orchard'])
    }))

  test('active-notify-gives-subscribed-then-presence, and the roster says so', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await seeing(juliet, romeo)
      expect(await told(juliet, 2)).toEqual(['subscribed', 'orchard'])
      expect(await roster(juliet)).toBe('to')
      await incoming.notify({
        state: 'active;expires=3600',
        body: pidf({ orchard: 'open' }, '<note>here</note>'),
      })
      const next = await juliet.stanzas.next(isFromRomeo)
      expect([words(next), next.getChildText('status')]).toEqual(['orchard', 'here'])
      expect(next.attrs.to).toBe(JULIET)
    }))

  test('an active NOTIFY without a body: subscribed, and nothing is seen', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await subscribe(juliet, romeo)
      incoming.accept(3600)
      expect((await incoming.notify({ state: 'active;expires=3600' })).status).toBe(200)
      expect(await told(juliet, 1)).toEqual(['subscribed'])
      await juliet.stanzas.none(isFromRomeo, 300)
    }))

  test.for([403, 603])('%d to the SUBSCRIBE is a no', (status) =>
    onBed({}, async ({ romeo, juliet }) => {
      ;(await subscribe(juliet, romeo)).reject(status)
      expect(await told(juliet, 1)).toEqual(['unsubscribed'])
      expect(await roster(juliet)).toBe('none')
    }),
  )

  test('404 is an error, of the stanza that asked', () =>
    onBed({}, async ({ romeo, juliet }) => {
      await roster(juliet)
      await juliet.send(xml('presence', { to: ROMEO, type: 'subscribe', id: 's1' }))
      ;(await romeo.subscriptions.next()).reject(404)
      const error = await juliet.stanzas.next(isFromRomeo)
      expect([stanzaError(error)?.condition, error.attrs.id]).toEqual(['item-not-found', 's1'])
    }))

  test('terminated;reason=rejected ends it', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await seeing(juliet, romeo)
      expect((await incoming.notify({ state: 'terminated;reason=rejected' })).status).toBe(200)
      expect(await told(juliet, 4)).toEqual(['subscribed', 'orchard', 'orchard unavailable', 'unsubscribed'])
      expect(await roster(juliet)).toBe('none')
    }))

  test('refresh-423-481-keeps-authorization, and so does deactivated: a new dialog, and nobody notices', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await seeing(juliet, romeo)
      await told(juliet, 2)
      await incoming.notify({ state: 'terminated;reason=deactivated' })
      const next = await romeo.subscriptions.next()
      expect(next.request.headers('call-id')).not.toEqual(incoming.request.headers('call-id'))
      next.accept(3600)
      await next.notify({ state: 'active;expires=3600', body: pidf({ orchard: 'open', crypt: 'open' }) })
      expect(await told(juliet, 1)).toEqual(['subscribed', 'orchard', 'crypt'])
      expect(await roster(juliet)).toBe('to')
    }))

  test.for([403, 489, 603])('refresh-403-489-603-cancels-authorization: %d', (status) =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await seeing(juliet, romeo)
      await incoming.notify({ state: 'terminated;reason=deactivated' })
      ;(await romeo.subscriptions.next()).reject(status)
      expect(await told(juliet, 4)).toEqual(['subscribed', 'orchard', 'orchard unavailable', 'unsubscribed'])
      expect(await roster(juliet)).toBe('none')
    }),
  )

  test('refresh-only-while-xmpp-user-is-present', () =>
    onBed({}, async ({ romeo, juliet, prosody, sipPort }) => {
      const incoming = await seeing(juliet, romeo)
      await told(juliet, 2)
      // Whoever watches her knows whether she is there.
      const watched = romeo.subscribe({
        to: `sip:${JULIET}`,
        nextHop: { host: '127.0.0.1', port: sipPort, transport: 'udp' },
      })
      await juliet.stanzas.next((stanza) => stanza.is('presence') && stanza.attrs.type === 'subscribe')
      await juliet.send(xml('presence', { to: ROMEO, type: 'subscribed' }))
      await watched.notifications.next((notify) => notify.body.includes('open'))
      await juliet.send(xml('presence', { type: 'unavailable' }))
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await incoming.notify({ state: 'terminated;reason=timeout', body: pidf({ orchard: 'closed' }) })
      expect(await roster(juliet)).toBe('both')
      await juliet.close()
      await using again = await logIn(prosody)
      const next = await romeo.subscriptions.next()
      next.accept(3600)
      await next.notify({ state: 'active;expires=3600', body: HERE })
      expect(await told(again, 1)).toEqual(['orchard'])
    }))

  test('a device that comes is told what is known, and the others are not told again', () =>
    onBed({}, async ({ romeo, juliet, prosody }) => {
      await seeing(juliet, romeo, pidf({ orchard: 'open', crypt: 'open' }))
      await told(juliet, 3)
      await using second = await logIn(prosody)
      expect(await told(second, 2)).toEqual(['orchard', 'crypt'])
      await juliet.stanzas.none(isFromRomeo, 200)
    }))

  test('unsubscribe-sends-expires-zero-in-dialog-and-no-notify', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await seeing(juliet, romeo)
      await told(juliet, 2)
      await juliet.send(xml('presence', { to: ROMEO, type: 'unsubscribe' }))
      const leave = await incoming.refreshes.next()
      expect([leave.method, ...leave.headers('expires')]).toEqual(['SUBSCRIBE', '0'])
      expect(leave.headers('call-id')).toEqual(incoming.request.headers('call-id'))
      expect((await incoming.notify({ state: 'terminated;reason=timeout' })).status).toBe(200)
      await juliet.stanzas.next((stanza) => isFromRomeo(stanza) && stanza.attrs.type === 'unavailable')
      expect(await roster(juliet)).toBe('none')
      expect((await incoming.notify({ state: 'active;expires=60', body: HERE })).status).toBe(481)
    }))

  test('subscribed again at once: the second request is answered, and not by the end of the first', () =>
    onBed({}, async ({ romeo, juliet, gateway }) => {
      const first = await seeing(juliet, romeo)
      await told(juliet, 2)
      // Both wait for the gateway, so that it reads the second before anybody can answer the first. The second leaves Prosody
      // once the kernel has acknowledged the first (Nagle, delayed by up to 200 ms).
      gateway.signal('SIGSTOP')
      await juliet.send(xml('presence', { to: ROMEO, type: 'unsubscribe' }))
      await juliet.send(xml('presence', { to: ROMEO, type: 'subscribe' }))
      await new Promise((resolve) => setTimeout(resolve, 1000))
      gateway.signal('SIGCONT')
      await first.refreshes.next()
      const second = await romeo.subscriptions.next()
      second.accept(3600)
      await second.notify({ state: 'active;expires=3600', body: HERE })
      await juliet.stanzas.next((stanza) => isFromRomeo(stanza) && stanza.attrs.type === 'subscribed')
      expect(fromRomeo(juliet)).not.toContain('unsubscribed')
      expect(await roster(juliet)).toBe('to')
    }))
})

describe('RFC 8048 §6.3: what changes', () => {
  test('vanished-tuple-gives-unavailable', () =>
    onBed({}, async ({ romeo, juliet }) => {
      const incoming = await seeing(juliet, romeo, pidf({ orchard: 'open', crypt: 'open' }))
      await incoming.notify({ state: 'active;expires=3600', body: HERE })
      expect(await told(juliet, 4)).toEqual(['subscribed', 'orchard', 'crypt', 'crypt unavailable'])
      // RFC 3856 §6.8: an empty one keeps the last.
      await incoming.notify({ state: 'active;expires=3600' })
      await juliet.stanzas.none(isFromRomeo, 200)
      await incoming.notify({ state: 'active;expires=3600', body: pidf({ orchard: 'closed' }) })
      expect(words(await juliet.stanzas.next(isFromRomeo))).toBe('orchard unavailable')
    }))

  test('presence-goes-only-to-the-addressee', () =>
    onBed({ others: ['nurse'] }, async ({ romeo, juliet, prosody }) => {
      await using nurse = await logIn(prosody, 'nurse')
      await seeing(juliet, romeo)
      await told(juliet, 2)
      await nurse.stanzas.none(isFromRomeo, 300)
    }))
})

describe('RFC 8048 §7.1: an XMPP user asks once', () => {
  const probe = xml('presence', { to: ROMEO, type: 'probe' })

  test('probe-is-a-new-dialog-with-expires-zero', () =>
    onBed({}, async ({ romeo, juliet }) => {
      await juliet.send(probe)
      const incoming = await romeo.subscriptions.next()
      expect(incoming.request.headers('expires')).toEqual(['0'])
      incoming.accept(0)
      expect((await incoming.notify({ state: 'terminated;reason=timeout', body: HERE })).status).toBe(200)
      expect(await told(juliet, 1)).toEqual(['orchard'])
    }))
})
