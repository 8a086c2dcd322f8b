import { describe, expect, test } from 'vitest'
import { dragoman, startDragoman } from '../support/dragoman.ts'
import { pidf } from '../support/presence-stage.ts'
import type { Prosody } from '../support/prosody.ts'
import { type Federated, federatedWith, JULIET, OTHER, ROMEO } from '../support/s2s-bed.ts'
import type { ReceivedSipMessage } from '../support/sip-user-agent.ts'
import { type Element, stanzaError, startXmppClient, xml } from '../support/xmpp-client.ts'

/** Presence over streams between servers. Juliet's server lets her set the terms: real rosters, on both sides of which we are one. */

interface Scene extends Federated {
  cli(...args: readonly string[]): Promise<void>
}

interface Setting {
  readonly server?: 'prosody' | 'ejabberd'
  readonly verification?: 'all' | 'contacts'
  readonly presence?: object
}

/** Juliet has asked for her roster, without which no server tells a client of subscriptions. */
async function onScene(setting: Setting, scene: (world: Scene) => Promise<void>): Promise<void> {
  const { server = 'prosody', verification = 'all', presence = {} } = setting
  const top = { presence: { interval: '100ms', ...presence } }
  const s2s = { retry: { first: '200ms', ceiling: '1s' } }
  await federatedWith({ server, provider: { verification }, s2s, top }, async (world) => {
    await world.juliet.iq(roster())
    await scene({
      ...world,
      async cli(...args) {
        const { code, stdout, stderr } = await dragoman([...args, '--config', world.gateway.configFile])
        expect([code, stderr], stdout).toEqual([0, ''])
      },
    })
  })
}

const roster = () => xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' }))
const logIn = ({ c2sPort: port }: Federated['server']) =>
  startXmppClient({ port, domain: OTHER, username: 'juliet', password: 'balcony' })
const say = ({ juliet }: Federated, type: string, id?: string) =>
  juliet.send(xml('presence', { to: ROMEO, type, id }))
const fromRomeo = (type: string | undefined) => (stanza: Element) =>
  stanza.is('presence') && stanza.attrs.type === type && String(stanza.attrs.from).startsWith(ROMEO)
const showing = (show: string) => (stanza: Element) =>
  fromRomeo(undefined)(stanza) && stanza.getChildText('show') === show
const stateOf = (notify: ReceivedSipMessage): string => notify.headers('subscription-state').join()

const document = (basic: string, show: string) => ({
  type: 'application/pidf+xml',
  text: `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${ROMEO}"><tuple id="ID-orchard"><status><basic>${basic}</basic>${
    show === '' ? '' : `<show xmlns="jabber:client">${show}</show>`
  }</status></tuple></presence>`,
})

/** Juliet watches Romeo, and sees him. */
async function watched(world: Federated) {
  await say(world, 'subscribe')
  const incoming = await world.romeo.subscriptions.next()
  incoming.accept()
  await incoming.notify({ state: 'active;expires=3600', body: pidf('here') })
  await world.juliet.stanzas.next(fromRomeo('subscribed'))
  await world.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'here')
  return incoming
}

/** Romeo watches Juliet, and sees her. */
async function watching(world: Federated) {
  const subscription = world.romeo.subscribe({ to: `sip:${JULIET}` })
  expect(stateOf(await subscription.notifications.next())).toMatch(/^pending;/)
  await world.juliet.stanzas.next(fromRomeo('subscribe'))
  await say(world, 'subscribed')
  const active = await subscription.notifications.next()
  expect(stateOf(active)).toMatch(/^active;/)
  expect(active.body).toContain('<basic>open</basic>')
  return subscription
}

describe.each(['prosody', 'ejabberd'] as const)('%s', (server) => {
  test('an XMPP user watches a SIP user, once on the Allow list: available, away, unavailable, and the end', () =>
    onScene({ server, verification: 'contacts' }, async (world) => {
      const { juliet, romeo } = world
      await say(world, 'subscribe', 'first')
      const refusal = await juliet.stanzas.next(fromRomeo('error'))
      expect(stanzaError(refusal)).toMatchObject({ type: 'auth', condition: 'forbidden' })
      await romeo.subscriptions.none(() => true, 200)

      await world.cli('contact', 'add', ROMEO, 'allow', JULIET)
      const incoming = await watched(world)
      await incoming.notify({ state: 'active;expires=3600', body: document('open', 'away') })
      await juliet.stanzas.next(showing('away'))
      await incoming.notify({ state: 'active;expires=3600', body: document('closed', '') })
      await juliet.stanzas.next(fromRomeo('unavailable'))
      await say(world, 'unsubscribe')
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
    }))

  test('a SIP user watches an XMPP user: pending, approved, each state, terminated', () =>
    onScene({ server }, async (world) => {
      const { juliet } = world
      const { notifications } = await watching(world)
      await juliet.send(xml('presence', {}, xml('show', {}, 'away')))
      expect((await notifications.next()).body).toContain('away')
      await juliet.send(xml('presence', { type: 'unavailable' }))
      expect((await notifications.next()).body).toContain('<basic>closed</basic>')
      await say(world, 'unsubscribed')
      expect(stateOf(await notifications.next(({ body }) => body === ''))).toBe('terminated;reason=rejected')
    }))
})

const terminated = (notify: ReceivedSipMessage): boolean => stateOf(notify).startsWith('terminated')

describe('the rules, and what goes away', () => {
  test('a provider that is disabled, and one that is suspended: both ends hear of it, the streams end; and it comes back', () =>
    onScene({}, async (world) => {
      const { gateway, juliet, romeo, config } = world
      const { notifications } = await watching(world)
      let incoming = await watched(world)
      const streamsEnd = () => gateway.log.next(({ msg }) => msg === 'a stream between servers has ended')
      const back = async (text: string) => {
        const anew = await romeo.subscriptions.next()
        anew.accept()
        await anew.notify({ state: 'active;expires=3600', body: pidf(text) })
        await juliet.stanzas.next((stanza) => stanza.getChildText('status') === text)
        return anew
      }

      await gateway.reload(world.configWith({ enabled: false, verification: 'all' }))
      expect(stateOf(await notifications.next(terminated))).toMatch(
        /^terminated;reason=probation;retry-after=\d+$/,
      )
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await juliet.stanzas.next(fromRomeo('unavailable'))
      await streamsEnd()
      await streamsEnd()
      await juliet.stanzas.none(fromRomeo('unsubscribed'), 200)
      await gateway.reload(config)
      incoming = await back('enabled')

      await world.cli('provider', 'suspend', 'Capulet', '--reason', 'flood')
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await juliet.stanzas.next(fromRomeo('unavailable'))
      await streamsEnd()
      await world.cli('provider', 'resume', 'Capulet')
      await back('resumed')
    }))

  test('the gateway is restarted: who watched goes on', () =>
    onScene({}, async (world) => {
      const { gateway, juliet, config } = world
      const { notifications } = await watching(world)
      const incoming = await watched(world)
      expect((await gateway.stop()).code).toBe(0)
      await using next = await startDragoman({ config })
      expect(await next.log.next(({ msg }) => msg === 'presence goes on')).toMatchObject({
        dialogs: 2,
        resumed: 2,
      })
      await juliet.send(xml('presence', {}, xml('show', {}, 'dnd')))
      expect((await notifications.next(({ body }) => body.includes('dnd'))).body).toContain('open')
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['3600'])
      await incoming.notify({ state: 'active;expires=3600', body: pidf('still here') })
      await juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'still here')
    }))

  test('the other server is away: nobody is asked in vain, and what was seen is not for ever', () =>
    onScene({ presence: { stale: '1s' } }, async (world) => {
      const { romeo, server } = world
      const { notifications, refresh } = await watching(world)
      await server.kill()
      const asked = romeo.subscribe({ to: 'sip:nurse@xmpp.example' })
      expect(stateOf(await asked.notifications.next())).toMatch(/^pending/)
      expect(stateOf(await asked.notifications.next())).toMatch(
        /^terminated;reason=probation;retry-after=\d+$/,
      )
      await new Promise((resolve) => setTimeout(resolve, 1200))
      expect((await refresh()).status).toBe(200)
      expect((await notifications.next()).body).toContain('<basic>closed</basic>')

      await server.start()
      await using again = await logIn(server)
      await notifications.next(({ body }) => body.includes('<basic>open</basic>'))
      await again.send(xml('presence', {}, xml('show', {}, 'xa')))
      expect((await notifications.next(({ body }) => body.includes('>xa<'))).body).toContain('open')
    }))

  test('both are away at once: who watched hears of the other one again', () =>
    onScene({ presence: { stale: '1s' } }, async (world) => {
      const { gateway, server, config } = world
      const { notifications } = await watching(world)
      expect((await gateway.stop()).code).toBe(0)
      await server.kill()
      await using next = await startDragoman({ config })
      await next.log.next(({ msg, domain }) => msg === 'a domain cannot be reached' && domain === OTHER)
      await server.start()
      await using again = await logIn(server)
      await again.send(xml('presence', {}, xml('show', {}, 'dnd')))
      expect((await notifications.next(({ body }) => body.includes('>dnd<'))).body).toContain('open')
    }))

  test('a stream dies with a request in it: it is made again over the next one', () =>
    onScene({}, async (world) => {
      const { romeo } = world
      const server = world.server as Prosody
      expect((await romeo.message({ to: `sip:${JULIET}`, body: 'art thou there?' })).status).toBe(200)
      server.pause()
      const { notifications } = romeo.subscribe({ to: `sip:${JULIET}` })
      expect(stateOf(await notifications.next())).toMatch(/^pending/)
      await server.kill()
      await server.start()
      await using again = await logIn(server)
      await again.iq(roster())
      await again.stanzas.next(fromRomeo('subscribe'))
      await again.send(xml('presence', { to: ROMEO, type: 'subscribed' }))
      expect(stateOf(await notifications.next())).toMatch(/^active/)
    }))
})
