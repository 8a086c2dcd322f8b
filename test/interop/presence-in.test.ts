import { parse } from 'ltx'
import { describe, expect, test } from 'vitest'
import { type Bed, type BedOptions, JULIET, onBed, ROMEO, SECRET } from '../support/bed.ts'
import { startDragoman } from '../support/dragoman.ts'
import type { ReceivedSipMessage } from '../support/sip-user-agent.ts'
import { startXmppClient, type XmppClient, xml } from '../support/xmpp-client.ts'

/** The digest's §4.3, flow by flow: Juliet on Prosody is watched by Romeo, whose home server is played by sip.js. */

const configured = (presence: object): BedOptions => ({ configure: (config) => ({ ...config, presence }) })
const QUICK = configured({ interval: '100ms' })

/** Prosody tells `subscribe` and the like to a client that has asked for its roster. */
const roster = (client: XmppClient) =>
  client.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))

const subscribe = ({ romeo, sipPort }: Bed, to = JULIET, expires = 3600) =>
  romeo.subscribe({
    to: `sip:${to}`,
    expires,
    nextHop: { host: '127.0.0.1', port: sipPort, transport: 'udp' },
  })

const typed = (type: string) => (stanza: { is(name: string): boolean; attrs: Record<string, string> }) =>
  stanza.is('presence') && stanza.attrs.type === type && stanza.attrs.from === ROMEO

const say = (juliet: XmppClient, type: string) => juliet.send(xml('presence', { to: ROMEO, type }))

const stateOf = (notify: ReceivedSipMessage): string => notify.headers('subscription-state').join()

/** `open away`, `closed`: the tuples of a document, in a few words. */
const tuplesOf = ({ body }: ReceivedSipMessage): string[] =>
  body === ''
    ? []
    : parse(body.replace(/^<\?.*?\?>/, ''))
        .getChildren('tuple')
        .map((tuple) => {
          const status = tuple.getChild('status')
          const words = [
            status?.getChildText('basic'),
            status?.getChildText('show'),
            tuple.getChildText('note'),
          ]
          return words.filter((word) => word).join(' ')
        })
        .sort()

/** Juliet has let Romeo see her, and he does. */
async function watching(bed: Bed) {
  await roster(bed.juliet)
  const subscription = subscribe(bed)
  const { notifications } = subscription
  expect(stateOf(await notifications.next())).toMatch(/^pending;/)
  await bed.juliet.stanzas.next(typed('subscribe'))
  await say(bed.juliet, 'subscribed')
  const active = await notifications.next()
  expect(stateOf(active)).toMatch(/^active;expires=3[56]\d\d$/)
  expect(tuplesOf(active)).toEqual(['open'])
  return subscription
}

describe('the authorization', () => {
  test('24. sip-subscribe-gets-200-and-immediate-pending-notify, then active with the state', () =>
    onBed({}, async (bed) => {
      const { romeo, juliet } = bed
      await roster(juliet)
      const subscription = subscribe(bed)
      const answer = await subscription.answered
      expect(answer.status).toBe(200)
      const pending = await subscription.notifications.next()
      expect(stateOf(pending)).toMatch(/^pending;expires=(3600|3599)$/)
      expect(pending.body).toBe('')
      expect(pending.headers('event')).toEqual(['presence'])
      const asked = await juliet.stanzas.next(typed('subscribe'))
      expect(asked.attrs.to).toBe(JULIET)
      await say(juliet, 'subscribed')
      const active = await subscription.notifications.next()
      expect(stateOf(active)).toMatch(/^active;expires=3[56]\d\d$/)
      expect(active.headers('content-type')).toEqual(['application/pidf+xml'])
      expect(tuplesOf(active)).toEqual(['open'])
      expect(romeo.errors).toEqual([])
    }))

  test('25. refusal-gives-terminated-rejected', () =>
    onBed({}, async (bed) => {
      await roster(bed.juliet)
      const { notifications } = subscribe(bed)
      await notifications.next()
      await bed.juliet.stanzas.next(typed('subscribe'))
      await say(bed.juliet, 'unsubscribed')
      const last = await notifications.next()
      expect([stateOf(last), last.body]).toEqual(['terminated;reason=rejected', ''])
    }))

  test('a withdrawal later is the same, and whoever asks again waits', () =>
    onBed({}, async (bed) => {
      const { notifications } = await watching(bed)
      await say(bed.juliet, 'unsubscribed')
      expect(stateOf(await notifications.next())).toBe('terminated;reason=rejected')
      const again = subscribe(bed)
      expect(stateOf(await again.notifications.next())).toMatch(/^pending/)
      await bed.juliet.stanzas.next(typed('subscribe'))
    }))

  test('nobody waits for ever: giveup, and the request is taken back', () =>
    onBed(configured({ giveUp: '2s' }), async (bed) => {
      await roster(bed.juliet)
      const { notifications } = subscribe(bed)
      await notifications.next()
      await bed.juliet.stanzas.next(typed('subscribe'))
      expect(stateOf(await notifications.next())).toBe('terminated;reason=giveup;retry-after=86400')
      await bed.juliet.stanzas.next(typed('unsubscribe'))
    }))

  test('an account that does not exist and one that does not answer look the same', () =>
    onBed({}, async (bed) => {
      const seen = []
      for (const to of [JULIET, 'nobody@xmpp.example']) {
        const { answered, notifications } = subscribe(bed, to)
        const { status } = await answered
        const first = await notifications.next()
        const more = notifications.next(undefined, { within: 1500 }).then(stateOf, () => 'nothing more')
        seen.push([status, stateOf(first).slice(0, 7), first.body, await more])
      }
      expect(seen).toEqual([
        [200, 'pending', '', 'nothing more'],
        [200, 'pending', '', 'nothing more'],
      ])
    }))

  test('several devices, one authorization', () =>
    onBed(QUICK, async (bed) => {
      const phone = await watching(bed)
      const tablet = subscribe(bed, JULIET, 600)
      const first = await tablet.notifications.next()
      expect(stateOf(first)).toMatch(/^active;expires=(600|599)$/)
      expect(tuplesOf(first)).toEqual(['open'])
      await bed.juliet.send(xml('presence', {}, xml('show', {}, 'dnd')))
      for (const { notifications } of [phone, tablet])
        expect(tuplesOf(await notifications.next())).toEqual(['open dnd'])
      expect((await phone.end()).status).toBe(200)
      await say(bed.juliet, 'unsubscribed')
      expect(stateOf(await tablet.notifications.next())).toBe('terminated;reason=rejected')
      expect(stateOf(await phone.notifications.next())).toBe('terminated;reason=timeout')
    }))
})

describe('refresh and end', () => {
  test('a refresh has 200 and the state', () =>
    onBed({}, async (bed) => {
      const { refresh, notifications } = await watching(bed)
      expect((await refresh()).status).toBe(200)
      const again = await notifications.next()
      expect(stateOf(again)).toMatch(/^active;expires=(3600|3599)$/)
      expect(tuplesOf(again)).toEqual(['open'])
    }))

  test('27. refresh-without-known-state-is-empty', () =>
    onBed({}, async (bed) => {
      await roster(bed.juliet)
      const { refresh, notifications } = subscribe(bed)
      await notifications.next()
      await bed.juliet.stanzas.next(typed('subscribe'))
      expect((await refresh()).status).toBe(200)
      const again = await notifications.next()
      expect([stateOf(again), again.body]).toEqual([expect.stringMatching(/^pending;/), ''])
      expect(again.headers('content-type')).toEqual([])
    }))

  test('423 with Min-Expires where it is too short', () =>
    onBed({}, async (bed) => {
      const answer = await subscribe(bed, JULIET, 30).answered
      expect([answer.status, answer.header('min-expires')]).toEqual([423, '60'])
    }))

  test('26. expires-zero-gives-closed-and-directed-unavailable-not-unsubscribe', () =>
    onBed({}, async (bed) => {
      const { end, notifications } = await watching(bed)
      expect((await end()).status).toBe(200)
      const last = await notifications.next()
      expect([stateOf(last), tuplesOf(last)]).toEqual(['terminated;reason=timeout', ['closed']])
      await bed.juliet.stanzas.next(typed('unavailable'))
      // The authorization stands: nobody is asked again.
      const again = await subscribe(bed).notifications.next()
      expect([stateOf(again).slice(0, 6), tuplesOf(again)]).toEqual(['active', ['open']])
      expect(bed.juliet.stanzas.all.filter(typed('unsubscribe'))).toEqual([])
      expect(bed.juliet.stanzas.all.filter(typed('subscribe'))).toHaveLength(1)
    }))
})

describe('a fetch (RFC 8048 §7.2)', () => {
  test('of somebody who may see it: the state, also where it must be asked for', () =>
    onBed({}, async (bed) => {
      const { end } = await watching(bed)
      await end()
      const known = await subscribe(bed, JULIET, 0).notifications.next()
      expect([stateOf(known), tuplesOf(known)]).toEqual(['terminated;reason=timeout', ['open']])
      // Without a store the next process knows nothing of it; Prosody does.
      await bed.gateway.stop()
      await using next = await startDragoman({
        config: bed.enabled,
        env: { DRAGOMAN_PROSODY_SECRET: SECRET },
      })
      await next.log.next(({ msg }) => msg === 'link is live')
      const asked = await subscribe(bed, JULIET, 0).notifications.next()
      expect([stateOf(asked), tuplesOf(asked)]).toEqual(['terminated;reason=timeout', ['open']])
    }))

  test('of somebody who may not: nothing, whether or not there is such a user', () =>
    onBed({}, async (bed) => {
      await roster(bed.juliet)
      for (const to of [JULIET, 'nobody@xmpp.example']) {
        const { answered, notifications } = subscribe(bed, to, 0)
        expect((await answered).status).toBe(200)
        const only = await notifications.next()
        expect([stateOf(only), only.body]).toEqual(['terminated;reason=timeout', ''])
      }
      expect(bed.juliet.stanzas.all.filter(typed('subscribe'))).toEqual([])
    }))

  test('and a subscription at once after it is not refused by the answer to its probe', () =>
    onBed({}, async (bed) => {
      await roster(bed.juliet)
      const fetch = subscribe(bed, JULIET, 0)
      const { notifications } = subscribe(bed)
      await fetch.notifications.next()
      expect(stateOf(await notifications.next())).toMatch(/^pending/)
      await bed.juliet.stanzas.next(typed('subscribe'))
      await say(bed.juliet, 'subscribed')
      expect(stateOf(await notifications.next())).toMatch(/^active/)
    }))
})

describe('the state', () => {
  test('28. only-untyped-and-unavailable-presence-become-notify', () =>
    onBed(QUICK, async (bed) => {
      const { notifications } = await watching(bed)
      for (const type of ['subscribe', 'unsubscribe', 'subscribed']) await say(bed.juliet, type)
      await bed.juliet.send(xml('presence', {}, xml('show', {}, 'away')))
      expect(tuplesOf(await notifications.next())).toEqual(['open away'])
      await bed.juliet.send(xml('presence', { type: 'unavailable' }))
      expect(tuplesOf(await notifications.next())).toEqual(['closed'])
    }))

  test('31. show-survives-in-pidf, 29. negative-priority-is-not-mapped, notes with their language', () =>
    onBed(QUICK, async ({ juliet, ...rest }) => {
      const { notifications } = await watching({ juliet, ...rest })
      for (const show of ['away', 'chat', 'dnd', 'xa']) {
        await juliet.send(xml('presence', {}, xml('show', {}, show)))
        expect(tuplesOf(await notifications.next())).toEqual([`open ${show}`])
      }
      await juliet.send(
        xml(
          'presence',
          {},
          xml('status', { 'xml:lang': 'cs' }, 'na balkóně'),
          xml('status', { 'xml:lang': 'en' }, 'on the balcony'),
          xml('priority', {}, '127'),
        ),
      )
      const { body } = await notifications.next()
      expect(body).toContain('<note xml:lang="cs">na balkóně</note>')
      expect(body).toContain('<note xml:lang="en">on the balcony</note>')
      expect(body).toMatch(/<contact priority="1">sip:juliet@xmpp\.example;gr=/)
      await juliet.send(xml('presence', {}, xml('priority', {}, '-1')))
      const negative = (await notifications.next()).body
      expect(negative).toContain('<contact>')
    }))

  test('32. all-resources-in-one-document', () =>
    onBed(QUICK, async (bed) => {
      const { notifications } = await watching(bed)
      {
        await using chamber = await startXmppClient({
          port: bed.prosody.c2sPort,
          domain: bed.prosody.host,
          username: 'juliet',
          password: 'balcony',
          resource: '9 chamber/é',
        })
        expect(tuplesOf(await notifications.next())).toEqual(['open', 'open'])
        await chamber.send(xml('presence', {}, xml('show', {}, 'xa')))
        const both = await notifications.next()
        expect(tuplesOf(both)).toEqual(['open', 'open xa'])
        // 30. tuple-id-is-a-valid-ncname-for-any-resource
        expect(both.body).toContain('<tuple id="ID-9_x20_chamber_x2f__xe9_">')
      }
      expect(tuplesOf(await notifications.next())).toEqual(['closed', 'open'])
    }))

  test('34. at-most-one-presence-notify-per-five-seconds: here per second, and the last one wins', () =>
    onBed(configured({ interval: '1s' }), async (bed) => {
      const { notifications } = await watching(bed)
      const begun = Date.now()
      for (let i = 1; i <= 50; i++) {
        await bed.juliet.send(xml('presence', {}, xml('status', {}, `${i}`)))
        await new Promise((resolve) => setTimeout(resolve, 40))
      }
      await notifications.next((notify) => tuplesOf(notify).includes('open 50'))
      const seconds = (Date.now() - begun) / 1000
      const changes = notifications.all.filter((notify) => /open \d/.test(tuplesOf(notify).join()))
      expect(changes.length).toBeGreaterThan(1)
      expect(changes.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
    }))

  test('36. presence-goes-only-to-the-addressee: directed presence tells nothing to somebody who waits', () =>
    onBed(QUICK, async (bed) => {
      await roster(bed.juliet)
      const { notifications, refresh } = subscribe(bed)
      await notifications.next()
      await bed.juliet.stanzas.next(typed('subscribe'))
      await bed.juliet.send(xml('presence', { to: ROMEO }, xml('show', {}, 'chat')))
      await refresh()
      const next = await notifications.next()
      expect([stateOf(next).slice(0, 7), next.body]).toEqual(['pending', ''])
    }))
})
