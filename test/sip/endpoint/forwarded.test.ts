import { describe, expect, test } from 'vitest'
import type { Endpoint, Outcome, SendOptions } from '../../../src/sip/endpoint/endpoint.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { bed, header, outgoing, pause, requestText, tcpServer, udpPeer, until } from './bed.ts'
import { answer, hopByHop, invitation, statusOf, TAKES_INVITE, tcpHop, told, udpHop } from './invite-bed.ts'

const forwarded: SendOptions = { forwarded: { loop: 'abc123' } }
const below = 'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKbelow;received=192.0.2.10'

/** Passed on for another client, whose Via it carries. */
function passedOn(request: SipRequest): SipRequest {
  return { ...request, headers: request.headers.with(['Via', below]) }
}

describe('a request for a proxy (RFC 3261 §16.3)', () => {
  test.for<[name: string, shape: Parameters<typeof requestText>[1] & { hops?: number }, answer: string]>([
    ['no hops are left', { hops: 0 }, '483'],
    [
      'an extension of proxies',
      { extra: 'Proxy-Require: foo, bar\r\nProxy-Require: baz' },
      '420 foo, bar, baz',
    ],
    ['a scheme it does not know', { uri: 'tel:+358-555-1234567' }, '416'],
    ['another', { uri: 'http://example.com' }, '416'],
    ['one hop is left', { hops: 1 }, '200'],
    ['an extension of its server', { extra: 'Require: 100rel' }, '200'],
    ['a method nobody knows', { method: 'DANCE' }, '200'],
    ['a body nobody reads', { extra: 'Content-Encoding: gzip' }, '200'],
    ['sips', { uri: 'sips:romeo@example.com' }, '200'],
  ])('%s', async ([, { hops = 70, ...shape }, expected]) => {
    for (const method of shape?.method === undefined ? ['MESSAGE', 'INVITE'] : [shape.method]) {
      const { udp, incoming } = await bed({ roleOf: () => 'proxy' })
      const peer = await udpPeer()
      const text = requestText(peer.port, { method, ...shape })
      peer.send(text.replace('Max-Forwards: 70', `Max-Forwards: ${hops}`), udp)
      const reply = await peer.next()
      expect([statusOf(reply), header(reply, 'Unsupported')].join(' ').trim()).toBe(expected)
      expect(incoming).toHaveLength(expected === '200' ? 1 : 0)
    }
  })

  test('a proxy may see two branches of one request: neither is merged', async () => {
    const { endpoint, udp, incoming } = await bed({ roleOf: () => 'proxy' })
    const peer = await udpPeer()
    for (const method of ['INVITE', 'MESSAGE'])
      for (let i = 0; i < 2; i++) {
        peer.send(requestText(peer.port, { method, callId: `fork-${method}` }), udp)
        expect(statusOf(await peer.next())).toBe('200')
      }
    expect(incoming).toHaveLength(4)
    expect(endpoint.stats().merged).toBe(0)
  })

  test('roleOf decides each time, sees the source, and may throw: 500', async () => {
    const { udp, incoming, events } = await bed({
      roleOf: (request, source) => {
        if (request.method === 'INFO') throw new Error('secret')
        return request.method === 'PUBLISH' && source.transport === 'udp' ? 'proxy' : 'server'
      },
    })
    const peer = await udpPeer()
    const seen: string[] = []
    for (const method of ['PUBLISH', 'SUBSCRIBE', 'INFO']) {
      peer.send(requestText(peer.port, { method }), udp)
      seen.push(statusOf(await peer.next()))
    }
    expect(seen).toEqual(['200', '405', '500'])
    expect(incoming.map(({ request }) => request.method)).toEqual(['PUBLISH'])
    expect(events.map(({ kind }) => kind)).toEqual(['fault'])
  })

  test('a retransmission is the transaction’s, whatever roleOf says by then', async () => {
    const roles = ['proxy', 'server'] as const
    let asked = 0
    const { udp, incoming } = await bed({ roleOf: () => roles[asked++] ?? 'server' })
    const peer = await udpPeer()
    const text = requestText(peer.port, { method: 'PUBLISH' })
    for (let i = 0; i < 2; i++) {
      peer.send(text, udp)
      expect(statusOf(await peer.next())).toBe('200')
    }
    expect(incoming).toHaveLength(1)
  })
})

describe('ACK', () => {
  test('for a 2xx is passed on by a proxy, with its source; by a server not', async () => {
    const acks: string[] = []
    const { endpoint, udp } = await bed({
      ...TAKES_INVITE,
      roleOf: (request) => (request.uri.scheme === 'sips' ? 'server' : 'proxy'),
      onAck: (request, source) => acks.push(`${request.headers.get('Call-ID')} ${source.port}`),
    })
    const peer = await udpPeer()
    const invite = requestText(peer.port, { method: 'INVITE', callId: 'one' })
    peer.send(invite, udp)
    const ok = await peer.next()
    const ack = hopByHop(invite, 'ACK', header(ok, 'To'))
    // With a branch of its own (§13.2.2.4), as RFC 2543 clients do with that of the INVITE, and of an INVITE unknown.
    peer.send(ack.replace(/branch=\S+?;/, 'branch=z9hG4bKack;'), udp)
    peer.send(ack, udp)
    peer.send(ack.replace(/branch=\S+?;/, 'branch=z9hG4bKx;').replace('one', 'two'), udp)
    // No hops left, and not for a proxy.
    peer.send(ack.replace(/branch=\S+?;/, 'branch=z9hG4bKy;').replace(': 70', ': 0'), udp)
    peer.send(ack.replace(/branch=\S+?;/, 'branch=z9hG4bKz;').replace('ACK sip:', 'ACK sips:'), udp)
    await until(() => endpoint.stats().acks === 5)
    expect(acks).toEqual([`one ${peer.port}`, `one ${peer.port}`, `two ${peer.port}`])
    expect(peer.received).toHaveLength(1)
  })

  test('before any final answer it is for nobody', async () => {
    const acks: string[] = []
    const { endpoint, udp, incoming } = await bed({
      onRequest: () => {},
      roleOf: () => 'proxy',
      onAck: (request) => acks.push(request.method),
    })
    const peer = await udpPeer()
    const invite = requestText(peer.port, { method: 'INVITE' })
    peer.send(invite, udp)
    peer.send(hopByHop(invite, 'ACK'), udp)
    await until(() => endpoint.stats().acks === 1)
    expect(acks).toEqual([])
    incoming[0]?.respond(486)
    await until(() => peer.received.length === 2)
  })

  test('a transaction user that throws is a fault, and nothing is answered', async () => {
    const { udp, events } = await bed({
      roleOf: (request) => {
        if (request.headers.get('Call-ID') === 'role') throw new Error('secret')
        return 'proxy'
      },
      onAck: () => {
        throw new Error('secret')
      },
    })
    const peer = await udpPeer()
    for (const callId of ['ack', 'role']) peer.send(requestText(peer.port, { method: 'ACK', callId }), udp)
    await until(() => events.length === 2)
    expect(events.map(({ kind }) => kind)).toEqual(['fault', 'fault'])
    expect(peer.received).toEqual([])
  })

  test.for(['udp', 'tcp'] as const)(
    'out over %s: our Via above the others, no transaction',
    async (transport) => {
      const { endpoint } = await bed()
      const texts: string[] = []
      const peer = await udpPeer()
      const server = await tcpServer((p) =>
        p.socket.on('data', (chunk) => texts.push(chunk.toString('latin1'))),
      )
      endpoint.ack(
        passedOn(outgoing('', 'ACK')),
        transport === 'udp' ? udpHop(peer.port) : tcpHop(server.port),
        forwarded,
      )
      await until(() => texts.length + peer.received.length > 0)
      const ack = [...texts, ...peer.received].join('')
      expect(ack.match(/^Via: .*(?=\r$)/gm)).toEqual([
        expect.stringMatching(
          new RegExp(
            `^Via: SIP/2\\.0/${transport.toUpperCase()} .*;branch=z9hG4bK[\\w-]{22}\\.abc123;rport$`,
          ),
        ),
        `Via: ${below}`,
      ])
      expect(endpoint.stats()).toMatchObject({ requestsOut: 1, clientTransactions: 0 })
    },
  )

  test('one that cannot be sent or written throws at nobody', async () => {
    const { endpoint, events } = await bed()
    endpoint.ack(outgoing('', 'ACK'), udpHop(0))
    endpoint.ack(outgoing('', 'ACK'), { transport: 'udp', address: '::1', port: 5060 })
    const request = outgoing('', 'ACK')
    endpoint.ack({ ...request, headers: request.headers.with(['X-Bad', 'a\r\nb']) }, udpHop(5060))
    await pause(10)
    expect(events.map(({ kind }) => kind)).toEqual(['fault'])
  })
})

describe('a request that is passed on', () => {
  const vias = `\r\nVia: ${below}`

  /** Sends it and gives the request, and what the response with these Vias came to. */
  async function exchange(
    method: 'MESSAGE' | 'INVITE',
    options: SendOptions,
    more: string,
  ): Promise<{ request: string; taken: boolean; endpoint: Endpoint }> {
    const { endpoint, udp } = await bed()
    const peer = await udpPeer()
    let taken = false
    if (method === 'INVITE') {
      const on = told({ success: () => (taken = true) })
      endpoint.invite(passedOn(outgoing('', method)), udpHop(peer.port), on, options)
    } else
      endpoint.send(
        passedOn(outgoing('', method)),
        udpHop(peer.port),
        (o: Outcome) => (taken = o.kind === 'response'),
        options,
      )
    const request = await peer.next()
    peer.send(answer(request, 200, { tag: 'a', vias: more }), udp)
    await until(() => endpoint.stats().responsesIn === 1)
    return { request, taken, endpoint }
  }

  test.for(['MESSAGE', 'INVITE'] as const)(
    '%s: the branch ends with the loop detector (RFC 5393)',
    async (method) => {
      const { request } = await exchange(method, forwarded, vias)
      expect(header(request, 'Via')).toMatch(/;branch=z9hG4bK[\w-]{22}\.abc123;rport$/)
      expect(request.match(/^Via:/gm)).toHaveLength(2)
    },
  )

  test.for(['MESSAGE', 'INVITE'] as const)('%s: its response has several Vias', async (method) => {
    for (const more of [vias, `, ${below}`]) {
      expect((await exchange(method, forwarded, more)).taken).toBe(true)
      const { taken, endpoint } = await exchange(method, {}, more)
      expect(taken).toBe(false)
      expect(endpoint.stats()).toMatchObject({ responsesUnmatched: 1, clientTransactions: 1 })
    }
  })

  test('its ACK and CANCEL are ours alone: one Via', async () => {
    const { endpoint, udp } = await bed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(passedOn(invitation()), udpHop(peer.port), on, forwarded)
    const request = await peer.next()
    sent.cancel()
    peer.send(answer(request, 180, { vias }), udp)
    const cancel = await peer.next()
    peer.send(answer(request, 487, { vias, tag: 'a' }), udp)
    const ack = await peer.next()
    for (const text of [cancel, ack]) {
      expect(text.match(/^Via:/gm)).toHaveLength(1)
      expect(header(text, 'Via')).toBe(header(request, 'Via'))
    }
    expect(on.responses[0]?.headers.all('Via')).toHaveLength(2)
  })

  test('the answer to a request for another is his, with his To and body', async () => {
    const { udp } = await bed({
      roleOf: () => 'proxy',
      onRequest: (r) =>
        r.respond(202, {
          reason: 'Fine',
          to: '<sip:romeo@example.com>;tag=his',
          headers: [['Content-Type', 'text/plain']],
          body: Buffer.from('grüße'),
        }),
    })
    const peer = await udpPeer()
    const text = requestText(peer.port, { method: 'PUBLISH' })
    for (let i = 0; i < 2; i++) {
      peer.send(text, udp)
      const reply = await peer.next()
      expect(reply).toMatch(/^SIP\/2\.0 202 Fine\r\n/)
      expect(header(reply, 'To')).toBe('<sip:romeo@example.com>;tag=his')
      expect(Buffer.from(reply, 'latin1').toString()).toMatch(/Content-Length: 7\r\n\r\ngrüße$/)
    }
  })
})
