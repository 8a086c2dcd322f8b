import { expect, test } from 'vitest'
import { VERIFIED } from '../../../src/xmpp/s2s/options.ts'
import { Element } from '../../../src/xmpp/xml/element.ts'
import type { Issued } from '../../support/certificates.ts'
import { until } from '../../support/patient-clock.ts'
import {
  ALL,
  type BedWish,
  type IncomingBed,
  incomingBed,
  OWN,
  OWN_CHAT,
  PEER,
  rulesOf,
  THEIRS,
  trusting,
} from './incoming-bed.ts'
import { RawClient } from './raw-client.ts'
import { domain, INVALID, verifyAnswerOf } from './support.ts'

const PAIR = { sender: domain(THEIRS), target: domain(OWN) }
const message = (from = `juliet@${THEIRS}/balcony`, to = `romeo@${OWN}`, body = 'hi'): string =>
  `<message from='${from}' to='${to}'><body>${body}</body></message>`
const auth = (identity = '='): string =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${identity}</auth>`
const key = (from = THEIRS, to = OWN, text = 'k3y'): string =>
  `<db:result from='${from}' to='${to}'>${text}</db:result>`
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Over TLS, to the features. */
async function overTls(bed: IncomingBed, shows: Issued | undefined): Promise<RawClient> {
  const client = await RawClient.connect(bed.port)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  await client.startTls({ shows })
  await client.open({ from: THEIRS, to: OWN })
  return client
}

/** Authenticated by SASL EXTERNAL. */
async function authenticated(
  wish: BedWish = {},
  before = '',
): Promise<{ bed: IncomingBed; client: RawClient }> {
  const bed = await incomingBed(wish)
  const client = await overTls(bed, PEER)
  await client.features()
  client.send(before + auth())
  await client.take(/<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"\/>/)
  await client.open({ from: THEIRS, to: OWN })
  return { bed, client }
}

/** Proved by dialback in clear. */
async function proved(wish: BedWish = {}, before = ''): Promise<{ bed: IncomingBed; client: RawClient }> {
  const bed = await incomingBed({ authoritative: 'valid', ...wish })
  const client = await RawClient.connect(bed.port)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  client.send(before + key())
  await client.take(/<db:result from="montague.example" to="capulet.example" type="valid"\/>/)
  return { bed, client }
}

test('STARTTLS, EXTERNAL, and stanzas cross with what was proved', async () => {
  const bed = await incomingBed()
  const client = await RawClient.connect(bed.port)
  const first = await client.open({ from: THEIRS, to: OWN })
  expect(first).toHaveLength(24)
  expect(await client.features()).toContain('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>')
  await client.startTls({ shows: PEER })
  const second = await client.open({ from: THEIRS, to: OWN })
  expect(second).not.toBe(first)
  const features = await client.features()
  expect(features).toContain('<mechanism>EXTERNAL</mechanism>')
  expect(features).toContain('<dialback xmlns="urn:xmpp:features:dialback"><errors/></dialback>')
  expect(features).toContain('<bidi xmlns="urn:xmpp:features:bidi"/>')
  expect(features).not.toContain('starttls')
  client.send(auth(base64(THEIRS)))
  await client.take(/<success/)
  await client.open({ from: THEIRS, to: OWN })
  const after = await client.features()
  expect(after).not.toContain('mechanisms')
  expect(after).toContain('<sm xmlns="urn:xmpp:sm:3"/>')
  client.send(message())
  await until(() => bed.stanzas.length === 1)
  expect(bed.stanzas[0]?.pair).toEqual(PAIR)
  expect(bed.stanzas[0]?.proof).toEqual({ certificate: 'match', dialback: 'not-tried', tls: true })
  expect(bed.side.views()).toMatchObject([
    {
      direction: 'in',
      peers: [THEIRS],
      own: [OWN],
      auth: 'certificate',
      state: 'live',
      stanzasIn: 1,
      tls: { protocol: 'TLSv1.3' },
    },
  ])
  expect(bed.events).toMatchObject([{ kind: 'proved', direction: 'in', pair: PAIR }])
  client.send('</stream:stream>')
  await client.take(/<\/stream:stream>/)
  await client.ended()
  await until(() => bed.events.length === 2)
  expect(bed.events.at(-1)).toMatchObject({ kind: 'closed', wasLive: true, peer: THEIRS })
})

test('direct TLS: the first octet is TLS, with ALPN, and STARTTLS is not offered', async () => {
  const bed = await incomingBed()
  const client = await RawClient.connectTls(bed.directPort, {
    shows: PEER,
    options: { servername: OWN, ALPNProtocols: ['xmpp-server'] },
  })
  expect(client.tls.alpnProtocol).toBe('xmpp-server')
  await client.open({ from: THEIRS, to: OWN })
  const features = await client.features()
  expect(features).toContain('EXTERNAL')
  expect(features).not.toContain('starttls')
  client.send(auth())
  await client.take(/<success/)
})

test('direct TLS without ALPN is taken, with another protocol it is not', async () => {
  const bed = await incomingBed()
  const client = await RawClient.connectTls(bed.directPort, { shows: PEER })
  await client.open({ from: THEIRS, to: OWN })
  await expect(
    RawClient.connectTls(bed.directPort, { options: { ALPNProtocols: ['xmpp-client'] } }),
  ).rejects.toThrow()
})

test('dialback over TLS: asked elsewhere, answered, and counted for what it is', async () => {
  const bed = await incomingBed({ rules: () => rulesOf(['tls-dialback']) })
  const client = await overTls(bed, undefined)
  expect(await client.features()).not.toContain('mechanisms')
  const id = bed.side.views()[0]?.id
  client.send(key())
  await until(() => bed.asked.length === 1)
  expect(bed.asked[0]).toMatchObject({ pair: PAIR, except: id, request: { key: 'k3y' } })
  expect(bed.side.views()[0]?.state).toBe('proving')
  const { request } = bed.asked[0] as (typeof bed.asked)[0]
  bed.asked[0]?.tell({ via: 'out-7' })
  bed.side.receiver.answer('out-7', verifyAnswerOf(THEIRS, OWN, request.id, { type: 'valid' }))
  await client.take(/<db:result from="montague.example" to="capulet.example" type="valid"\/>/)
  client.send(message())
  await until(() => bed.stanzas.length === 1)
  expect(bed.stanzas[0]?.proof).toEqual({ certificate: 'absent', dialback: 'valid', tls: true })
  expect(bed.side.views()).toMatchObject([{ auth: 'dialback-tls' }])
})

test('a key whose sender the certificate names is taken without dialling back', async () => {
  const bed = await incomingBed()
  const client = await overTls(bed, PEER)
  await client.features()
  client.send(key())
  await client.take(/type="valid"/)
  expect(bed.asked).toEqual([])
  client.send(message())
  await until(() => bed.stanzas.length === 1)
  expect(bed.stanzas[0]?.proof.certificate).toBe('match')
})

test('a wrong key ends a stream that has nothing else', async () => {
  const bed = await incomingBed()
  const client = await RawClient.connect(bed.port)
  const id = await client.open({ from: THEIRS, to: OWN })
  client.send(key())
  await until(() => bed.asked.length === 1)
  expect(bed.asked[0]?.request.id).toBe(id)
  bed.asked[0]?.tell({ via: 'out-7' })
  bed.side.receiver.answer('out-7', verifyAnswerOf(THEIRS, OWN, id, INVALID))
  await client.take(/type="invalid"\/><\/stream:stream>/)
  await client.ended()
})

test('a peer without version: no features, dialback in clear, and stanzas with children that we do not know', async () => {
  const bed = await incomingBed({ authoritative: 'valid', rules: () => rulesOf(['tcp-dialback']) })
  const client = await RawClient.connect(bed.port)
  client.send(
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'" +
      ` xmlns:db='jabber:server:dialback' to='${OWN}' from='${THEIRS}'>`,
  )
  const [header] = await client.take(/<stream:stream [^>]*>/)
  expect(header).not.toContain('version')
  expect(header).toContain('xmlns:db="jabber:server:dialback"')
  client.send(key())
  await client.take(/<db:result from="montague.example" to="capulet.example" type="valid"\/>/)
  expect(client.text).toBe('')
  client.send(
    `<message from='juliet@${THEIRS}/Talk.v104' to='romeo@${OWN}' type='chat'><body>hi</body>` +
      "<nos:x value='disabled' xmlns:nos='google:nosave'/><x xmlns='jabber:x:event'><composing/></x></message>",
  )
  await until(() => bed.stanzas.length === 1)
  expect(bed.stanzas[0]?.proof).toEqual({ certificate: 'absent', dialback: 'valid', tls: false })
  expect(bed.side.views()).toMatchObject([{ auth: 'dialback', tls: undefined, bidi: false }])
})

test('a peer without version that does not say who it is proves that by its key', async () => {
  const bed = await incomingBed({ authoritative: 'valid' })
  const client = await RawClient.connect(bed.port)
  await client.open({ version: undefined })
  client.send(key())
  await client.take(/type="valid"/)
})

test('further pairs are proved on the same stream, ours and theirs', async () => {
  const { bed, client } = await proved()
  client.send(key('rooms.capulet.example', OWN_CHAT))
  await client.take(/from="chat.montague.example" to="rooms.capulet.example" type="valid"/)
  client.send(message('den@rooms.capulet.example/juliet', `room@${OWN_CHAT}`))
  await until(() => bed.stanzas.length === 1)
})

test('a key for a domain that is not ours is an error, and the stream goes on', async () => {
  const { client } = await proved()
  client.send(key(THEIRS, 'verona.example'))
  await client.take(
    /<db:result from="verona.example" to="capulet.example" type="error"><error type="cancel"><item-not-found/,
  )
  client.send(key('rooms.capulet.example'))
  await client.take(/type="valid"/)
})

test('questions about keys of ours are answered at once, on a stream that has proved nothing', async () => {
  const bed = await incomingBed()
  const client = await RawClient.connect(bed.port)
  await client.open({ from: THEIRS, to: OWN })
  client.send(`<db:verify from='${THEIRS}' to='${OWN}' id='x'>wrong</db:verify>`)
  await client.take(/<db:verify from="montague.example" to="capulet.example" id="x" type="invalid"\/>/)
})

test('the way back is offered once the peer knows that it has proved itself, and taken back at the end (XEP-0288)', async () => {
  const { bed, client } = await authenticated({}, "<bidi xmlns='urn:xmpp:bidi'/>")
  await client.features()
  await until(() => bed.offered.length === 1)
  const [{ pair, channel }] = bed.offered as [(typeof bed.offered)[0]]
  expect(pair).toEqual({ sender: domain(OWN), target: domain(THEIRS) })
  const taken: boolean[] = []
  expect(
    channel.send(new Element('message', { from: `romeo@${OWN}`, to: `juliet@${THEIRS}` }), (is) =>
      taken.push(is),
    ),
  ).toBe(true)
  await client.take(/<message from="romeo@montague.example" to="juliet@capulet.example"\/>/)
  expect(taken).toEqual([true])
  expect(bed.side.views()).toMatchObject([{ bidi: true, stanzasOut: 1 }])
  client.send('</stream:stream>')
  await until(() => bed.withdrawn.includes(channel))
  expect(channel.send(new Element('message'))).toBe(false)
})

test('by dialback the way back is offered after the answer; unasked it is not offered', async () => {
  const asked = await proved({}, "<bidi xmlns='urn:xmpp:bidi'/>")
  expect(asked.bed.offered).toHaveLength(1)
  const unasked = await proved()
  expect(unasked.bed.offered).toEqual([])
  unasked.client.send(`<bidi xmlns='urn:xmpp:bidi'/>${message()}`)
  await until(() => unasked.bed.stanzas.length === 1)
  expect(unasked.bed.offered).toEqual([])
})

test('stanzas are counted both ways where the peer asks for it (XEP-0198)', async () => {
  const { bed, client } = await authenticated({}, "<bidi xmlns='urn:xmpp:bidi'/>")
  client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
  await client.take(/<enabled xmlns="urn:xmpp:sm:3"\/>/)
  client.send(`${message()}${message()}<r xmlns='urn:xmpp:sm:3'/>`)
  await client.take(/<a xmlns="urn:xmpp:sm:3" h="2"\/>/)
  const taken: boolean[] = []
  const { channel } = bed.offered[0] as (typeof bed.offered)[0]
  channel.send(new Element('message'), (is) => taken.push(is))
  await client.take(/<message\/><r xmlns="urn:xmpp:sm:3"\/>/)
  expect(taken).toEqual([])
  client.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
  await until(() => taken.length === 1)
  // What leaves while a question is under way is asked for once that is answered.
  channel.send(new Element('message'), (is) => taken.push(is))
  await client.take(/<message\/><r /)
  channel.send(new Element('message'), (is) => taken.push(is))
  await client.take(/<message\/>$/)
  client.send("<a xmlns='urn:xmpp:sm:3' h='2'/>")
  await client.take(/<r /)
  client.destroy()
  await until(() => taken.length === 3)
  expect(taken).toEqual([true, true, false])
})

test('a stream on which nobody acknowledges what was sent is dead', async () => {
  const { bed, client } = await authenticated({ limits: { setUp: 300 } }, "<bidi xmlns='urn:xmpp:bidi'/>")
  client.send("<enable xmlns='urn:xmpp:sm:3'/>")
  await client.take(/<enabled /)
  const taken: boolean[] = []
  bed.offered[0]?.channel.send(new Element('message'), (is) => taken.push(is))
  await client.ended()
  await until(() => taken.length === 1)
  expect(taken).toEqual([false])
  expect(bed.events.at(-1)).toMatchObject({
    kind: 'closed',
    reason: expect.stringContaining('no acknowledgement'),
  })
})

test('stream management before anything is proved is refused, and acknowledging too much ends the stream', async () => {
  const bed = await incomingBed()
  const early = await RawClient.connect(bed.port)
  await early.open({ from: THEIRS, to: OWN })
  early.send("<enable xmlns='urn:xmpp:sm:3'/>")
  await early.take(/<failed xmlns="urn:xmpp:sm:3"><unexpected-request/)
  const { client } = await authenticated()
  client.send("<enable xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='1'/>")
  expect(await client.error()).toBe('undefined-condition')
})

test('a stanza that cannot be taken is answered, and costs nobody the stream', async () => {
  const { bed, client } = await authenticated({ xml: { stanzaBytes: 20_000 } })
  client.send(message(undefined, undefined, 'x'.repeat(30_000)) + message())
  await until(() => bed.stanzas.length === 1)
  expect(bed.replies).toHaveLength(1)
  expect(bed.replies[0]?.pair).toEqual({ sender: domain(OWN), target: domain(THEIRS) })
  expect(bed.replies[0]?.stanza.attrs).toMatchObject({ to: `juliet@${THEIRS}/balcony`, type: 'error' })
})

test('who has proved something may send long stanzas, by SASL and by dialback', async () => {
  for (const { bed, client } of [await authenticated(), await proved()]) {
    client.send(message(undefined, undefined, 'x'.repeat(500_000)))
    await until(() => bed.stanzas.length === 1)
  }
})

test('an exception of ours costs nobody the stream', async () => {
  const { bed, client } = await authenticated({
    onStanza: () => {
      throw new Error('ours')
    },
  })
  client.send(message() + message())
  await until(() => bed.stanzas.length === 2)
  expect(bed.faults).toHaveLength(2)
})

test('a silent stream is tested with white space, and an idle one is closed', async () => {
  const { bed, client } = await authenticated({
    rules: () => rulesOf(ALL, { keepAlive: 60 }),
    limits: { idle: 300 },
  })
  await client.features()
  await client.take(/^ {2,}<\/stream:stream>/)
  await until(() => bed.events.length === 2)
  expect(bed.events.at(-1)).toMatchObject({ kind: 'closed', reason: 'idle', wasLive: true })
})

test('it ends when the rules change so that it would not be let in', async () => {
  let accepted = ALL
  const { bed, client } = await authenticated({ rules: () => rulesOf(accepted) })
  accepted = ['sasl-tls']
  bed.side.recheck()
  client.send(message())
  await until(() => bed.stanzas.length === 1)
  accepted = ['tls-dialback']
  bed.side.recheck()
  expect(await client.error()).toBe('policy-violation')
})

test('closing tells everybody, and waits for them', async () => {
  const { bed, client } = await authenticated()
  const closing = bed.side.close()
  expect(await client.error()).toBe('system-shutdown')
  client.end()
  await closing
  expect(bed.side.stats()).toMatchObject({ streams: 0, strangers: 0 })
  await expect(RawClient.connect(bed.port)).rejects.toThrow()
})

test('TLS is not offered where there is no certificate to show and clear will do', async () => {
  let rules = rulesOf(ALL)
  const { port } = await incomingBed({ credentials: trusting({}), rules: () => rules })
  const may = await RawClient.connect(port)
  await may.open({ from: THEIRS, to: OWN })
  expect(await may.features()).toMatch(/^<stream:features[^>]*><dialback /)
  rules = rulesOf(['sasl-tls', 'tls-dialback'])
  const must = await RawClient.connect(port)
  await must.open({ from: THEIRS, to: OWN })
  expect(await must.features()).toContain('<required/>')
})

test('a stream for our word on keys alone ends in peace, and is no failure', async () => {
  const bed = await incomingBed({ limits: { setUp: 200 } })
  const client = await RawClient.connectTls(bed.directPort)
  await client.open({ from: THEIRS, to: OWN })
  client.send(`<db:verify from='${THEIRS}' to='${OWN}' id='x'>wrong</db:verify>`)
  await client.take(/<db:verify from="montague.example" to="capulet.example" id="x" type="invalid"\/>/)
  await client.ended()
  await until(() => bed.events.length > 0)
  expect(bed.events).toMatchObject([{ kind: 'closed', reason: VERIFIED, wasLive: false }])
})
