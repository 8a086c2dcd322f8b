import { describe, expect, test } from 'vitest'
import { fakeTime } from '../../kernel/fake-time.ts'
import {
  answerText,
  bed,
  header,
  outcomes,
  outgoing,
  pause,
  requestText,
  tcpPeer,
  tcpServer,
  udpPeer,
  until,
} from './bed.ts'

const udpHop = (port: number, address = '127.0.0.1') => ({ transport: 'udp', address, port }) as const
const tcpHop = (port: number, address = '127.0.0.1') => ({ transport: 'tcp', address, port }) as const

describe('a request out', () => {
  test.for(['127.0.0.1', '::1'])('over UDP from %s: one Via, a long branch, one outcome', async (address) => {
    const { endpoint } = await bed({ address })
    const peer = await udpPeer(address)
    const { list, on } = outcomes()
    endpoint.send(outgoing(), udpHop(peer.port, address), on)
    expect(list).toEqual([])
    const request = await peer.next()
    expect(request.match(/^Via:/gm)).toHaveLength(1)
    expect(header(request, 'Via')).toMatch(
      address === '::1'
        ? /^SIP\/2\.0\/UDP \[::1\]:\d+;branch=z9hG4bK[\w-]{22};rport$/
        : /^SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;branch=z9hG4bK[\w-]{22};rport$/,
    )
    const port = endpoint.listeners.find((l) => l.transport === 'udp')?.port as number
    peer.send(answerText(request, 202), port)
    peer.send(answerText(request, 202), port)
    await until(() => endpoint.stats().responsesAbsorbed === 1)
    expect(list).toMatchObject([{ kind: 'response', response: { status: 202 } }])
    expect(endpoint.stats().clientTransactions).toBe(0)
  })

  test('sent again at 0.5, 1.5, 3.5, 7.5 … s while the peer is silent; a time-out after 32 s', async () => {
    const time = fakeTime()
    const { endpoint } = await bed({ clock: time.clock, timers: time.timers })
    const peer = await udpPeer()
    const { list, on } = outcomes()
    endpoint.send(outgoing(), udpHop(peer.port), on)
    const sentAt = [0]
    for (let now = 1, seen = 0; now <= 32_000; now++) {
      time.pass(1)
      const again = endpoint.stats().retransmissionsOut
      if (again > seen) sentAt.push(now)
      seen = again
    }
    expect(sentAt).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    expect(list).toEqual([{ kind: 'timeout' }])
    await until(() => peer.received.length === 11)
    expect(new Set(peer.received).size).toBe(1)
    const late = answerText(peer.received[0] as string, 200)
    peer.send(late, endpoint.listeners[0]?.port as number)
    await until(() => endpoint.stats().responsesUnmatched === 1)
    expect(list).toHaveLength(1)
    expect(time.timers.size).toBe(0)
  })

  test('a lost answer: the retransmission gets the next one', async () => {
    const { endpoint, udp } = await bed({ timerValues: { t1: 20 } })
    const peer = await udpPeer()
    const { list, on } = outcomes()
    endpoint.send(outgoing(), udpHop(peer.port), on)
    await peer.next()
    peer.send(answerText(await peer.next(), 200), udp)
    await until(() => list.length === 1)
    expect(list[0]).toMatchObject({ kind: 'response' })
  })

  test('responses that are not ours are dropped and counted', async () => {
    const { endpoint, udp } = await bed()
    const peer = await udpPeer()
    const { list, on } = outcomes()
    endpoint.send(outgoing(), udpHop(peer.port), on)
    const request = await peer.next()
    const right = answerText(request, 200)
    peer.send(right.replace('CSeq: 1 MESSAGE', 'CSeq: 1 INVITE'), udp)
    peer.send(
      answerText(request, 200, (via) => `${via}, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx`),
      udp,
    )
    peer.send(right.replace('Via:', 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nVia:'), udp)
    peer.send(
      answerText(request, 200, (via) => via.replace('127.0.0.1', '192.0.2.7')),
      udp,
    )
    peer.send(
      answerText(request, 200, (via) => via.replace(/branch=z9hG4bK./, 'branch=z9hG4bK~')),
      udp,
    )
    await until(() => endpoint.stats().responsesUnmatched === 5)
    expect(list).toEqual([])
    peer.send(right, udp)
    await until(() => list.length === 1)
  })

  test('TCP: refused, and closed before the answer', async () => {
    const { endpoint } = await bed()
    const gone = await tcpServer(() => {})
    await new Promise((resolve) => gone.server.close(resolve))
    const { list, on } = outcomes()
    endpoint.send(outgoing(), tcpHop(gone.port), on)
    await until(() => list.length === 1)
    const closing = await tcpServer((peer) =>
      peer.socket.on('data', () => peer.socket.end('SIP/2.0 200 OK\r\nVi')),
    )
    endpoint.send(outgoing(), tcpHop(closing.port), on)
    await until(() => list.length === 2)
    expect(list).toEqual([
      { kind: 'transport-failure', reason: 'ECONNREFUSED' },
      { kind: 'transport-failure', reason: 'closed by the peer' },
    ])
    expect(endpoint.stats().connections).toBe(0)
  })

  test('one TCP connection for many requests, their bytes in few segments; also the one a peer opened', async () => {
    const { endpoint, tcp, incoming } = await bed()
    let connections = 0
    let segments = 0
    const server = await tcpServer((peer) => {
      connections++
      peer.socket.on('data', (chunk) => {
        segments++
        for (const text of chunk.toString('latin1').split(/(?=MESSAGE sip:)/))
          peer.socket.write(answerText(text, 200))
      })
    })
    const { list, on } = outcomes()
    for (let i = 0; i < 20; i++) endpoint.send(outgoing(), tcpHop(server.port), on)
    await until(() => list.length === 20)
    expect(list.every((outcome) => outcome.kind === 'response')).toBe(true)
    expect([connections, segments]).toEqual([1, 1])

    const peer = await tcpPeer(tcp)
    peer.socket.write(requestText(1, {}))
    await until(() => incoming.length === 1)
    endpoint.send(outgoing('back on the same'), tcpHop((peer.socket.address() as { port: number }).port), on)
    await until(() => peer.text().includes('back on the same'))
  })

  test('hops that are no single host are refused', async () => {
    const { endpoint } = await bed()
    const { list, on } = outcomes()
    for (const address of ['224.0.0.1', '255.255.255.255', '0.0.0.0', 'ff02::1', 'example.com'])
      endpoint.send(outgoing(), udpHop(5060, address), on)
    endpoint.send(outgoing(), udpHop(0), on)
    await until(() => list.length === 6)
    expect(list.every((outcome) => outcome.kind === 'transport-failure')).toBe(true)
  })

  test('a slow reader: beyond the limit requests fail, nothing is buffered without end', async () => {
    const { endpoint } = await bed({ limits: { output: 200_000, pauseAt: 50_000 } })
    const server = await tcpServer((peer) => peer.socket.pause())
    const { list, on } = outcomes()
    for (let i = 0; i < 40; i++) endpoint.send(outgoing('x'.repeat(10_000)), tcpHop(server.port), on)
    await until(() => list.length > 0)
    expect(list[0]).toEqual({ kind: 'transport-failure', reason: 'peer does not read' })
    expect(list.length).toBeGreaterThan(15)
  })
})

describe('RFC 3261 §18.1.1', () => {
  const long = 'x'.repeat(1400)

  test('over 1300 bytes a UDP request goes over TCP, with a Via that says so', async () => {
    const { endpoint } = await bed()
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => peer.socket.write(answerText(chunk.toString('latin1'), 200))),
    )
    const { list, on } = outcomes()
    endpoint.send(outgoing(long), udpHop(server.port), on)
    await until(() => list.length === 1)
    expect(list[0]).toMatchObject({ kind: 'response', response: { status: 200 } })
    expect(list[0]?.kind === 'response' && list[0].response.headers.topVia()?.transport).toBe('TCP')
    expect(endpoint.stats()).toMatchObject({ switchedToTcp: 1, backToUdp: 0 })
  })

  test('back to UDP where TCP is refused, remembered for the host', async () => {
    const { endpoint } = await bed()
    const peer = await udpPeer()
    const { on } = outcomes()
    endpoint.send(outgoing(long), udpHop(peer.port), on)
    expect(await peer.next()).toContain('SIP/2.0/UDP')
    endpoint.send(outgoing(long), udpHop(peer.port), on)
    await peer.next()
    expect(endpoint.stats()).toMatchObject({ switchedToTcp: 1, backToUdp: 2 })
  })

  test('not where the user forbids it (RFC 3428 §8)', async () => {
    const { endpoint } = await bed()
    const peer = await udpPeer()
    const { list, on } = outcomes()
    for (let i = 0; i < 2; i++) {
      endpoint.send(outgoing(long), udpHop(peer.port), on, { backToUdp: false })
      await until(() => list.length === i + 1)
    }
    expect(list).toEqual(Array(2).fill({ kind: 'transport-failure', reason: 'ECONNREFUSED' }))
    expect(peer.received).toEqual([])
  })
})

describe('a request in', () => {
  test('retransmissions are answered from the completed state, with the same tag', async () => {
    const { endpoint, udp, incoming } = await bed({
      onRequest: (r) => r.respond(202, { headers: [['X-A', 'b']] }),
    })
    const peer = await udpPeer()
    const text = requestText(peer.port)
    for (let i = 0; i < 3; i++) peer.send(text, udp)
    await until(() => peer.received.length === 3)
    expect(incoming).toHaveLength(1)
    expect(new Set(peer.received).size).toBe(1)
    expect(peer.received[0]).toContain('SIP/2.0 202 Accepted')
    expect(header(peer.received[0] as string, 'To')).toMatch(/;tag=[\w-]{11}$/)
    expect(header(peer.received[0] as string, 'Via')).toContain(`;received=127.0.0.1;rport=${peer.port}`)
    expect(endpoint.stats()).toMatchObject({
      retransmissionsIn: 2,
      completedTransactions: 1,
      serverTransactions: 0,
    })
  })

  test('without the cookie RFC 2543 rules match', async () => {
    const { udp, incoming } = await bed()
    const peer = await udpPeer()
    const via = `SIP/2.0/UDP 127.0.0.1:${peer.port}`
    const text = requestText(peer.port, { via, callId: 'old' })
    peer.send(text, udp)
    peer.send(text, udp)
    peer.send(text.replaceAll('Call-ID: old', 'Call-ID: other'), udp)
    await until(() => peer.received.length === 3)
    expect(incoming).toHaveLength(2)
  })

  test('the same request by another way is merged: 482 (§8.2.2.2), and stays so', async () => {
    const { udp, incoming } = await bed()
    const peer = await udpPeer()
    peer.send(requestText(peer.port, { callId: 'fork' }), udp)
    await peer.next()
    const second = requestText(peer.port, { callId: 'fork' })
    peer.send(second, udp)
    peer.send(second, udp)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 482 /)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 482 /)
    peer.send(requestText(peer.port, { callId: 'fork', toTag: 'dialog' }), udp)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 200 /)
    expect(incoming).toHaveLength(2)
  })

  test('RFC 3581: to the source port with rport, to the sent-by port without; maddr is not followed', async () => {
    const { udp } = await bed()
    const [source, named] = [await udpPeer(), await udpPeer()]
    source.send(requestText(0, { via: `SIP/2.0/UDP 192.0.2.1:${named.port};branch=z9hG4bKa1;rport` }), udp)
    expect(header(await source.next(), 'Via')).toBe(
      `SIP/2.0/UDP 192.0.2.1:${named.port};branch=z9hG4bKa1;received=127.0.0.1;rport=${source.port}`,
    )
    source.send(
      requestText(0, {
        via: `SIP/2.0/UDP 192.0.2.1:${named.port};branch=z9hG4bKa2;maddr=224.0.0.5;received=192.0.2.9`,
      }),
      udp,
    )
    expect(header(await named.next(), 'Via')).toContain('received=127.0.0.1')
    expect(source.received).toHaveLength(1)
  })

  test('RFC 4320: silence gives 100 after 3.5 s and no 408 ever; a late answer is thrown away', async () => {
    const time = fakeTime()
    const { endpoint, udp, incoming, events } = await bed({
      clock: time.clock,
      timers: time.timers,
      onRequest: () => {},
    })
    const peer = await udpPeer()
    const text = requestText(peer.port)
    peer.send(text, udp)
    await until(() => incoming.length === 1)
    time.pass(3499)
    peer.send(text, udp)
    await until(() => endpoint.stats().retransmissionsIn === 1)
    expect(peer.received).toEqual([])
    time.pass(1)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 100 Trying/)
    time.pass(28_500)
    expect(endpoint.stats()).toMatchObject({ silent: 1, serverTransactions: 0 })
    expect(events).toMatchObject([{ kind: 'silent', method: 'MESSAGE' }])
    incoming[0]?.respond(200)
    await pause(20)
    expect(peer.received).toHaveLength(1)
    expect(endpoint.stats().answersDiscarded).toBe(1)
  })

  test('one answer counts; 1xx, 408 and broken text are mended; a throwing user gives 500 with an id', async () => {
    const turns = [
      (r: import('../../../src/sip/endpoint/endpoint.ts').IncomingRequest) => {
        r.respond(180)
        r.respond(200)
        r.respond(500)
      },
      (r: import('../../../src/sip/endpoint/endpoint.ts').IncomingRequest) => r.respond(408),
      (r: import('../../../src/sip/endpoint/endpoint.ts').IncomingRequest) =>
        r.respond(403, { reason: 'No\r\nX-Evil: 1' }),
      () => {
        throw new Error('secret')
      },
    ]
    const { endpoint, udp, events } = await bed({ onRequest: (r) => turns.shift()?.(r) })
    const peer = await udpPeer()
    const seen: (string | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      peer.send(requestText(peer.port), udp)
      const answer = await peer.next()
      expect(answer).not.toMatch(/Evil|secret/)
      seen.push(answer.slice(8, 11))
    }
    expect(seen).toEqual(['200', '504', '500', '500'])
    expect(endpoint.stats()).toMatchObject({ answersDiscarded: 1, faults: 2 })
    expect(events.filter((event) => event.kind === 'fault')).toHaveLength(2)
  })

  test('full: a stateless 503 with Retry-After, while what is known is still answered', async () => {
    const { endpoint, udp } = await bed({ limits: { transactions: 2 } })
    const peer = await udpPeer()
    const known = requestText(peer.port)
    peer.send(known, udp)
    peer.send(requestText(peer.port), udp)
    peer.send(requestText(peer.port), udp)
    await until(() => peer.received.length === 3)
    expect(peer.received[2]).toMatch(/^SIP\/2\.0 503 [\s\S]*Retry-After: 5\r/)
    peer.send(known, udp)
    await until(() => peer.received.length === 4)
    expect(peer.received[3]).toMatch(/^SIP\/2\.0 200/)
    const { list, on } = outcomes()
    endpoint.send(outgoing(), udpHop(peer.port), on)
    await until(() => list.length === 1)
    expect(list[0]).toMatchObject({ kind: 'transport-failure' })
  })

  test('thousands of transactions leave nothing behind after Timers J and K', async () => {
    const time = fakeTime()
    const { endpoint, udp } = await bed({ clock: time.clock, timers: time.timers })
    const peer = await udpPeer()
    for (let i = 1; i <= 2000; i++) {
      peer.send(requestText(peer.port), udp)
      if (i % 50 === 0) await until(() => peer.received.length === i)
    }
    expect(endpoint.stats()).toMatchObject({ completedTransactions: 2000, serverTransactions: 0 })
    time.pass(31_999)
    expect(endpoint.stats().completedTransactions).toBe(2000)
    time.pass(8_001)
    expect(endpoint.stats()).toMatchObject({ completedTransactions: 0, clientTransactions: 0 })
    expect(time.timers.size).toBe(0)
  })

  test('CANCEL: 481 alone, 200 with a transaction; ACK is never answered', async () => {
    const { endpoint, udp } = await bed()
    const peer = await udpPeer()
    peer.send(requestText(peer.port, { method: 'ACK' }), udp)
    peer.send(requestText(peer.port, { method: 'CANCEL' }), udp)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 481/)
    peer.send(requestText(peer.port, { branch: 'z9hG4bKsame' }), udp)
    await peer.next()
    peer.send(requestText(peer.port, { method: 'CANCEL', branch: 'z9hG4bKsame' }), udp)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 200/)
    expect(endpoint.stats().acks).toBe(1)
  })
})

describe('TCP in', () => {
  test('CR LF CR LF is answered with CR LF (RFC 5626), requests over the same connection', async () => {
    const { tcp } = await bed()
    const peer = await tcpPeer(tcp)
    peer.socket.write('\r\n\r\n')
    await until(() => peer.text() === '\r\n')
    peer.socket.write(requestText(5060) + requestText(5060))
    await until(() => peer.text().match(/SIP\/2\.0 200 OK/g)?.length === 2)
  })

  test('a message that drips is cut off; one in pieces is not', async () => {
    const { tcp, incoming, events } = await bed({ limits: { partial: 150 } })
    const slow = await tcpPeer(tcp)
    const drip = setInterval(() => slow.socket.write('M'), 20)
    const whole = await tcpPeer(tcp)
    const text = requestText(5060)
    whole.socket.write(text.slice(0, 100))
    await pause(20)
    whole.socket.write(text.slice(100))
    await until(() => incoming.length === 1)
    await until(slow.closed)
    clearInterval(drip)
    expect(events).toMatchObject([{ kind: 'connection-closed', reason: 'message not completed in time' }])
    expect(whole.closed()).toBe(false)
  })

  test('idle connections are closed, too many are refused, pings go out and want a pong', async () => {
    const { endpoint, tcp } = await bed({ limits: { idle: 100, connections: 2 } })
    const peers = [await tcpPeer(tcp), await tcpPeer(tcp), await tcpPeer(tcp)]
    await until(() => peers[2]?.closed() === true)
    expect(endpoint.stats().connectionsRefused).toBe(1)
    await until(() => peers.every((peer) => peer.closed()))
    expect(endpoint.stats().connections).toBe(0)

    const pinging = await bed({ limits: { ping: 20, pong: 60 } })
    let pings = 0
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => {
        if (chunk.toString() === '\r\n\r\n' && ++pings < 3) peer.socket.write('\r\n')
      }),
    )
    const { list, on } = outcomes()
    pinging.endpoint.send(outgoing(), tcpHop(server.port), on)
    await until(() => list.length === 1)
    expect([pings, list]).toEqual([3, [{ kind: 'transport-failure', reason: 'no pong' }]])
  })

  test('what cannot be framed is answered, then the connection is closed', async () => {
    const { tcp } = await bed()
    const peer = await tcpPeer(tcp)
    peer.socket.write(requestText(5060).replace(/Content-Length: \d+/, 'Content-Length: -1'))
    await until(peer.closed)
    expect(peer.text()).toMatch(/^SIP\/2\.0 400 /)
  })

  test('the answer finds the sent-by port when the connection is gone (§18.2.2)', async () => {
    const { endpoint, tcp, incoming } = await bed({ onRequest: () => {} })
    const texts: (() => string)[] = []
    const back = await tcpServer((peer) => texts.push(peer.text))
    const peer = await tcpPeer(tcp)
    peer.socket.write(requestText(0, { via: `SIP/2.0/TCP 127.0.0.1:${back.port};branch=z9hG4bKb` }))
    await until(() => incoming.length === 1)
    peer.socket.destroy()
    await until(() => endpoint.stats().connections === 0)
    incoming[0]?.respond(200)
    await until(() => texts[0]?.().startsWith('SIP/2.0 200') === true)
  })
})

describe('life', () => {
  test('a port in use is an error, and nothing stays open', async () => {
    const { udp } = await bed()
    await expect(
      bed({ listeners: [{ name: 'a', transport: 'udp', address: '127.0.0.1', port: udp, side: 'inside' }] }),
    ).rejects.toThrow('EADDRINUSE')
  })

  test('drain takes nothing new and waits for what is under way; close ends it', async () => {
    const { endpoint, udp, incoming } = await bed({ onRequest: () => {} })
    const peer = await udpPeer()
    peer.send(requestText(peer.port), udp)
    await until(() => incoming.length === 1)
    const drained = endpoint.drain(2_000)
    peer.send(requestText(peer.port), udp)
    expect(await peer.next()).toMatch(/^SIP\/2\.0 503/)
    incoming[0]?.respond(200)
    expect(await drained).toBe(true)
    const { list, on } = outcomes()
    endpoint.send(outgoing(), udpHop(peer.port), on)
    await Promise.all([endpoint.close(), endpoint.close()])
    expect(list).toEqual([{ kind: 'transport-failure', reason: 'closing' }])
    endpoint.send(outgoing(), udpHop(peer.port), on)
    await until(() => list.length === 2)
  })
})
