import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../support/patient-clock.ts'
import {
  ALL,
  type BedWish,
  FORGED,
  type IncomingBed,
  incomingBed,
  OWN,
  OWN_CHAT,
  PEER,
  rulesOf,
  THEIRS,
} from './incoming-bed.ts'
import { headerText, RawClient } from './raw-client.ts'
import { domain } from './support.ts'

const message = (from = `juliet@${THEIRS}/balcony`, to = `romeo@${OWN}`): string =>
  `<message from='${from}' to='${to}'><body>hi</body></message>`
const auth = (identity = '=', mechanism = 'EXTERNAL'): string =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${identity}</auth>`
const key = (from = THEIRS, to = OWN, text = 'k3y'): string =>
  `<db:result from='${from}' to='${to}'>${text}</db:result>`

async function opened(wish: BedWish = {}): Promise<{ bed: IncomingBed; client: RawClient }> {
  const bed = await incomingBed(wish)
  const client = await RawClient.connect(bed.port)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  return { bed, client }
}

async function overTls(wish: BedWish = {}, shows = PEER): Promise<{ bed: IncomingBed; client: RawClient }> {
  const bed = await incomingBed(wish)
  const client = await RawClient.connectTls(bed.directPort, { shows })
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  return { bed, client }
}

async function authenticated(wish: BedWish = {}): Promise<{ bed: IncomingBed; client: RawClient }> {
  const { bed, client } = await overTls(wish)
  client.send(auth())
  await client.take(/<success/)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  return { bed, client }
}

test.for([
  [
    'another namespace',
    headerText({ from: THEIRS, to: OWN, version: '1.0', namespace: 'jabber:client' }),
    'invalid-namespace',
  ],
  ['to somebody else', headerText({ from: THEIRS, to: 'verona.example', version: '1.0' }), 'host-unknown'],
  ['to nobody', headerText({ from: THEIRS, version: '1.0' }), 'host-unknown'],
  ['from nobody', headerText({ to: OWN, version: '1.0' }), 'improper-addressing'],
  ['from what is no domain', headerText({ from: 'a b', to: OWN, version: '1.0' }), 'improper-addressing'],
  [
    'from an address literal',
    headerText({ from: '192.0.2.1', to: OWN, version: '1.0' }),
    'improper-addressing',
  ],
  ['from us', headerText({ from: OWN_CHAT, to: OWN, version: '1.0' }), 'invalid-from'],
  ['no stream', '<html>', 'invalid-namespace'],
  ['no XML', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
] as const)('a header %s: our header, the error, and the end', async ([, text, condition]) => {
  const bed = await incomingBed()
  const client = await RawClient.connect(bed.port)
  client.send(text)
  const [header] = await client.take(/<stream:stream [^>]*>/)
  expect(header).toMatch(/ id="[\w-]{24}"/)
  const found = await client.error()
  // Of what is no XML, which rule it breaks first is not for here.
  if (condition === 'not-well-formed') expect(found).toMatch(/^(?:not-well-formed|bad-format|invalid-xml)$/)
  else expect(found).toBe(condition)
  client.end()
  await client.ended()
})

test('a domain that the rules have nothing for is told so', async () => {
  const bed = await incomingBed({ rules: () => undefined })
  const client = await RawClient.connect(bed.port)
  await client.open({ from: THEIRS, to: OWN })
  expect(await client.error()).toBe('policy-violation')
})

test.for([
  ['from another domain', message('tybalt@verona.example'), 'invalid-from', 'wrong-from'],
  ['from a domain below', message(`tybalt@rooms.${THEIRS}`), 'invalid-from', 'wrong-from'],
  [
    'from a name with the domain in its resource',
    message(`verona.example/x@${THEIRS}`),
    'invalid-from',
    'wrong-from',
  ],
  ['from two domains', message(`a@verona.example@${THEIRS}`), 'invalid-from', 'wrong-from'],
  ['from us', message(`benvolio@${OWN}`), 'invalid-from', 'wrong-from'],
  ['from nobody', `<message to='romeo@${OWN}'/>`, 'improper-addressing', undefined],
  ['to nobody', `<message from='juliet@${THEIRS}'/>`, 'improper-addressing', undefined],
  [
    'to a domain of ours that was not asked for',
    message(undefined, `room@${OWN_CHAT}`),
    'host-unknown',
    undefined,
  ],
  ['to somebody else', message(undefined, 'paris@verona.example'), 'host-unknown', undefined],
] as const)('an authenticated stream with a stanza %s ends', async ([, stanza, condition, suspicion]) => {
  const { bed, client } = await authenticated()
  client.send(stanza + message())
  expect(await client.error()).toBe(condition)
  expect(bed.stanzas).toEqual([])
  expect(bed.suspicions()).toEqual(suspicion === undefined ? [] : [suspicion])
})

test.for([
  ['from another domain', { from: 'verona.example', to: OWN }, 'invalid-from'],
  ['from nobody', { from: undefined, to: OWN }, 'improper-addressing'],
  ['to another domain of ours', { from: THEIRS, to: OWN_CHAT }, 'host-unknown'],
] as const)('the stream after SASL may not be %s', async ([, wish, condition]) => {
  const { bed, client } = await overTls()
  client.send(auth())
  await client.take(/<success/)
  await client.open(wish)
  expect(await client.error()).toBe(condition)
  await until(() => bed.withdrawn.length > 0)
  expect(bed.offered).toEqual([])
})

test('a certificate for one domain takes no key for another, and a stanza does not wait for the answer', async () => {
  const { bed, client } = await authenticated()
  client.send(key('verona.example'))
  await until(() => bed.asked.length === 1)
  expect(bed.asked[0]?.pair.sender).toBe('verona.example')
  client.send(message('tybalt@verona.example'))
  expect(await client.error()).toBe('invalid-from')
})

test('a key from a domain of ours, and one for a domain with other rules, ask nobody', async () => {
  const { bed, client } = await opened({
    rules: (_, other) => rulesOf(other === 'verona.example' ? ['sasl-tls'] : ALL),
  })
  client.send(key(OWN_CHAT))
  await client.take(
    /<db:result from="montague.example" to="chat.montague.example" type="error"><error type="modify"><policy-violation/,
  )
  client.send(key('verona.example'))
  await client.take(/to="verona.example" type="error"><error type="modify"><policy-violation/)
  expect(bed.asked).toEqual([])
})

test.for([
  ['in clear', opened],
  ['over TLS', overTls],
] as const)('a stanza before anything is proved ends the stream: %s', async ([, make]) => {
  const { bed, client } = await make()
  client.send(message())
  expect(await client.error()).toBe('not-authorized')
  expect(bed.stanzas).toEqual([])
  expect(bed.suspicions()).toEqual(['early-stanza'])
})

test('a stanza behind a key that is being verified is too early', async () => {
  const { bed, client } = await opened()
  client.send(key() + message())
  expect(await client.error()).toBe('not-authorized')
  const { request, tell } = bed.asked[0] as (typeof bed.asked)[0]
  tell({ via: 'out-1' })
  // Too late.
  bed.side.receiver.answer('out-1', {
    element: 'verify',
    kind: 'answer',
    from: request.to,
    to: request.from,
    id: request.id,
    verdict: { type: 'valid' },
  })
  expect(bed.events.some(({ kind }) => kind === 'proved')).toBe(false)
  expect(bed.stanzas).toEqual([])
})

test('answers that nobody asked for prove nothing', async () => {
  const { bed, client } = await opened()
  client.send(key())
  await until(() => bed.asked.length === 1)
  const { request, tell } = bed.asked[0] as (typeof bed.asked)[0]
  tell({ via: 'out-1' })
  // On the stream that asks to be let in, instead of the one that was asked.
  client.send(`<db:verify from='${THEIRS}' to='${OWN}' id='${request.id}' type='valid'/>`)
  client.send(`<db:result from='${THEIRS}' to='${OWN}' type='valid'/>`)
  await until(() => bed.suspicions().length === 2)
  expect(bed.suspicions()).toEqual(['unsolicited-dialback', 'unsolicited-dialback'])
  client.send(message())
  expect(await client.error()).toBe('not-authorized')
})

test('a forged certificate: three tries of SASL, and the end', async () => {
  const { client } = await overTls({}, FORGED)
  for (let i = 0; i < 3; i++) {
    client.send(auth())
    await client.take(/<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized\/>/)
  }
  expect(await client.error()).toBe('policy-violation')
})

test.for([
  ['another mechanism', auth('=', 'PLAIN'), 'invalid-mechanism'],
  ['as another domain', auth(Buffer.from('verona.example').toString('base64')), 'invalid-authzid'],
  ['as a user', auth(Buffer.from(`juliet@${THEIRS}`).toString('base64')), 'invalid-authzid'],
  ['no base64', auth('%%%'), 'incorrect-encoding'],
  ['a response to nothing', "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", 'malformed-request'],
  ['given up', "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", 'aborted'],
] as const)('SASL, %s: refused, and the right one may follow', async ([, wrong, condition]) => {
  const { client } = await overTls()
  client.send(wrong)
  await client.take(new RegExp(`<failure xmlns="[a-z:-]+"><${condition}/></failure>`))
  client.send(auth())
  await client.take(/<success/)
})

test('what was judged in clear cannot become TLS: no STARTTLS and no SASL behind a key', async () => {
  const first = await opened()
  first.client.send(`${key()}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
  await first.client.take(/<failure xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/><\/stream:stream>/)
  const second = await overTls({ rules: (_, other) => rulesOf(other === THEIRS ? ALL : ['tls-dialback']) })
  second.client.send(key('verona.example') + auth())
  expect(await second.client.error()).toBe('policy-violation')
})

test('STARTTLS twice, or over direct TLS, is refused', async () => {
  const { client } = await overTls()
  client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await client.take(/<failure xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/><\/stream:stream>/)
})

test('octets in clear behind <starttls/> are not read: the peer is cut off', async () => {
  const { bed, client } = await opened()
  client.send(
    `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${headerText({ from: THEIRS, to: OWN, version: '1.0' })}${key()}`,
  )
  await client.ended()
  expect(bed.suspicions()).toEqual(['octets-before-tls'])
  expect(bed.asked).toEqual([])
})

test('octets in clear between <proceed/> and the handshake are no TLS, and end the connection', async () => {
  const { bed, client } = await opened()
  client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await client.take(/<proceed/)
  client.send(key() + message())
  await client.ended()
  expect(bed.events.at(-1)).toMatchObject({ kind: 'closed', reason: expect.stringMatching(/^TLS: ERR_SSL/) })
  expect(bed.asked).toEqual([])
})

test('who tries to renegotiate TLS loses the connection', async () => {
  const bed = await incomingBed()
  const client = await RawClient.connectTls(bed.directPort, {
    shows: PEER,
    options: { maxVersion: 'TLSv1.2' },
  })
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  expect(client.tls.getProtocol()).toBe('TLSv1.2')
  client.tls.renegotiate({ rejectUnauthorized: false }, () => {})
  await client.ended()
  await until(() => bed.side.stats().streams === 0)
})

test.for([
  [
    'a document type',
    `<!DOCTYPE lolz [<!ENTITY lol 'lol'>]>${headerText({ from: THEIRS, to: OWN, version: '1.0' })}`,
  ],
  ['a comment', `${headerText({ from: THEIRS, to: OWN, version: '1.0' })}<!-- -->`],
  ['an entity', `${headerText({ from: THEIRS, to: OWN, version: '1.0' })}<a>&lol9;</a>`],
  ['a processing instruction', `${headerText({ from: THEIRS, to: OWN, version: '1.0' })}<?php ?>`],
] as const)('%s ends the stream', async ([, text]) => {
  const bed = await incomingBed()
  const client = await RawClient.connect(bed.port)
  client.send(text)
  expect(await client.error()).toMatch(/^(?:restricted-xml|not-well-formed)$/)
})

test('elements without end, nested or long, cost a stranger the stream before they cost us', async () => {
  const deep = await opened()
  deep.client.send('<a>'.repeat(100_000))
  expect(await deep.client.error()).toBe('policy-violation')
  const long = await opened()
  long.client.send(`<a>${'x'.repeat(20_000)}</a>`)
  expect(await long.client.error()).toBe('policy-violation')
  const endless = await opened()
  for (let i = 0; i < 40; i++) endless.client.send(`${i === 0 ? '<a>' : ''}${'x'.repeat(10_000)}`)
  expect(await endless.client.error()).toBe('policy-violation')
})

test('a huge stanza on a live stream is refused, an endless one ends it', async () => {
  const { bed, client } = await authenticated({ xml: { stanzaBytes: 20_000 } })
  client.send(`<message from='juliet@${THEIRS}' to='romeo@${OWN}'><body>`)
  for (let i = 0; i < 40; i++) client.send('x'.repeat(10_000))
  expect(await client.error()).toBe('policy-violation')
  expect(bed.stanzas).toEqual([])
})

test('a peer that drips its header is told that it took too long', async () => {
  const bed = await incomingBed({ limits: { setUp: 200 } })
  const client = await RawClient.connect(bed.port)
  const text = headerText({ from: THEIRS, to: OWN, version: '1.0' })
  let sent = 0
  const drip = setInterval(() => client.send(text[sent++] ?? ''), 5)
  onTestFinished(() => clearInterval(drip))
  await client.take(/<stream:stream [^>]*>/)
  expect(await client.error()).toBe('connection-timeout')
  clearInterval(drip)
  expect(sent).toBeGreaterThan(3)
  expect(sent).toBeLessThan(text.length)
})

test('a peer that drips its TLS handshake is cut off', async () => {
  const bed = await incomingBed({ limits: { setUp: 200 } })
  const client = await RawClient.connect(bed.directPort)
  // The beginning of a ClientHello that announces 508 octets.
  const hello = Buffer.from('1603010200010001fc0303', 'hex')
  let sent = 0
  const drip = setInterval(() => client.send(hello.subarray(sent, ++sent)), 5)
  onTestFinished(() => clearInterval(drip))
  await client.ended()
  expect(sent).toBeGreaterThan(3)
  expect(bed.events).toMatchObject([
    { kind: 'closed', reason: expect.stringContaining('connection-timeout') },
  ])
})

test('a thousand connections that say nothing: bounded, and others still come in', async () => {
  const bed = await incomingBed({ limits: { handshakes: 100, connectionsPerAddress: 100 } })
  const silent = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => RawClient.connect(bed.port, `127.0.1.${1 + (i % 20)}`)),
  )
  await until(() => silent.filter(({ closed }) => closed).length === 900)
  expect(bed.side.stats()).toMatchObject({ streams: 100, strangers: 100, refused: 900 })
  const limited = bed.events.filter((event) => event.kind === 'limit' && event.limit === 'handshakes')
  expect(limited).toHaveLength(900)
  // Each of them has its second; then whoever comes takes the place of one.
  await until(() => bed.side.views().every(({ age }) => age > 1_000))
  const client = await RawClient.connectTls(bed.directPort, { shows: PEER })
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  client.send(auth())
  await client.take(/<success/)
  await client.open({ from: THEIRS, to: OWN })
  await client.features()
  expect(bed.side.stats()).toMatchObject({ streams: 100, strangers: 99 })
})

test('one address has only so many connections', async () => {
  const bed = await incomingBed({ limits: { connectionsPerAddress: 2 } })
  await RawClient.connect(bed.port)
  await RawClient.connect(bed.port)
  const third = await RawClient.connect(bed.port)
  await third.ended()
  expect(bed.events).toEqual([{ kind: 'limit', limit: 'connectionsPerAddress', address: '127.0.0.1' }])
  const other = await RawClient.connect(bed.port, '127.0.0.2')
  await other.open({ from: THEIRS, to: OWN })
})

test('a domain has only so many streams, by SASL and by dialback, and one that only claims to be it takes none', async () => {
  const { bed, client } = await authenticated({ rules: () => rulesOf(ALL, { connections: 1 }) })
  for (let i = 0; i < 3; i++) {
    const claims = await RawClient.connect(bed.port)
    await claims.open({ from: THEIRS, to: OWN })
  }
  const second = await RawClient.connectTls(bed.directPort, { shows: PEER })
  await second.open({ from: THEIRS, to: OWN })
  second.send(auth())
  expect(await second.error()).toBe('resource-constraint')
  const third = await RawClient.connect(bed.port)
  await third.open({ from: THEIRS, to: OWN })
  third.send(key())
  await third.take(/type="error"><error type="wait"><resource-constraint/)
  expect(bed.asked).toEqual([])
  expect(bed.events.filter(({ kind }) => kind === 'limit')).toMatchObject([
    { limit: 'perPartner' },
    { limit: 'perPartner' },
  ])
  client.destroy()
  await until(() => bed.events.some((event) => event.kind === 'closed' && event.wasLive))
  third.send(key())
  await until(() => bed.asked.length === 1)
})

test('a partner has only so many streams, whichever of its domains each is for', async () => {
  const { bed } = await authenticated({
    rules: (_, other) =>
      rulesOf(ALL, { connections: 1, partner: other === 'rome.example' ? other : 'Capulet' }),
  })
  const second = await RawClient.connect(bed.port)
  await second.open({ from: 'verona.example', to: OWN })
  second.send(key('verona.example'))
  await second.take(/type="error"><error type="wait"><resource-constraint/)
  expect(bed.asked).toEqual([])
  second.send(key('rome.example'))
  await until(() => bed.asked.length === 1)
})

test('one stream carries as many pairs of domains as the configuration has it', async () => {
  const { bed, client } = await opened({ limits: { pairs: 2 } })
  client.send(key() + key('verona.example') + key('rome.example'))
  await client.take(/to="rome.example" type="error"><error type="wait"><resource-constraint/)
  expect(bed.asked.map(({ pair }) => pair.sender)).toEqual([THEIRS, 'verona.example'])
})

test('thousands of keys of third parties on one stream: a few are asked, and the stream ends', async () => {
  const { bed, client } = await opened()
  client.send(Array.from({ length: 3000 }, (_, i) => key(`victim-${i}.example`)).join(''))
  expect(await client.error()).toBe('policy-violation')
  expect(bed.asked).toHaveLength(20)
  expect(bed.side.receiver.verifications).toBe(20)
})

test('thousands of keys of third parties on many streams of one network: few are asked', async () => {
  const bed = await incomingBed({ authoritative: 'no-connection', limits: { connectionsPerAddress: 500 } })
  let n = 0
  for (let i = 0; i < 100; i++) {
    const client = await RawClient.connect(bed.port)
    await client.open({ from: THEIRS, to: OWN })
    client.send(Array.from({ length: 30 }, () => key(`victim-${n++}.example`)).join(''))
    await client.take(/resource-constraint|policy-violation/)
    client.destroy()
  }
  // Fifty at once, and one a second.
  expect(bed.asked.length).toBeGreaterThanOrEqual(50)
  expect(bed.asked.length).toBeLessThan(100)
})

test('questions about our keys without end cost the stream', async () => {
  const { client } = await opened()
  client.send(`<db:verify from='${THEIRS}' to='${OWN}' id='x'>k3y</db:verify>`.repeat(1000))
  expect(await client.error()).toBe('policy-violation')
})

test('children of the stream that nobody knows are ignored, without end they cost the stream', async () => {
  const { bed, client } = await authenticated()
  client.send(
    `<a xmlns='b'/><message xmlns='jabber:client' from='juliet@${THEIRS}' to='romeo@${OWN}'/>${message()}`,
  )
  await until(() => bed.stanzas.length === 1)
  client.send("<a xmlns='b'/>".repeat(1000))
  expect(await client.error()).toBe('policy-violation')
})

test.for([
  ['from no domain', "<db:result from='' to='montague.example'>k</db:result>", 'improper-addressing'],
  ['without key', `<db:result from='${THEIRS}' to='${OWN}'/>`, 'bad-format'],
  ['of an unknown type', `<db:result from='${THEIRS}' to='${OWN}' type='maybe'/>`, 'bad-format'],
] as const)('dialback %s ends the stream', async ([, text, condition]) => {
  const { client } = await opened()
  client.send(text)
  expect(await client.error()).toBe(condition)
})

test('their stream error ends it, and is told', async () => {
  const { bed, client } = await authenticated()
  client.send(
    "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
  )
  await client.take(/<\/stream:stream>/)
  client.end()
  await until(() => bed.side.stats().streams === 0)
  expect(bed.events.at(-1)).toMatchObject({
    kind: 'closed',
    peer: domain(THEIRS),
    reason: 'their error: system-shutdown',
  })
})
