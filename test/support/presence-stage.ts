import { join } from 'node:path'
import { expect } from 'vitest'
import { JULIET, ROMEO, SECRET } from './bed.ts'
import { type Dragoman, dragoman, gatewayConfig, startDragoman } from './dragoman.ts'
import type { Finished } from './process.ts'
import { type Prosody, startProsody } from './prosody.ts'
import { type SipUserAgent, startSipUserAgent } from './sip-user-agent.ts'
import { tempDir } from './temp.ts'
import { type Element, startXmppClient, type XmppClient, xml } from './xmpp-client.ts'

export interface Stage {
  readonly prosody: Prosody
  readonly romeo: SipUserAgent
  readonly juliet: XmppClient
  readonly sipPort: number
  readonly config: object
  gateway: Dragoman
  /** The command, on the configuration of the gateway. */
  cli(...args: readonly string[]): Promise<Finished>
  /** SIGKILL, and a new process on the same files. */
  again(): Promise<void>
}

/** Juliet on Prosody, Romeo's home server played by sip.js, Dragoman with a store. */
export async function onStage(
  scene: (stage: Stage) => Promise<void>,
  { verification = 'all' }: { readonly verification?: 'all' | 'contacts' } = {},
): Promise<void> {
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
  const federation = JSON.parse(
    JSON.stringify(settings.config).replace('"verification":"all"', `"verification":"${verification}"`),
  )
  const config = { ...federation, store: { sqlite: join(directory.path, 'federation.db') } }
  const configFile = join(directory.path, 'gateway.config.yaml')
  const start = (): Promise<Dragoman> =>
    startDragoman({
      config,
      configFile,
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
    cli: (...args) => dragoman([...args, '--config', configFile]),
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

export const presence = (type: string): Element => xml('presence', { to: ROMEO, type })
export const isPresence = (type: string | undefined) => (stanza: Element) =>
  stanza.is('presence') && stanza.attrs.type === type && String(stanza.attrs.from).startsWith(ROMEO)

export const pidf = (note: string, tuple = 'orchard') => ({
  type: 'application/pidf+xml',
  text: `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${ROMEO}"><tuple id="ID-${tuple}"><status><basic>open</basic></status><note>${note}</note></tuple></presence>`,
})

/** Romeo watches Juliet, and sees her. */
export async function watching({ romeo, juliet, sipPort }: Stage) {
  const hop = { host: '127.0.0.1', port: sipPort, transport: 'udp' } as const
  const subscription = romeo.subscribe({ to: `sip:${JULIET}`, nextHop: hop })
  await subscription.notifications.next()
  await juliet.stanzas.next(isPresence('subscribe'))
  await juliet.send(presence('subscribed'))
  expect((await subscription.notifications.next()).body).toContain('open')
  return subscription
}

/** Juliet watches Romeo, and sees him. */
export async function watched({ romeo, juliet }: Stage) {
  await juliet.send(presence('subscribe'))
  const incoming = await romeo.subscriptions.next()
  incoming.accept()
  await incoming.notify({ state: 'active;expires=3600', body: pidf('here') })
  await juliet.stanzas.next(isPresence('subscribed'))
  await juliet.stanzas.next((stanza) => stanza.getChildText('status') === 'here')
  return incoming
}
