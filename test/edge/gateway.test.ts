import { expect, test } from 'vitest'
import { answerText, header, pause, type TcpPeer, tcpServer, until } from '../sip/endpoint/bed.ts'
import { type GatewayBed, gatewayBed, isLive, messageText, stanzaText, statusOf } from './gateway-bed.ts'
import { conditionOf } from './support.ts'

const requests = ({ home }: GatewayBed): string[] =>
  home.received.filter((text) => text.startsWith('MESSAGE '))
const answers = ({ home }: GatewayBed): string[] =>
  home.received.filter((text) => text.startsWith('SIP/2.0 '))
const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)
const counters = (bed: GatewayBed): Record<string, number> =>
  (bed.gateway.stats() as { counters: Record<string, number> }).counters

test('a message crosses each way', async () => {
  const bed = await gatewayBed()
  bed.xmpp.send(stanzaText('wherefore art thou?'))
  const request = await bed.home.next()
  expect(request).toMatch(/^MESSAGE sip:romeo@sip\.example SIP\/2\.0\r\n/)
  expect(bodyOf(request)).toBe('wherefore art thou?')
  bed.home.send(answerText(request, 200), bed.port)

  bed.home.send(messageText(bed.home.port, { body: 'here' }), bed.port)
  expect(statusOf(await bed.home.next())).toBe(200)
  expect(bed.xmpp.messages().map((each) => each.getChildText('body'))).toEqual(['here'])
})

test('two echoes: the message does not circle', async () => {
  const bed = await gatewayBed()
  const { xmpp, home, port } = bed
  let echoes = 0
  xmpp.onStanza = (stanza) => {
    const body = stanza.getChildText('body')
    if (stanza.name !== 'message' || stanza.attrs.type === 'error' || body === null) return
    const { from, to } = stanza.attrs
    xmpp.send(`<message from='${to}' to='${from}' id='echo${++echoes}'><body>${body}</body></message>`)
  }
  let seen = 0
  const echo = setInterval(() => {
    for (; seen < home.received.length; seen++) {
      const text = home.received[seen] as string
      if (!text.startsWith('MESSAGE ')) continue
      home.send(answerText(text, 200), port)
      home.send(messageText(home.port, { to: 'juliet@xmpp.example', body: bodyOf(text) }), port)
    }
  }, 2)
  try {
    xmpp.send(stanzaText('polly').replace('/balcony', ''))
    await until(() => (counters(bed)['refused.loop'] ?? 0) > 0)
    await pause(300)
  } finally {
    clearInterval(echo)
  }
  const crossed = requests(bed).length + xmpp.messages().filter((each) => each.attrs.type !== 'error').length
  expect(crossed).toBe(5)
  expect(counters(bed)['refused.loop']).toBe(1)
  expect(answers(bed).map(statusOf)).toContain(482)

  // Other words still cross.
  home.send(messageText(home.port, { body: 'enough' }), port)
  await until(() => xmpp.messages().some((each) => each.getChildText('body') === 'enough'))
})

test('a request of ours that is sent straight back gets 482', async () => {
  const bed = await gatewayBed()
  bed.xmpp.send(stanzaText('boomerang'))
  const request = await bed.home.next()
  const via = `Via: SIP/2.0/UDP 127.0.0.1:${bed.home.port};branch=z9hG4bKforwarded;rport`
  bed.home.send(request.replace(/^Via:/m, `${via}\r\nVia:`), bed.port)
  expect(statusOf(await bed.home.next())).toBe(482)
  bed.home.send(answerText(request, 482), bed.port)
  await until(() => bed.xmpp.messages().length > 0)
  expect(bed.xmpp.messages().map((each) => each.attrs.type)).toEqual(['error'])
})

test('200 waits for the confirmation; a stream that breaks first is 480', async () => {
  const bed = await gatewayBed()
  bed.xmpp.answersPings = false
  bed.home.send(messageText(bed.home.port, { body: 'taken?' }), bed.port)
  await until(() => bed.xmpp.messages().length === 1)
  await pause(50)
  expect(answers(bed)).toEqual([])
  bed.xmpp.cut()
  expect(statusOf(await bed.home.next())).toBe(480)
})

test('without a live link: 503 with Retry-After where that is configured', async () => {
  const bed = await gatewayBed({
    interworking: { noLiveLink: 503, retryAfter: '17s' },
    xmpp: { reconnect: { first: '20s', ceiling: '20s' } },
  })
  bed.xmpp.cut()
  await until(() => !isLive(bed.gateway))
  bed.home.send(messageText(bed.home.port, {}), bed.port)
  const answer = await bed.home.next()
  expect(statusOf(answer)).toBe(503)
  expect(header(answer, 'Retry-After')).toBe('17')
})

test.for([
  ['a telephone number', (text: string) => text.replace(/^MESSAGE \S+/, 'MESSAGE tel:+15551234'), 416],
  ['a secure address', (text: string) => text.replace('MESSAGE sip:', 'MESSAGE sips:'), 480],
  ['a stranger', (text: string) => text.replace('<sip:romeo@sip.', '<sip:romeo@other.'), 403],
  ['an unknown domain', (text: string) => text.replace('sip:juliet@xmpp', 'sip:juliet@unknown'), 404],
  ['a picture', (text: string) => text.replace('text/plain', 'image/png'), 415],
  ['a document', (text: string) => text.replaceAll('MESSAGE', 'PUBLISH'), 405],
  ['a subscription to nothing we know', (text: string) => text.replaceAll('MESSAGE', 'SUBSCRIBE'), 489],
  ['a method of tomorrow', (text: string) => text.replaceAll('MESSAGE', 'TELEPORT'), 501],
  ['no hops left', (text: string) => text.replace('Max-Forwards: 70', 'Max-Forwards: 0'), 483],
  ['no CSeq', (text: string) => text.replace(/^CSeq: .*\r\n/m, ''), 400],
] as const)('a request of the home server: %s', async ([, change, status]) => {
  const bed = await gatewayBed()
  bed.home.send(change(messageText(bed.home.port, {})), bed.port)
  const answer = await bed.home.next()
  expect(statusOf(answer)).toBe(status)
  if (status === 405) expect(header(answer, 'Allow')).toContain('MESSAGE')
  if (status === 415) expect(header(answer, 'Accept')).toContain('text/plain')
  if (status === 480) expect(header(answer, 'Warning')).toContain('SIPS Not Allowed')
  expect(bed.xmpp.stanzas).toEqual([])
})

test('a message too long for an ordinary path is refused with policy-violation, and does not leave', async () => {
  const bed = await gatewayBed()
  bed.xmpp.send(stanzaText('x'.repeat(1300), 'long'))
  await until(() => bed.xmpp.messages().length === 1)
  expect(bed.xmpp.messages().map((each) => [each.attrs.id, conditionOf(each)])).toEqual([
    ['long', 'policy-violation'],
  ])
  bed.xmpp.send(stanzaText('x'.repeat(900)))
  expect(bodyOf(await bed.home.next())).toHaveLength(900)
  expect(requests(bed)).toHaveLength(1)
})

test('an ordinary path over UDP: the second message to a target waits for the answer to the first', async () => {
  const bed = await gatewayBed()
  for (const body of ['one', 'two', 'three']) bed.xmpp.send(stanzaText(body))
  for (const body of ['one', 'two', 'three']) {
    const request = await bed.home.next()
    expect(bodyOf(request)).toBe(body)
    await pause(30)
    expect(bed.home.received.at(-1)).toBe(request)
    bed.home.send(answerText(request, 200), bed.port)
  }
})

test('a congestion-safe path over TCP: long messages, pipelined in their order on one connection', async () => {
  const peers: TcpPeer[] = []
  const { port } = await tcpServer((peer) => peers.push(peer))
  const bed = await gatewayBed({ congestionSafePath: true, homeTcp: port })
  const bodies = ['one', 'x'.repeat(60_000), 'three', 'four']
  for (const body of bodies) bed.xmpp.send(stanzaText(body))
  await until(() => peers[0]?.text().endsWith('four') === true)
  expect(peers).toHaveLength(1)
  const requests = (peers[0]?.text() ?? '').split(/(?=MESSAGE sip:)/)
  expect(requests.map(bodyOf)).toEqual(bodies)
  for (const request of [...requests].reverse()) peers[0]?.socket.write(answerText(request, 200))
  await until(() => counters(bed)['message.delivered'] === 4)
})

test('a congestion-safe path over UDP whose host hears no TCP: the long one fails, the short ones behind it cross', async () => {
  const bed = await gatewayBed({ congestionSafePath: true })
  bed.xmpp.send(stanzaText('x'.repeat(5_000), 'long'))
  bed.xmpp.send(stanzaText('short'))
  const request = await bed.home.next()
  expect(bodyOf(request)).toBe('short')
  bed.home.send(answerText(request, 200), bed.port)
  await until(() => bed.xmpp.messages().length === 1)
  expect(bed.xmpp.messages()[0]?.attrs).toMatchObject({ id: 'long', type: 'error' })
})

test('reload: a link whose row is the same keeps its connection', async () => {
  const bed = await gatewayBed()
  await bed.reload({ interworking: { noLiveLink: 503 } })
  await pause(100)
  expect(bed.xmpp.story).toEqual(['open 1'])
  expect(isLive(bed.gateway)).toBe(true)
})

test('reload: a link with another secret leaves properly before it comes back', async () => {
  const bed = await gatewayBed()
  await bed.reload({ secret: 'montague' })
  await until(() => bed.xmpp.story.includes('open 2'))
  expect(bed.xmpp.story).toEqual(['open 1', 'closing tag 1', 'gone 1', 'open 2'])
  await until(() => isLive(bed.gateway))
  bed.xmpp.send(stanzaText('still here'))
  expect(bodyOf(await bed.home.next())).toBe('still here')
})

test('reload: several changes at once leave one connection, the last', async () => {
  const bed = await gatewayBed()
  for (const secret of ['a', 'b', 'c']) void bed.reload({ secret })
  await until(() => isLive(bed.gateway))
  await pause(100)
  expect(bed.xmpp.story).toEqual(['open 1', 'closing tag 1', 'gone 1', 'open 2'])
})

test('reload: a link that comes and one that goes', async () => {
  const bed = await gatewayBed()
  const second = {
    name: 'second',
    kind: 'component',
    host: '127.0.0.1',
    port: bed.xmpp.port,
    domain: 'gw.example',
    secret: { env: 'SECRET' },
    remote: ['other.example'],
    addressing: 'escaped',
  }
  await bed.reload({ links: [second] })
  await until(() => isLive(bed.gateway, 'second'))
  expect(bed.xmpp.story).toEqual(['open 1', 'open 2'])
  await bed.reload({})
  await until(() => bed.xmpp.story.includes('gone 2'))
  expect(bed.xmpp.story).toEqual(['open 1', 'open 2', 'closing tag 2', 'gone 2'])
})

test('stop: new requests get 503, what is open ends, the stream is closed, and the figures are those of the end', async () => {
  const bed = await gatewayBed({ shutdown: { within: '5s' } })
  bed.xmpp.send(stanzaText('last words'))
  const request = await bed.home.next()
  const stopping = bed.gateway.stop()
  bed.home.send(messageText(bed.home.port, { body: 'too late' }), bed.port)
  const refused = await bed.home.next()
  expect(statusOf(refused)).toBe(503)
  expect(header(refused, 'Retry-After')).toMatch(/^\d+$/)
  bed.xmpp.send(stanzaText('too late', 'late'))
  await until(() => bed.xmpp.messages().length === 1)
  expect(bed.xmpp.messages().map((each) => [each.attrs.id, conditionOf(each)])).toEqual([
    ['late', 'resource-constraint'],
  ])
  expect(bed.xmpp.story).toEqual(['open 1'])

  bed.home.send(answerText(request, 200), bed.port)
  const { finished, stats } = await stopping
  expect(finished).toBe(true)
  // The line in the log said what was open before the stop, and knew no link.
  expect(stats).toMatchObject({ open: 0, links: { prosody: { state: 'live' } } })
  await until(() => bed.xmpp.story.includes('gone 1'))
  expect(bed.xmpp.story).toEqual(['open 1', 'closing tag 1', 'gone 1'])
  expect(bed.xmpp.messages()).toHaveLength(1)
})

test('stop: what is open at the limit is bounced on both sides before anything closes', async () => {
  const bed = await gatewayBed({ shutdown: { within: '150ms' } })
  bed.xmpp.answersPings = false
  bed.xmpp.send(stanzaText('unanswered', 'u1'))
  bed.xmpp.send(stanzaText('waiting behind it', 'u2'))
  await bed.home.next()
  bed.home.send(messageText(bed.home.port, { body: 'unconfirmed', callId: 'open-call' }), bed.port)
  await until(() => bed.xmpp.messages().length === 1)

  expect(await bed.gateway.stop()).toMatchObject({
    finished: false,
    stats: { open: 0, counters: { 'message.shutdown': 3 } },
  })
  const answer = answers(bed).find((text) => header(text, 'Call-ID') === 'open-call') ?? ''
  expect(statusOf(answer)).toBe(503)
  expect(header(answer, 'Retry-After')).toMatch(/^\d+$/)
  const errors = bed.xmpp.messages().filter((each) => each.attrs.type === 'error')
  expect(errors.map((each) => [each.attrs.id, conditionOf(each)])).toEqual([
    ['u1', 'resource-constraint'],
    ['u2', 'resource-constraint'],
  ])
  await until(() => bed.xmpp.story.includes('gone 1'))
  expect(bed.xmpp.story).toEqual(['open 1', 'closing tag 1', 'gone 1'])
  expect(counters(bed)['ended.twice']).toBeUndefined()
})

test('stop: twice is once, and a reload afterwards starts nothing', async () => {
  const bed = await gatewayBed()
  const [one, two] = await Promise.all([bed.gateway.stop(), bed.gateway.stop()])
  expect(one).toBe(two)
  await bed.reload({ secret: 'again' })
  await pause(100)
  await until(() => bed.xmpp.story.includes('gone 1'))
  expect(bed.xmpp.story).toEqual(['open 1', 'closing tag 1', 'gone 1'])
})
