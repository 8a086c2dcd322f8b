import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { JULIET, ROMEO, SECRET } from '../support/bed.ts'
import { type Dragoman, gatewayConfig, startDragoman } from '../support/dragoman.ts'
import { type Prosody, startProsody } from '../support/prosody.ts'
import { type SipUserAgent, startSipUserAgent } from '../support/sip-user-agent.ts'
import { tempDir } from '../support/temp.ts'
import { type Element, startXmppClient, type XmppClient, xml } from '../support/xmpp-client.ts'

interface Stage {
  readonly prosody: Prosody
  readonly romeo: SipUserAgent
  readonly juliet: XmppClient
  readonly sipPort: number
  readonly config: object
  gateway: Dragoman
  /** SIGKILL, and a new process on the same files. */
  again(): Promise<void>
}

/** Juliet on Prosody, Romeo's home server played by sip.js, Dragoman with a store. */
async function onStage(scene: (stage: Stage) => Promise<void>): Promise<void> {
  await using prosody = await startProsody({
    host: 'xmpp.example',
    users: [{ name: 'juliet', password: 'balcony' }],
    components: [{ domain: 'sip.example', secret: SECRET }],
  })
  await using romeo = await startSipUserAgent({ uri: `sip:${ROMEO}` })
  const settings = await gatewayConfig({
    componentPort: prosody.componentPort,
    homePort: romeo.port,
    homeTransport: 'udp',
  })
  await using directory = await tempDir('presence')
  const config = { ...settings.config, store: { sqlite: join(directory.path, 'federation.db') } }
  const start = (): Promise<Dragoman> =>
    startDragoman({
      config,
      configFile: join(directory.path, 'gateway.config.yaml'),
      env: { DRAGOMAN_PROSODY_SECRET: SECRET },
    })
  const linked = () => prosody.line(/External component successfully authenticated/)
  const stage: Stage = {
    prosody,
    romeo,
    juliet: undefined as unknown as XmppClient,
    sipPort: settings.sipPort,
    config,
    gateway: await start(),
    again: async () => {
      await stage.gateway.kill()
      stage.gateway = await start()
      await linked()
    },
  }
  try {
    await linked()
    await using juliet = await startXmppClient({
      port: prosody.c2sPort,
      domain: 'xmpp.example',
      username: 'juliet',
      password: 'balcony',
      resource: 'balcony',
      reconnect: true,
    })
    await roster(juliet)
    await scene(Object.assign(stage, { juliet }))
  } catch (error) {
    console.error(stage.gateway.output().split('\n').slice(-30).join('\n'))
    throw error
  } finally {
    await stage.gateway[Symbol.asyncDispose]()
  }
}

const roster = (client: XmppClient): Promise<Element> =>
  client.iq(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))

const presence = (type: string): Element => xml('presence', { to: ROMEO, type })
const isPresence = (type: string | undefined) => (stanza: Element) =>
  stanza.is('presence') && stanza.attrs.type === type && String(stanza.attrs.from).startsWith(ROMEO)

const pidf = (note: string, tuple = 'orchard') => ({
  type: 'application/pidf+xml',
  text: `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${ROMEO}"><tuple id="ID-${tuple}"><status><basic>open</basic></status><note>${note}</note></tuple></presence>`,
})

/** Romeo watches Juliet, and sees her. */
async function watching({ romeo, juliet, sipPort }: Stage) {
  const hop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
  const subscription = romeo.subscribe({ to: `sip:${JULIET}`, nextHop: hop })
  await subscription.notifications.next()
  await juliet.stanzas.next(isPresence('subscribe'))
  await juliet.send(presence('subscribed'))
  expect((await subscription.notifications.next()).body).toContain('open')
  return subscription
}

/** Juliet watches Romeo, and sees him. */
async function watched({ romeo, juliet }: Stage) {
  await juliet.send(presence('subscribe'))
  const incoming = await romeo.subscriptions.next()
  incoming.accept()
  await incoming.notify({ state: 'active;expires=3600', body: pidf('here') })
  await juliet.stanzas.next(isPresence('subscribed'))
  await juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'here')
  return incoming
}

/** A moment more than the store takes to write behind. */
const written = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400))

describe('after kill -9', () => {
  test('a SIP watcher does not notice: its dialog goes on, with a state that is true', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      await written()
      await stage.again()
      // What juliet is now was asked for by itself.
      await stage.juliet.send(xml('presence', {}, xml('show', {}, 'dnd')))
      const changed = await subscription.notifications.next((notify) => notify.body.includes('dnd'))
      expect(changed.headers('subscription-state')[0]).toMatch(/^active;expires=3\d\d\d$/)
      expect((await subscription.refresh()).status).toBe(200)
      expect((await subscription.notifications.next()).body).toContain('dnd')
      expect((await subscription.end()).status).toBe(200)
    }))

  test('the subscription to a SIP user goes on in its dialog, and what vanished meanwhile is gone', () =>
    onStage(async (stage) => {
      const incoming = await watched(stage)
      await written()
      await stage.again()
      const refresh = await incoming.refreshes.next()
      expect(refresh.headers('expires')).toEqual(['3600'])
      await incoming.notify({ state: 'active;expires=3600', body: pidf('back', 'garden') })
      const back = await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'back')
      expect(back.attrs.from).toBe(`${ROMEO}/garden`)
      const gone = await stage.juliet.stanzas.next(isPresence('unavailable'))
      expect(gone.attrs.from).toBe(`${ROMEO}/orchard`)
    }))

  test('an authorization without a dialog is made good: it is subscribed to anew', () =>
    onStage(async (stage) => {
      const incoming = await watched(stage)
      const ended = await incoming.notify({ state: 'terminated;reason=probation;retry-after=3600' })
      expect(ended.status).toBe(200)
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      await written()
      await stage.again()
      const anew = await stage.romeo.subscriptions.next()
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('again') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'again')
      await stage.juliet.stanzas.none(isPresence('subscribed'), 300)
    }))
})

describe('the rules', () => {
  test('a provider that is disabled: both legs end, the authorizations stay, and all is back when it is', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      const config = stage.config as { federation: { providers: object[] } }
      const disabled = {
        ...config,
        federation: {
          ...config.federation,
          providers: config.federation.providers.map((row) => ({ ...row, enabled: false })),
        },
      }
      await stage.gateway.reload(disabled)
      const last = await subscription.notifications.next((notify) =>
        /^terminated/.test(notify.headers('subscription-state')[0] ?? ''),
      )
      expect(last.headers('subscription-state')[0]).toMatch(/^terminated;reason=probation;retry-after=\d+$/)
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      await stage.juliet.stanzas.none(isPresence('unsubscribed'), 300)

      await stage.gateway.reload(config)
      const anew = await stage.romeo.subscriptions.next()
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('back') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'back')
    }))

  test('a domain that is blocked: both legs end for good', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      const config = stage.config as { federation: object }
      await stage.gateway.reload({
        ...config,
        federation: { ...config.federation, blockedDomains: [{ name: 'xmpp.example' }] },
      })
      const last = await subscription.notifications.next((notify) =>
        /^terminated/.test(notify.headers('subscription-state')[0] ?? ''),
      )
      expect(last.headers('subscription-state')).toEqual(['terminated;reason=rejected'])
      expect((await incoming.refreshes.next()).headers('expires')).toEqual(['0'])
      await stage.juliet.stanzas.next(isPresence('unavailable'))
      await stage.juliet.stanzas.next(isPresence('unsubscribed'))
      await stage.juliet.stanzas.next(isPresence('unsubscribe'))
    }))
})

describe('an XMPP server that goes away', () => {
  test('nothing is forgotten: both see each other again when it is back', () =>
    onStage(async (stage) => {
      const subscription = await watching(stage)
      const incoming = await watched(stage)
      await stage.prosody.kill()
      await stage.gateway.log.next(({ msg }) => msg === 'link is lost')
      await incoming.notify({ state: 'active;expires=3600', body: pidf('missed') })
      await stage.prosody.start()
      // She is gone, as the server says, until her client is back.
      const anew = await stage.romeo.subscriptions.next(() => true, { within: 20_000 })
      anew.accept()
      await anew.notify({ state: 'active;expires=3600', body: pidf('missed') })
      await stage.juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'missed', {
        within: 20_000,
      })
      await stage.juliet.send(xml('presence', {}, xml('show', {}, 'away')))
      await subscription.notifications.next((notify) => notify.body.includes('away'), { within: 20_000 })
      expect((await subscription.refresh()).status).toBe(200)
    }))
})
