import { expect, test } from 'vitest'
import { type Dragoman, startDragoman } from '../support/dragoman.ts'
import { startEjabberd } from '../support/ejabberd.ts'
import { freePort } from '../support/ports.ts'
import { type Prosody, startProsody } from '../support/prosody.ts'
import { type SipUserAgent, startSipUserAgent } from '../support/sip-user-agent.ts'
import { type TestLink, topologyConfig } from '../support/topology.ts'
import { stanzaError, startXmppClient, type XmppClient } from '../support/xmpp-client.ts'

const SECRETS = { ONE: 'first secret', TWO: 'second secret' }
const SECOND = 'second.example'

/** sip.example at both servers: two links for one served domain. */
const link = (name: 'one' | 'two', port: number, remote: string): TestLink => ({
  ...{ name, port, remote, domain: 'sip.example' },
})

const server = (host: string, name: string, secret: string): Promise<Prosody> =>
  startProsody({
    host,
    users: [{ name, password: 'pass' }],
    components: [{ domain: 'sip.example', secret }],
  })

const logIn = (prosody: Prosody, username: string): Promise<XmppClient> =>
  startXmppClient({ port: prosody.c2sPort, domain: prosody.host, username, password: 'pass' })

const config = (sipPort: number, homePort: number, links: readonly TestLink[]): string =>
  topologyConfig({
    listeners: [{ transport: 'udp', address: '127.0.0.1', port: sipPort }],
    nextHop: `sip:127.0.0.1:${homePort};transport=udp`,
    served: { 'sip.example': links.map(({ name }) => name) },
    links,
  })

const sender = (romeo: SipUserAgent, port: number) => async (to: string, body: string) =>
  (await romeo.message({ to, body, nextHop: { host: '127.0.0.1', port, transport: 'udp' } })).status

const live = (gateway: Dragoman, name: string) =>
  gateway.log.next(({ msg, link }) => msg === 'link is live' && link === name)

const authentications = (prosody: Prosody): number =>
  prosody.log().match(/successfully authenticated/g)?.length ?? 0

test('two links: each message keeps to the link of its domain', async () => {
  await using first = await server('xmpp.example', 'juliet', SECRETS.ONE)
  await using second = await server(SECOND, 'mercutio', SECRETS.TWO)
  await using romeo = await startSipUserAgent({ uri: 'sip:romeo@sip.example' })
  const port = await freePort()
  const both = [
    link('one', first.componentPort, 'xmpp.example'),
    link('two', second.componentPort, SECOND),
  ] as const
  await using gateway = await startDragoman({ config: config(port, romeo.port, both), env: SECRETS })
  await Promise.all([live(gateway, 'one'), live(gateway, 'two')])
  await using juliet = await logIn(first, 'juliet')
  await using mercutio = await logIn(second, 'mercutio')
  const send = sender(romeo, port)

  for (const [client, address] of [
    [juliet, 'juliet@xmpp.example'],
    [mercutio, `mercutio@${SECOND}`],
  ] as const) {
    expect(await send(`sip:${address}`, `to ${address}`)).toBe(200)
    expect((await client.nextMessage()).getChildText('body')).toBe(`to ${address}`)
    await client.message({ to: 'romeo@sip.example', body: 'hello' })
    expect((await romeo.messages.next()).from.replace(/;gr=.*/, '')).toBe(`sip:${address}`)
  }
  expect(juliet.stanzas.all.filter((stanza) => stanza.is('message'))).toHaveLength(1)
  expect(mercutio.stanzas.all.filter((stanza) => stanza.is('message'))).toHaveLength(1)

  // One link away is no reason for the other.
  await second.kill()
  await gateway.log.next(({ msg, link }) => link === 'two' && /lost/.test(msg ?? ''))
  expect(await send('sip:juliet@xmpp.example', 'still')).toBe(200)
  expect(await send(`sip:mercutio@${SECOND}`, 'gone')).toBe(480)
})

test('a sender whose domain belongs to the other link is refused', async () => {
  // The second server claims the first one's domain.
  await using first = await server('xmpp.example', 'juliet', SECRETS.ONE)
  await using second = await server('xmpp.example', 'juliet', SECRETS.TWO)
  await using romeo = await startSipUserAgent({ uri: 'sip:romeo@sip.example' })
  const links = [
    link('one', first.componentPort, 'xmpp.example'),
    link('two', second.componentPort, SECOND),
  ] as const
  await using gateway = await startDragoman({
    config: config(await freePort(), romeo.port, links),
    env: SECRETS,
  })
  await Promise.all([live(gateway, 'one'), live(gateway, 'two')])
  await using honest = await logIn(first, 'juliet')
  await using impostor = await logIn(second, 'juliet')
  const id = await impostor.message({ to: 'romeo@sip.example', body: 'it is me' })
  const bounce = await impostor.nextMessage((message) => message.attrs.id === id)
  expect(stanzaError(bounce)?.condition).toMatch(/\S/)
  expect(romeo.messages.all).toEqual([])
  await honest.message({ to: 'romeo@sip.example', body: 'it is I' })
  expect((await romeo.messages.next()).body).toBe('it is I')
})

test('a link is added and removed by a reload, and the other does not notice', async () => {
  await using first = await server('xmpp.example', 'juliet', SECRETS.ONE)
  await using second = await server(SECOND, 'mercutio', SECRETS.TWO)
  await using romeo = await startSipUserAgent({ uri: 'sip:romeo@sip.example' })
  const port = await freePort()
  const one = link('one', first.componentPort, 'xmpp.example')
  const two = link('two', second.componentPort, SECOND)
  await using gateway = await startDragoman({ config: config(port, romeo.port, [one]), env: SECRETS })
  await live(gateway, 'one')
  await using juliet = await logIn(first, 'juliet')
  await using mercutio = await logIn(second, 'mercutio')
  const send = sender(romeo, port)
  expect(await send(`sip:mercutio@${SECOND}`, 'early')).toBeGreaterThanOrEqual(400)

  expect((await gateway.reload(config(port, romeo.port, [one, two]))).msg).toBe('configuration reloaded')
  await live(gateway, 'two')
  expect(await send(`sip:mercutio@${SECOND}`, 'welcome')).toBe(200)
  expect((await mercutio.nextMessage()).getChildText('body')).toBe('welcome')

  expect((await gateway.reload(config(port, romeo.port, [one]))).msg).toBe('configuration reloaded')
  await second.line(/component disconnected/i)
  expect(await send(`sip:mercutio@${SECOND}`, 'late')).toBeGreaterThanOrEqual(400)
  expect(await send('sip:juliet@xmpp.example', 'all the while')).toBe(200)
  await juliet.nextMessage()
  expect(authentications(first)).toBe(1)
  expect(first.log()).not.toMatch(/component disconnected/i)
})

test('two kinds of server at once: Prosody and ejabberd, messages through ejabberd both ways', async () => {
  await using first = await server('xmpp.example', 'juliet', SECRETS.ONE)
  await using second = await startEjabberd({
    host: SECOND,
    component: { domain: 'sip.example', secret: SECRETS.TWO },
    users: [{ name: 'mercutio', password: 'pass' }],
  })
  await using romeo = await startSipUserAgent({ uri: 'sip:romeo@sip.example' })
  const port = await freePort()
  const links = [
    link('one', first.componentPort, 'xmpp.example'),
    link('two', second.componentPort, SECOND),
  ] as const
  await using gateway = await startDragoman({ config: config(port, romeo.port, links), env: SECRETS })
  await Promise.all([live(gateway, 'one'), live(gateway, 'two')])
  await using juliet = await logIn(first, 'juliet')
  await using mercutio = await startXmppClient({
    ...{ port: second.c2sPort, domain: SECOND, username: 'mercutio', password: 'pass' },
  })
  const send = sender(romeo, port)
  expect(await send(`sip:mercutio@${SECOND}`, 'a plague ☠ <&>')).toBe(200)
  expect((await mercutio.nextMessage()).getChildText('body')).toBe('a plague ☠ <&>')
  await mercutio.message({ to: 'romeo@sip.example', body: "o' both your houses" })
  expect((await romeo.messages.next()).body).toBe("o' both your houses")
  expect(await send(`sip:nobody@${SECOND}`, 'anyone?')).toBe(403)
  expect(await send('sip:juliet@xmpp.example', 'and here')).toBe(200)
  await juliet.nextMessage()
})
