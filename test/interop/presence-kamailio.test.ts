import { describe, expect, test } from 'vitest'
import { logIn, onBed } from '../support/bed.ts'
import { askRoster, JULIET, type KamailioBed, onKamailio, ROMEO, withHome } from '../support/kamailio-bed.ts'
import type { ReceivedSipMessage } from '../support/sip-user-agent.ts'
import { type Element, type XmppClient, xml } from '../support/xmpp-client.ts'

const tuple = (id: string, basic: string, note: string): string =>
  `<tuple id="${id}"><status><basic>${basic}</basic></status><note>${note}</note></tuple>`
const pidf = (...tuples: readonly string[]): string =>
  `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:${ROMEO}">${tuples.join('')}</presence>`

/** Rules of RFC 5025: what is done with Juliet, or with nobody. */
const ruling = (handling?: 'allow' | 'block' | 'polite-block' | 'confirm'): string =>
  [
    '<?xml version="1.0"?><ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">',
    ...(handling === undefined
      ? []
      : [
          `<rule id="juliet"><conditions><identity><one id="sip:${JULIET}"/></identity></conditions>`,
          `<actions><pr:sub-handling>${handling}</pr:sub-handling></actions><transformations/></rule>`,
        ]),
    '</ruleset>',
  ].join('')

const say = (client: XmppClient, type: string, attributes: object = {}): Promise<void> =>
  client.send(xml('presence', { to: ROMEO, type, ...attributes }))
const told = (client: XmppClient, type: string): Promise<Element> =>
  client.stanzas.next((stanza) => stanza.is('presence') && stanza.attrs.type === type && from(stanza), {
    what: `no ${type}`,
  })
const from = (stanza: Element): boolean => String(stanza.attrs.from).startsWith(ROMEO)
const shown = (client: XmppClient, resource: string): Promise<Element> =>
  client.stanzas.next((stanza) => stanza.is('presence') && stanza.attrs.from === `${ROMEO}/${resource}`, {
    what: `nothing of ${resource}`,
  })
/** What Juliet was told of Romeo, all of it. */
const saidOf = (client: XmppClient): readonly string[] =>
  client.stanzas.all.filter((stanza) => stanza.is('presence') && from(stanza)).map(String)

const statusOf = (element: Element): unknown => element.getChildText('status')
const stateOf = (notify: ReceivedSipMessage): string => notify.headers('subscription-state').join()
const subscribes = ({ home }: KamailioBed): number =>
  home.passed.all.filter(({ method, from }) => method === 'SUBSCRIBE' && from === `sip:${JULIET}`).length

describe.each(['udp', 'tcp'] as const)('an XMPP user watches a user of Kamailio, over %s', (transport) => {
  test('sees what is published, what changes, what is only refreshed, and what goes', () =>
    onKamailio({ kamailio: { presence: true }, transport }, async (bed) => {
      const { juliet, publish } = bed
      const first = await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'subscribe')
      await told(juliet, 'subscribed')
      expect(statusOf(await shown(juliet, 'orchard'))).toBe('here')

      const second = await publish(pidf(tuple('ID-orchard', 'open', 'under the balcony')), { etag: first })
      expect(statusOf(await shown(juliet, 'orchard'))).toBe('under the balcony')

      const before = saidOf(juliet).length
      const third = await publish(undefined, { etag: second })
      await bed.gateway.log.next(({ msg }) => msg === 'request')
      const both = await publish(
        pidf(tuple('ID-orchard', 'open', 'under the balcony'), tuple('ID-cell', 'open', '')),
        { etag: third },
      )
      await shown(juliet, 'cell')
      // Neither the refresh nor what stayed the same was told again.
      expect(saidOf(juliet)).toHaveLength(before + 1)

      const one = await publish(pidf(tuple('ID-cell', 'open', '')), { etag: both })
      expect((await shown(juliet, 'orchard')).attrs.type).toBe('unavailable')
      await publish(undefined, { etag: one, expires: 0 })
      expect((await shown(juliet, 'cell')).attrs.type).toBe('unavailable')
      expect(bed.complaints()).toEqual([])
    }))

  test('leaves: the subscription ends, nothing is shown any more', () =>
    onKamailio({ kamailio: { presence: true }, transport }, async (bed) => {
      const { juliet, publish, home } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'subscribe')
      await shown(juliet, 'orchard')
      await say(juliet, 'unsubscribe')
      expect((await shown(juliet, 'orchard')).attrs.type).toBe('unavailable')
      const last = await home.passed.next(
        ({ method, requestUri }) => method === 'SUBSCRIBE' && requestUri.includes('presence.'),
      )
      expect(last.from).toBe(`sip:${JULIET}`)
      const after = subscribes(bed)
      await say(juliet, 'subscribe')
      expect(statusOf(await shown(juliet, 'orchard'))).toBe('here')
      expect(subscribes(bed)).toBe(after + 1)
      expect(bed.complaints()).toEqual([])
    }))
})

describe('an XMPP user asks, and the user of Kamailio decides (RFC 5025)', () => {
  test('pending until it is allowed; then the state', () =>
    onKamailio({ kamailio: { presence: 'rules' } }, async (bed) => {
      const { juliet, publish, home } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'subscribe')
      await home.passed.next(({ method }) => method === 'SUBSCRIBE')
      await bed.gateway.log.next(({ msg, from }) => msg === 'request' && from === ROMEO)
      expect(saidOf(juliet)).toEqual([])
      await home.rule('romeo', ruling('allow'))
      await told(juliet, 'subscribed')
      expect(statusOf(await shown(juliet, 'orchard'))).toBe('here')
      expect(bed.complaints()).toEqual([])
    }))

  test('refused: unsubscribed; and after an approval, too', () =>
    onKamailio({ kamailio: { presence: 'rules' } }, async (bed) => {
      const { juliet, publish, home } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await home.rule('romeo', ruling('allow'))
      await say(juliet, 'subscribe')
      await shown(juliet, 'orchard')
      await home.rule('romeo', ruling('block'))
      await told(juliet, 'unsubscribed')
      expect((await shown(juliet, 'orchard')).attrs.type).toBe('unavailable')
      await say(juliet, 'subscribe')
      await told(juliet, 'unsubscribed')
      expect(bed.complaints()).toEqual([])
    }))
})

describe('a probe', () => {
  test('of somebody without an authorization asks once, in a dialog of its own', () =>
    onKamailio({ kamailio: { presence: true } }, async (bed) => {
      const { juliet, publish, home } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'probe')
      expect(statusOf(await shown(juliet, 'orchard'))).toBe('here')
      expect(subscribes(bed)).toBe(1)
      expect((await home.passed.next(({ method }) => method === 'SUBSCRIBE')).from).toBe(`sip:${JULIET}`)
      expect(bed.complaints()).toEqual([])
    }))

  test('of a second device shows what is known, and asks nobody', () =>
    onKamailio({ kamailio: { presence: true } }, async (bed) => {
      const { juliet, publish, prosody } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'subscribe')
      await shown(juliet, 'orchard')
      await using second = await logIn(prosody)
      expect(statusOf(await shown(second, 'orchard'))).toBe('here')
      expect(subscribes(bed)).toBe(1)
    }))

  test('of a user who comes again: while both watch each other, nobody is asked for somebody who is not there', () =>
    onKamailio({ kamailio: { presence: true } }, async (bed) => {
      const { juliet, romeo, publish, prosody, home } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'subscribe')
      await shown(juliet, 'orchard')
      const watching = romeo.subscribe({ to: `sip:${JULIET}` })
      await told(juliet, 'subscribe')
      await say(juliet, 'subscribed')
      await watching.notifications.next(({ body }) => body.includes('<basic>open'))

      const [first] = home.passed.all.filter(({ from }) => from === `sip:${JULIET}`)
      await juliet.close()
      const left = await home.passed.next(
        ({ method, requestUri }) => method === 'SUBSCRIBE' && requestUri.includes('presence.'),
      )
      expect(left.callId).toBe(first?.callId)
      await using again = await logIn(prosody)
      expect(statusOf(await shown(again, 'orchard'))).toBe('here')
      expect(subscribes(bed)).toBe(3)
      expect(bed.complaints()).toEqual([])
    }))
})

describe.each(['udp', 'tcp'] as const)('a user of Kamailio watches an XMPP user, over %s', (transport) => {
  test('pending, approved, two devices, one goes, the other goes, the end', () =>
    onKamailio({ transport }, async (bed) => {
      const { juliet, romeo, prosody, home } = bed
      const subscription = romeo.subscribe({ to: `sip:${JULIET}` })
      expect((await subscription.answered).status).toBe(200)
      const pending = await subscription.notifications.next()
      expect([stateOf(pending), pending.body]).toEqual([expect.stringMatching(/^pending;expires=/), ''])
      // The dialog goes through Kamailio to our listener.
      expect(pending.headers('record-route')).toEqual([
        expect.stringContaining(`127.0.0.1:${home.port}`),
        expect.stringContaining('transport='),
      ])
      await told(juliet, 'subscribe')
      await say(juliet, 'subscribed')
      const active = await subscription.notifications.next()
      expect(stateOf(active)).toMatch(/^active;expires=/)
      expect(active.body.match(/<basic>open/g)).toHaveLength(1)

      await using second = await logIn(prosody)
      expect((await subscription.notifications.next()).body.match(/<basic>open/g)).toHaveLength(2)
      await second.send(xml('presence', {}, xml('show', {}, 'dnd'), xml('status', {}, 'asleep')))
      expect((await subscription.notifications.next()).body).toMatch(/dnd[\s\S]*asleep/)
      await second.close()
      expect(
        (await subscription.notifications.next()).body.match(/<basic>(open|closed)/g)?.toSorted(),
      ).toEqual(['<basic>closed', '<basic>open'])

      expect((await subscription.refresh()).status).toBe(200)
      expect(stateOf(await subscription.notifications.next())).toMatch(/^active;expires=(3600|3599)$/)
      expect((await subscription.end()).status).toBe(200)
      const last = await subscription.notifications.next()
      expect(stateOf(last)).toBe('terminated;reason=timeout')
      expect(last.body).toContain('<basic>closed')
      expect((await told(juliet, 'unavailable')).attrs.from).toMatch(ROMEO)
      expect(bed.complaints()).toEqual([])
    }))

  test('refused, and asked again', () =>
    onKamailio({ transport }, async (bed) => {
      const { juliet, romeo } = bed
      const subscription = romeo.subscribe({ to: `sip:${JULIET}` })
      await told(juliet, 'subscribe')
      await say(juliet, 'unsubscribed')
      const last = await subscription.notifications.next((notify) => stateOf(notify).startsWith('terminated'))
      expect([stateOf(last), last.body]).toEqual(['terminated;reason=rejected', ''])
      const again = romeo.subscribe({ to: `sip:${JULIET}` })
      await told(juliet, 'subscribe')
      await say(juliet, 'subscribed')
      await again.notifications.next((notify) => stateOf(notify).startsWith('active'))
      expect(bed.complaints()).toEqual([])
    }))
})

describe('a Kamailio that asks for a digest (RFC 3261 §22)', () => {
  const asking = {
    kamailio: { presence: true, challenges: { username: 'dragoman', password: 'mercury' } },
    row: { credentials: { realm: 'sip.example', username: 'dragoman', password: { env: 'HOME_PASSWORD' } } },
    env: { HOME_PASSWORD: 'mercury' },
  } as const

  test('gets it for SUBSCRIBE, at first and within the dialog', () =>
    onKamailio(asking, async (bed) => {
      const { juliet, publish } = bed
      await publish(pidf(tuple('ID-orchard', 'open', 'here')))
      await say(juliet, 'subscribe')
      expect(statusOf(await shown(juliet, 'orchard'))).toBe('here')
      expect(subscribes(bed)).toBe(2)
      await say(juliet, 'unsubscribe')
      expect((await shown(juliet, 'orchard')).attrs.type).toBe('unavailable')
      // What it has asked for before comes beforehand.
      expect(subscribes(bed)).toBe(3)
      expect(bed.complaints()).toEqual([])
    }))

  test('gets it for NOTIFY', () =>
    onKamailio({ ...asking, kamailio: { ...asking.kamailio, presence: false } }, async (bed) => {
      const { juliet, romeo } = bed
      const subscription = romeo.subscribe({ to: `sip:${JULIET}` })
      const pending = await subscription.notifications.next()
      expect([stateOf(pending), pending.cseq]).toEqual([expect.stringMatching(/^pending/), 2])
      await told(juliet, 'subscribe')
      await say(juliet, 'subscribed')
      const active = await subscription.notifications.next()
      expect([stateOf(active), active.cseq]).toEqual([expect.stringMatching(/^active/), 3])
      expect((await subscription.end()).status).toBe(200)
      expect(stateOf(await subscription.notifications.next())).toMatch(/^terminated/)
      expect(bed.complaints()).toEqual([])
    }))

  test('with another password: the request waits, and the log says what to do', () =>
    onKamailio({ ...asking, env: { HOME_PASSWORD: 'tybalt' } }, async (bed) => {
      const { gateway, juliet } = bed
      await say(juliet, 'subscribe')
      const line = await gateway.log.next(({ msg }) => msg === 'the home server does not accept who we are')
      expect(line).toMatchObject({ level: 40, home: 'main', cure: 'correct its credentials' })
      expect(subscribes(bed)).toBe(2)
      expect(juliet.stanzas.all.filter((stanza) => stanza.is('presence') && from(stanza))).toEqual([])
    }))
})

describe('a home server that acts by our mark finds it', () => {
  const MARK = 'ms-edge-proxy-message-trust'
  const marked = (config: object): object => withHome(config, { enforce: 'home' })
  const OURS = [
    expect.stringMatching(
      /^ms-source-type=.*;ms-source-verified-user=verified;ms-source-network=federation$/,
    ),
  ]

  test('in SUBSCRIBE, at first and within the dialog', () =>
    onBed({ configure: marked }, async ({ romeo, juliet }) => {
      await askRoster(juliet)
      await say(juliet, 'subscribe')
      const incoming = await romeo.subscriptions.next()
      expect(incoming.request.headers(MARK)).toEqual(OURS)
      incoming.accept()
      await incoming.notify({ state: 'active;expires=3600' })
      await told(juliet, 'subscribed')
      await say(juliet, 'unsubscribe')
      expect((await incoming.refreshes.next()).headers(MARK)).toEqual(OURS)
    }))

  test('in the answer to its SUBSCRIBE and in NOTIFY', () =>
    onBed({ configure: marked }, async ({ romeo, sipPort }) => {
      const nextHop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
      const subscription = romeo.subscribe({ to: `sip:${JULIET}`, nextHop })
      expect([(await subscription.answered).header(MARK)]).toEqual(OURS)
      expect((await subscription.notifications.next()).headers(MARK)).toEqual(OURS)
    }))

  test('and no other does', () =>
    onBed({}, async ({ romeo, juliet }) => {
      await say(juliet, 'subscribe')
      expect((await romeo.subscriptions.next()).request.headers(MARK)).toEqual([])
    }))
})
