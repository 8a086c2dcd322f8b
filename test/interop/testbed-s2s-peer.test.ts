import { describe, expect, test } from 'vitest'
import { Authority } from '../support/certificates.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { startEjabberd } from '../support/ejabberd.ts'
import { identityOf, type TlsIdentity } from '../support/identity.ts'
import { startProsody } from '../support/prosody.ts'
import { OLD_INITIATING, OLD_RECEIVING, oldMessage } from '../support/s2s-old-peer.ts'
import { type S2sPeer, startS2sPeer } from '../support/s2s-peer.ts'
import type { Receiving, Way } from '../support/s2s-roles.ts'
import type { S2sSettings } from '../support/s2s-settings.ts'
import { s2sZone } from '../support/s2s-zone.ts'
import { stanzaError, startXmppClient, type XmppClient } from '../support/xmpp-client.ts'

const password = 'balcony'
const authority = new Authority('Test authority')
const HOST = 'xmpp.example'
const PEER = 'peer.example'

const SERVERS = { Prosody: startProsody, ejabberd: startEjabberd }
type ServerName = keyof typeof SERVERS

interface Wish {
  readonly server: ServerName
  readonly settings: Omit<S2sSettings, 'dns' | 'identity'>
  readonly receiving: Receiving
  /** Of the scripted server; one of the common authority unless told. */
  readonly identity?: TlsIdentity
}

interface Scene {
  readonly peer: S2sPeer
  readonly juliet: XmppClient
  readonly dns: DnsServer
}

/** A real server with Juliet on it, and a scripted one, which find each other. */
async function onScene(wish: Wish, scene: (scene: Scene) => Promise<void>): Promise<void> {
  const { server, settings, receiving, identity = identityOf(authority, PEER) } = wish
  await using dns = await startDnsServer({})
  await using real = await SERVERS[server]({
    host: HOST,
    users: [{ name: 'juliet', password }],
    s2s: { dns, identity: identityOf(authority, HOST), ...settings },
  })
  await using peer = await startS2sPeer({
    domain: PEER,
    ...(settings.secure !== 'clear' && { identity }),
    receiving,
    places: { [HOST]: real.s2sPort },
  })
  const places = s2sZone({
    [PEER]: {
      host: 'localhost',
      port: peer.port,
      ...(settings.directTls && { directPort: peer.directPort }),
    },
  })
  for (const [name, entry] of Object.entries(places)) dns.set(name, entry)
  await using juliet = await startXmppClient({
    port: real.c2sPort,
    domain: HOST,
    username: 'juliet',
    password,
  })
  try {
    await scene({ peer, juliet, dns })
  } catch (error) {
    console.error(`${real.log().slice(-6000)}\n${peer.streams.report()}`)
    throw error
  }
}

const MODES: readonly (readonly [NonNullable<S2sSettings['secure']>, Way])[] = [
  ['certificate', 'sasl-tls'],
  ['dialback-tls', 'tls-dialback'],
  ['clear', 'tcp-dialback'],
]

describe.each(Object.keys(SERVERS) as ServerName[])('%s and a scripted peer', (server) => {
  test.for(MODES)('%s, both directions: %s', async ([secure, way]) => {
    await onScene({ server, settings: { secure }, receiving: {} }, async ({ peer, juliet }) => {
      const outcome = await peer.federate(HOST)
      expect(outcome).toMatchObject({ kind: 'established', way, certificate: secure === 'certificate' })
      await outcome.stream.write(
        `<message from='romeo@${PEER}/orchard' to='${juliet.jid}' type='chat'><body>by my troth</body></message>`,
      )
      expect((await juliet.nextMessage()).getChildText('body')).toBe('by my troth')

      await juliet.message({ to: `romeo@${PEER}`, body: 'thou knowest' })
      const established = await peer.outcomes.next(({ kind }) => kind === 'established')
      expect(established).toMatchObject({ way, peer: HOST, certificate: secure === 'certificate' })
      const received = await peer.stanzas.next((stanza) => stanza.is('message'))
      expect(received.getChildText('body')).toBe('thou knowest')
    })
  })

  test('direct TLS, with SNI and ALPN', async () => {
    await onScene({ server, settings: { directTls: true }, receiving: {} }, async ({ peer, juliet }) => {
      await juliet.message({ to: `romeo@${PEER}`, body: 'thou knowest' })
      expect(await peer.outcomes.next()).toMatchObject({ kind: 'established', way: 'sasl-tls' })
      const { tls, transcript } = await peer.streams.next()
      expect(tls).toMatchObject({ servername: PEER })
      expect(transcript.join('\n')).not.toContain('<proceed')
    })
  })

  test('a server of the Google Talk kind', async () => {
    await onScene(
      { server, settings: { secure: 'clear' }, receiving: OLD_RECEIVING },
      async ({ peer, juliet }) => {
        const outcome = await peer.federate(HOST, OLD_INITIATING)
        expect(outcome).toMatchObject({ kind: 'established', way: 'tcp-dialback' })
        await outcome.stream.write(
          oldMessage({ from: `romeo@${PEER}/Talk.v1`, to: juliet.jid, body: 'by my troth' }),
        )
        expect((await juliet.nextMessage()).getChildText('body')).toBe('by my troth')
        await juliet.message({ to: `romeo@${PEER}`, body: 'thou knowest' })
        expect((await peer.stanzas.next()).getChildText('body')).toBe('thou knowest')
      },
    )
  })

  test('a certificate of another authority is refused, on either side', async () => {
    const identity = identityOf(new Authority('Another'), PEER)
    await onScene({ server, settings: {}, receiving: {}, identity }, async ({ peer, juliet }) => {
      expect(await peer.federate(HOST)).toMatchObject({
        kind: 'refused',
        by: 'them',
        condition: 'not-authorized',
      })
      const id = await juliet.message({ to: `romeo@${PEER}`, body: 'thou knowest' })
      const bounce = await juliet.nextMessage((stanza) => stanza.attrs.id === id)
      expect(stanzaError(bounce)).toMatchObject({
        condition: 'remote-server-timeout',
        text: expect.stringMatching(/certificate/),
      })
    })
  })
})

test('Prosody does bidi in both directions', async () => {
  const wish: Wish = { server: 'Prosody', settings: { bidi: true }, receiving: { bidi: true, sm: true } }
  await onScene(wish, async ({ peer, juliet }) => {
    const outcome = await peer.federate(HOST, { bidi: true })
    expect(outcome).toMatchObject({ kind: 'established', bidi: true })
    await juliet.message({ to: `romeo@${PEER}`, body: 'thou knowest' })
    const came = await outcome.stream.elements.next((element) => element.is('message'))
    expect(came.getChildText('body')).toBe('thou knowest')
    expect(peer.streams.all).toEqual([])
  })
  await onScene(wish, async ({ peer, juliet }) => {
    await juliet.message({ to: `romeo@${PEER}`, body: 'thou knowest' })
    const outcome = await peer.outcomes.next()
    expect(outcome).toMatchObject({ kind: 'established', bidi: true })
    await outcome.stream.write(
      `<message from='romeo@${PEER}/orchard' to='${juliet.jid}' type='chat'><body>by my troth</body></message>`,
    )
    expect((await juliet.nextMessage()).getChildText('body')).toBe('by my troth')
  })
})
