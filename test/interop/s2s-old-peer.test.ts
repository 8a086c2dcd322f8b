import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type FederatedGateway, OWN, ROMEO, startFederatedGateway } from '../support/s2s-bed.ts'
import {
  bodyOf,
  countersOf,
  established,
  messageXml,
  provedWith,
  providerOf,
  startGuest,
} from '../support/s2s-guest.ts'
import {
  OLD_INITIATING,
  OLD_RECEIVING,
  oldCall,
  oldDelayedMessage,
  oldEmptyMessage,
  oldEvent,
  oldInvisible,
  oldMessage,
  oldPresence,
  oldProbe,
} from '../support/s2s-old-peer.ts'
import type { S2sPeer } from '../support/s2s-peer.ts'
import type { S2sStream } from '../support/s2s-stream.ts'
import { dialbackKey, dialbackText, NS } from '../support/s2s-words.ts'

/** A server as Google Talk was in 2012: no version, no features, no TLS, dialback in clear. */

let world: FederatedGateway

beforeAll(async () => {
  const negotiation = { tls: 'optional', sasl: 'optional', dialback: true }
  world = await startFederatedGateway({
    federation: {
      providers: [
        providerOf('Talk', ['*.talk.example'], { negotiation }),
        providerOf('Strict', ['strict.example']),
        providerOf('Modern', ['modern.example']),
      ],
    },
    top: { presence: { interval: '100ms' } },
  })
})
afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
})
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(world.gateway.output().slice(-6_000))
})

const startOld = (domain: string): Promise<S2sPeer> =>
  startGuest(world, { domain, identity: 'none', receiving: OLD_RECEIVING })
const opened = async (peer: S2sPeer): Promise<S2sStream> =>
  established(await peer.federate(OWN, OLD_INITIATING))
const isPresence = (type: string | undefined) => (stanza: { is(name: string): boolean; attrs: object }) =>
  stanza.is('presence') && (stanza.attrs as { type?: string }).type === type

test('messages both ways, without version, features and TLS', async () => {
  await using peer = await startOld('both.talk.example')
  const juliet = `juliet@${peer.domain}`
  const stream = await opened(peer)
  // RFC 6120 §4.7.5: who has no version is answered without one, and gets no features.
  const answered = stream.headers.all.at(-1)
  expect(answered).toMatchObject({ dialback: true })
  expect(answered?.version).toBeUndefined()
  expect(stream.transcript.join('\n')).not.toContain('features')
  await stream.write(oldMessage({ from: `${juliet}/Talk.v104`, to: ROMEO, body: 'wherefore <art> thou?' }))
  const message = await world.romeo.messages.next()
  expect(message.body).toBe('wherefore <art> thou?')
  expect(message.headers('content-type')).toEqual(['text/plain;charset=UTF-8'])

  const sent = await world.romeo.message({ to: `sip:${juliet}`, body: 'neither & both' })
  expect(sent.status, sent.reason).toBe(200)
  expect(bodyOf(await peer.stanzas.next())).toBe('neither & both')
  for (const direction of ['in', 'out'] as const)
    expect(await world.gateway.log.next(provedWith(peer.domain, direction))).toMatchObject({
      proof: { certificate: 'absent', dialback: 'valid', tls: false },
    })
})

test('a header that names nobody: the key does', async () => {
  const domain = 'nameless.talk.example'
  await using peer = await startOld(domain)
  const stream = await peer.connect(world.ports.s2s)
  await stream.open({ version: null })
  const { id = '' } = await stream.header()
  const key = dialbackKey(`the secret of ${domain}`, OWN, domain, id)
  await stream.write(dialbackText('result', { from: domain, to: OWN, key }))
  expect((await stream.expect('result', { xmlns: NS.dialback })).attrs.type).toBe('valid')
  await stream.write(oldMessage({ from: `juliet@${domain}`, to: ROMEO, body: 'it is I' }))
  expect((await world.romeo.messages.next()).body).toBe('it is I')
})

test('a message that waited says since when (XEP-0091)', async () => {
  await using peer = await startOld('late.talk.example')
  const stream = await opened(peer)
  const from = `juliet@${peer.domain}/Talk`
  await stream.write(oldDelayedMessage({ from, to: ROMEO, body: 'good night', stamp: '20120702T22:03:04' }))
  const message = await world.romeo.messages.next()
  expect(message.body).toBe('good night')
  expect(message.headers('date')).toEqual(['Mon, 02 Jul 2012 22:03:04 GMT'])
})

test('what only Google’s clients know is ignored, and breaks nothing', async () => {
  await using peer = await startOld('odd.talk.example')
  const [from, to] = [`juliet@${peer.domain}/gmail.1A2B`, ROMEO]
  const stream = await opened(peer)
  const ignored = [
    oldEmptyMessage({ from, to }),
    oldEvent({ from, to, about: 'm1', composing: true }),
    oldEvent({ from, to, about: 'm1', composing: false }),
    oldInvisible({ from, to }),
    oldProbe({ from, to }),
    oldPresence({ from, to, status: 'to nobody who asked' }),
    `<presence from='${from}' to='${to}' type='unavailable'/>`,
    `<message from='${from}' to='${to}' type='headline'><push:x xmlns:push='google:push'>eA==</push:x></message>`,
  ]
  for (const stanza of ignored) await stream.write(stanza)
  await stream.write(oldCall({ from, to }))
  await stream.write(messageXml(from, to, 'still here'))
  expect((await world.romeo.messages.next()).body).toBe('still here')
  expect(stream.ended).toBe(false)
  // None became a message to SIP but the last; the call, which wants an answer, gets a refusal.
  const refused = await peer.stanzas.next((stanza) => stanza.is('iq'))
  expect(refused.attrs).toMatchObject({ type: 'error', id: 'call1', to: from })
  expect(world.romeo.messages.all.filter((message) => message.from.includes(peer.domain))).toHaveLength(1)
  expect((await countersOf(world)).fault).toBeUndefined()
})

test('presence: Romeo watches somebody there, legacy capabilities and all', async () => {
  await using peer = await startOld('seen.talk.example')
  const juliet = `juliet@${peer.domain}`
  const subscription = world.romeo.subscribe({ to: `sip:${juliet}` })
  expect((await subscription.answered).status).toBe(200)
  await subscription.notifications.next()
  const asked = await peer.stanzas.next(isPresence('subscribe'))
  expect(asked.attrs).toMatchObject({ from: ROMEO, to: juliet })
  const stream = await opened(peer)
  await stream.write(`<presence from='${juliet}' to='${ROMEO}' type='subscribed'/>`)
  const from = `${juliet}/gmail.1A2B`
  await stream.write(oldPresence({ from, to: ROMEO, status: 'on the balcony', stamp: '20120702T22:03:04' }))
  const seen = await subscription.notifications.next(({ body }) => body.includes('on the balcony'))
  expect(seen.body).toContain('<basic>open</basic>')
  expect(seen.headers('subscription-state').join()).toMatch(/^active/)
  await stream.write(
    `<presence from='${from}' to='${ROMEO}' type='unavailable'><status>gone</status></presence>`,
  )
  await subscription.notifications.next(({ body }) => body.includes('<basic>closed</basic>'))
})

test('presence: somebody there watches Romeo', async () => {
  await using peer = await startOld('seeing.talk.example')
  const juliet = `juliet@${peer.domain}`
  const stream = await opened(peer)
  await stream.write(`<presence from='${juliet}' to='${ROMEO}' type='subscribe'/>`)
  const incoming = await world.romeo.subscriptions.next(({ request }) => request.from.includes(juliet))
  incoming.accept()
  await incoming.notify({
    state: 'active;expires=3600',
    body: {
      type: 'application/pidf+xml',
      text: `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${ROMEO}"><tuple id="ID-orchard"><status><basic>open</basic></status><note>below</note></tuple></presence>`,
    },
  })
  await peer.stanzas.next(isPresence('subscribed'))
  await peer.stanzas.next((stanza) => stanza.getChildText('status') === 'below')
  // RFC 3921 has probes from full addresses.
  await stream.write(oldProbe({ from: `${juliet}/gmail.1A2B`, to: ROMEO }))
  await peer.stanzas.next((stanza) => stanza.getChildText('status') === 'below')
})

test('where the row does not allow it there is no stream, either way', async () => {
  const domain = 'strict.example'
  await using peer = await startOld(domain)
  expect(await peer.federate(OWN, OLD_INITIATING)).toMatchObject({
    kind: 'refused',
    condition: 'unsupported-version',
  })
  const sent = await world.romeo.message({ to: `sip:juliet@${domain}`, body: 'in clear?' })
  expect(sent.status).toBe(504)
  expect(await peer.outcomes.next()).toMatchObject({ condition: 'unsupported-version' })
  expect(peer.stanzas.all).toEqual([])
})

test('an old header does not carry a modern partner’s domain in', async () => {
  await using old = await startOld('next.talk.example')
  const stream = await opened(old)
  const { id = '' } = stream.headers.all.at(-1) ?? {}
  const key = dialbackKey(`the secret of ${old.domain}`, OWN, 'modern.example', id)
  await stream.write(dialbackText('result', { from: 'modern.example', to: OWN, key }))
  const answer = await stream.expect('result', { xmlns: NS.dialback })
  expect(answer.attrs).toMatchObject({ to: 'modern.example', type: 'error' })
  expect(world.dns.queries.filter(({ name }) => name.endsWith('modern.example'))).toEqual([])
  await stream.write(messageXml('tybalt@modern.example', ROMEO, 'let me in'))
  expect(await stream.error()).toBe('invalid-from')
})
