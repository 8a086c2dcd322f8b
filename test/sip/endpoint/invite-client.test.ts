import { describe, expect, test } from 'vitest'
import type { SentInvite } from '../../../src/sip/endpoint/endpoint.ts'
import { bed, header, pause, tcpPeer, tcpServer, udpPeer, until } from './bed.ts'
import { answer, invitation, methodOf, tcpHop, timed, told, udpHop } from './invite-bed.ts'

describe('INVITE out (RFC 3261 §17.1.1, RFC 6026)', () => {
  test('over UDP: one Via; 100 is the transaction’s alone, 1xx and 2xx are passed on', async () => {
    const { endpoint, udp } = await timed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(), udpHop(peer.port), on)
    expect(on.list).toEqual([])
    const request = await peer.next()
    expect(request).toMatch(/^INVITE sip:romeo@127\.0\.0\.1 SIP\/2\.0\r\n/)
    expect(request.match(/^Via:/gm)).toHaveLength(1)
    for (const status of [100, 180, 183]) peer.send(answer(request, status, { tag: 'a' }), udp)
    peer.send(answer(request, 200, { tag: 'a' }), udp)
    await until(() => on.list.length === 3)
    expect(on.list).toEqual(['180', '183', 'ok 200 a'])
    await pause(20)
    // Nobody acknowledges a 2xx for the transaction user.
    expect(peer.received).toHaveLength(1)
  })

  test('over TCP: once, and the connection has nobody waiting at the end', async () => {
    const { endpoint, pass, timers } = await timed({ limits: { idle: 1_000_000 } })
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => {
        const text = chunk.toString('latin1')
        if (methodOf(text) === 'INVITE')
          for (const status of [100, 180, 200]) peer.socket.write(answer(text, status, { tag: 'b' }))
      }),
    )
    const on = told()
    endpoint.invite(invitation(), tcpHop(server.port), on)
    await until(() => on.list.length === 2)
    expect(on.list).toEqual(['180', 'ok 200 b'])
    expect(endpoint.stats()).toMatchObject({ retransmissionsOut: 0, clientTransactions: 0 })
    pass(32_000)
    expect(endpoint.stats().completedTransactions).toBe(0)
    // The idle time of the connection.
    expect(timers()).toBe(1)
  })

  test('sent again at 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s while the peer is silent; Timer B after 32 s', async () => {
    const { endpoint, udp, pass, timers } = await timed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(), udpHop(peer.port), on)
    const sentAt = [0]
    for (let now = 1, seen = 0; now <= 32_000; now++) {
      pass(1)
      const again = endpoint.stats().retransmissionsOut
      if (again > seen) sentAt.push(now)
      seen = again
    }
    expect(sentAt).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500])
    expect(on.list).toEqual(['end timeout'])
    await until(() => peer.received.length === 7)
    expect(new Set(peer.received).size).toBe(1)
    peer.send(answer(peer.received[0] as string, 200, { tag: 'late' }), udp)
    await until(() => endpoint.stats().responsesUnmatched === 1)
    expect(on.list).toHaveLength(1)
    expect(endpoint.stats()).toMatchObject({ timeouts: 1, clientTransactions: 0 })
    expect(timers()).toBe(0)
  })

  test('Timer B ends a silent peer over TCP too', async () => {
    const { endpoint, pass } = await timed()
    let asked = false
    const server = await tcpServer((peer) => peer.socket.on('data', () => (asked = true)))
    const on = told()
    endpoint.invite(invitation(), tcpHop(server.port), on)
    await until(() => asked)
    pass(32_000)
    expect(on.list).toEqual(['end timeout'])
  })

  test('a provisional response ends the retransmissions, and Timer B', async () => {
    const { endpoint, udp, pass } = await timed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(), udpHop(peer.port), on)
    peer.send(answer(await peer.next(), 100), udp)
    await until(() => endpoint.stats().responsesIn === 1)
    pass(200_000)
    expect(endpoint.stats().retransmissionsOut).toBe(0)
    expect(on.list).toEqual([])
    peer.send(answer(peer.received[0] as string, 200, { tag: 'a' }), udp)
    await until(() => on.list.length === 1)
  })

  test('a refusal gets an ACK hop by hop (§17.1.1.3), again for each copy, for 32 s', async () => {
    const { endpoint, udp, pass, timers } = await timed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    const refusal = answer(invite, 486, { tag: 'busy' })
    peer.send(refusal, udp)
    const ack = await peer.next()
    expect(ack).toMatch(/^ACK sip:romeo@127\.0\.0\.1 SIP\/2\.0\r\n/)
    expect(ack.match(/^Via:/gm)).toHaveLength(1)
    for (const name of ['Via', 'From', 'Call-ID']) expect(header(ack, name)).toBe(header(invite, name))
    expect(header(ack, 'To')).toBe('<sip:romeo@example.com>;tag=busy')
    expect(header(ack, 'CSeq')).toBe('1 ACK')
    expect(ack.match(/^Route: .*$/gm)).toEqual([
      'Route: <sip:127.0.0.1;lr>, <sip:second.example;lr>',
      'Route: <sip:third.example;lr>',
    ])
    expect(ack).not.toMatch(/^(Require|Proxy-Require|Contact|Content-Type):/m)
    expect(header(ack, 'Content-Length')).toBe('0')
    expect(on.list).toEqual(['end 486'])

    pass(31_999)
    peer.send(refusal, udp)
    expect(await peer.next()).toBe(ack)
    expect(endpoint.stats()).toMatchObject({ responsesAbsorbed: 1, completedTransactions: 1 })
    pass(1)
    peer.send(refusal, udp)
    await until(() => endpoint.stats().responsesUnmatched === 1)
    expect(on.list).toHaveLength(1)
    expect([peer.received.length, endpoint.stats().completedTransactions, timers()]).toEqual([3, 0, 0])
  })

  test('over TCP the ACK for a refusal is the end at once', async () => {
    const { endpoint } = await bed()
    const seen: string[] = []
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => {
        const text = chunk.toString('latin1')
        seen.push(methodOf(text))
        if (methodOf(text) === 'INVITE') peer.socket.write(answer(text, 603, { tag: 'no' }))
      }),
    )
    const on = told()
    endpoint.invite(invitation(), tcpHop(server.port), on)
    await until(() => seen.length === 2)
    expect(seen).toEqual(['INVITE', 'ACK'])
    expect(on.list).toEqual(['end 603'])
    expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, completedTransactions: 0 })
  })

  test('each 2xx is passed on, of every branch of a fork and sent again, until Timer M', async () => {
    const { endpoint, udp, pass, timers } = await timed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    const ok = (tag: string): void => peer.send(answer(invite, 200, { tag }), udp)
    for (const tag of ['a', 'b', 'a']) ok(tag)
    await until(() => on.list.length === 3)
    pass(31_999)
    ok('c')
    await until(() => on.list.length === 4)
    // What is no 2xx has lost.
    peer.send(answer(invite, 180, { tag: 'd' }), udp)
    peer.send(answer(invite, 486, { tag: 'd' }), udp)
    await until(() => endpoint.stats().responsesIn === 6)
    pass(1)
    ok('e')
    await until(() => endpoint.stats().responsesUnmatched === 1)
    expect(on.list).toEqual(['ok 200 a', 'ok 200 b', 'ok 200 a', 'ok 200 c'])
    expect([peer.received.length, endpoint.stats().clientTransactions, timers()]).toEqual([1, 0, 0])
  })

  test('TCP refused, no listener, no single host: one failure, later', async () => {
    const { endpoint } = await bed()
    const gone = await tcpServer(() => {})
    await new Promise((resolve) => gone.server.close(resolve))
    const on = told()
    endpoint.invite(invitation(), tcpHop(gone.port), on)
    endpoint.invite(invitation(), { transport: 'udp', address: '::1', port: 5060 }, on)
    endpoint.invite(invitation(), { transport: 'udp', address: '224.0.0.1', port: 5060 }, on)
    endpoint.invite(invitation(['X-Bad', 'a\r\nb']), tcpHop(gone.port), on)
    expect(on.list).toEqual([])
    await until(() => on.list.length === 4)
    expect(new Set(on.list)).toEqual(
      new Set([
        'end transport-failure ECONNREFUSED',
        'end transport-failure no listener for this hop',
        'end transport-failure CR, LF or NUL in a start line or header field',
      ]),
    )
    expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, transportFailures: 4 })
  })

  test('a connection that ends fails what has no answer yet', async () => {
    const { endpoint } = await bed()
    const server = await tcpServer((peer) => peer.socket.on('data', () => peer.socket.end()))
    const on = told()
    endpoint.invite(invitation(), tcpHop(server.port), on)
    await until(() => on.list.length === 1)
    expect(on.list).toEqual(['end transport-failure closed by the peer'])
  })

  test('a connection that ends while it rings is no failure: the answer comes over a new one, and so goes the ACK', async () => {
    const { endpoint, tcp } = await bed()
    const texts: string[] = []
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => {
        texts.push(chunk.toString('latin1'))
        if (texts.length === 1) peer.socket.end(answer(texts[0] as string, 180))
      }),
    )
    const on = told()
    endpoint.invite(invitation(), tcpHop(server.port), on)
    await until(() => on.list.length === 1 && endpoint.stats().connections === 0)
    const other = await tcpPeer(tcp)
    other.socket.write(answer(texts[0] as string, 486, { tag: 'busy' }))
    await until(() => texts.length === 2)
    expect(texts[1]).toMatch(/^ACK [\s\S]*;tag=busy\r/)
    expect(on.list).toEqual(['180', 'end 486'])
  })

  test('a handler that throws is a fault, and nothing else', async () => {
    const { endpoint, udp, events } = await bed()
    const peer = await udpPeer()
    const fail = (): never => {
      throw new Error('secret')
    }
    const on = told({ provisional: fail, success: fail, done: fail })
    endpoint.invite(invitation(), udpHop(peer.port), on)
    const first = await peer.next()
    peer.send(answer(first, 180), udp)
    peer.send(answer(first, 200, { tag: 'a' }), udp)
    endpoint.invite(invitation(), udpHop(peer.port), on)
    peer.send(answer(await peer.next(), 500), udp)
    expect(await peer.next()).toMatch(/^ACK /)
    await until(() => events.length === 3)
    expect(events.map((event) => event.kind)).toEqual(['fault', 'fault', 'fault'])
    expect(on.list).toEqual(['180', 'ok 200 a', 'end 500'])
  })
})

describe('RFC 3261 §18.1.1 for INVITE', () => {
  const long = ['Subject', 'x'.repeat(1400)] as const

  test('over 1300 octets it goes over TCP, with a Via that says so; ACK too', async () => {
    const { endpoint } = await bed()
    const seen: string[] = []
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => {
        const text = chunk.toString('latin1')
        seen.push(`${methodOf(text)} ${header(text, 'Via')?.slice(0, 11)}`)
        if (methodOf(text) === 'INVITE') peer.socket.write(answer(text, 404, { tag: 'x' }))
      }),
    )
    const on = told()
    endpoint.invite(invitation(long), udpHop(server.port), on)
    await until(() => seen.length === 2)
    expect(seen).toEqual(['INVITE SIP/2.0/TCP', 'ACK SIP/2.0/TCP'])
    expect(on.list).toEqual(['end 404'])
    expect(endpoint.stats()).toMatchObject({ switchedToTcp: 1, backToUdp: 0 })
  })

  test('back to UDP where TCP is refused, remembered for the host', async () => {
    const { endpoint, udp } = await bed()
    const peer = await udpPeer()
    const on = told()
    for (let i = 0; i < 2; i++) {
      endpoint.invite(invitation(long), udpHop(peer.port), on)
      const request = await peer.next()
      expect(request).toContain('SIP/2.0/UDP')
      peer.send(answer(request, 200, { tag: `t${i}` }), udp)
      await until(() => on.list.length === i + 1)
    }
    expect(on.list).toEqual(['ok 200 t0', 'ok 200 t1'])
    expect(endpoint.stats()).toMatchObject({ switchedToTcp: 1, backToUdp: 2, transportFailures: 0 })
  })

  test('the limit is that of the octets on the wire: 1300 go over UDP', async () => {
    const { endpoint } = await bed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(['Subject', '']), udpHop(peer.port), on)
    const room = 1300 - (await peer.next()).length
    endpoint.invite(invitation(['Subject', 'x'.repeat(room - 1)]), udpHop(peer.port), on)
    expect((await peer.next()).length).toBeLessThanOrEqual(1300)
    expect(endpoint.stats().switchedToTcp).toBe(0)
    endpoint.invite(invitation(['Subject', 'x'.repeat(room + 5)]), udpHop(peer.port), on)
    await peer.next()
    expect(endpoint.stats().switchedToTcp).toBe(1)
  })

  test('not back where the caller forbids it', async () => {
    const { endpoint } = await bed()
    const peer = await udpPeer()
    const on = told()
    for (let i = 0; i < 2; i++) {
      endpoint.invite(invitation(long), udpHop(peer.port), on, { backToUdp: false })
      await until(() => on.list.length === i + 1)
    }
    expect(on.list).toEqual(Array(2).fill('end transport-failure ECONNREFUSED'))
    expect(peer.received).toEqual([])
  })

  test('cancelled before it was refused: it does not go out over UDP after all', async () => {
    const { endpoint } = await bed()
    const peer = await udpPeer()
    const on = told()
    endpoint.invite(invitation(long), udpHop(peer.port), on).cancel()
    await until(() => on.list.length === 1)
    expect(on.list).toEqual(['end transport-failure ECONNREFUSED'])
    await pause(20)
    expect(peer.received).toEqual([])
  })
})

describe('CANCEL out (RFC 3261 §9.1)', () => {
  const reason = ['Reason', 'SIP;cause=200;text="Call completed elsewhere"'] as const

  test('waits for a provisional response, then goes once, like its INVITE', async () => {
    const { endpoint, udp, pass, timers } = await timed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    sent.cancel([reason])
    sent.cancel()
    pass(400)
    await pause(20)
    expect(peer.received).toHaveLength(1)
    peer.send(answer(invite, 100), udp)
    peer.send(answer(invite, 180), udp)
    const cancel = await peer.next()
    expect(cancel).toMatch(/^CANCEL sip:romeo@127\.0\.0\.1 SIP\/2\.0\r\n/)
    expect(cancel.match(/^Via:/gm)).toHaveLength(1)
    for (const name of ['Via', 'From', 'To', 'Call-ID'])
      expect(header(cancel, name)).toBe(header(invite, name))
    expect(header(cancel, 'CSeq')).toBe('1 CANCEL')
    expect(header(cancel, 'Reason')).toBe(reason[1])
    expect(cancel.match(/^Route: .*$/gm)).toEqual(invite.match(/^Route: .*$/gm))
    expect(cancel).not.toMatch(/^(Require|Proxy-Require|Contact|Content-Type):/m)

    peer.send(answer(cancel, 200, { tag: 'a' }), udp)
    peer.send(answer(invite, 487, { tag: 'a' }), udp)
    expect(await peer.next()).toMatch(/^ACK /)
    expect(on.list).toEqual(['180', 'end 487'])
    expect(peer.received).toHaveLength(3)
    pass(40_000)
    expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, completedTransactions: 0, timeouts: 0 })
    expect(timers()).toBe(0)
  })

  test('goes at once where a provisional response was here, and is sent again until it is answered', async () => {
    const { endpoint, udp, pass } = await timed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    peer.send(answer(await peer.next(), 100), udp)
    await until(() => endpoint.stats().responsesIn === 1)
    sent.cancel()
    const cancel = await peer.next()
    pass(500)
    expect(await peer.next()).toBe(cancel)
    peer.send(answer(cancel, 200), udp)
    await until(() => endpoint.stats().responsesIn === 2)
    pass(20_000)
    await pause(20)
    expect(peer.received).toHaveLength(3)
    expect(endpoint.stats()).toMatchObject({ requestsOut: 2, retransmissionsOut: 1 })
  })

  test('from inside the handler of the provisional response', async () => {
    const { endpoint, udp } = await timed()
    const peer = await udpPeer()
    let sent: SentInvite | undefined
    const on = told({ provisional: () => sent?.cancel() })
    sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    peer.send(answer(invite, 180), udp)
    expect(await peer.next()).toMatch(/^CANCEL /)
    peer.send(answer(invite, 183), udp)
    await until(() => on.list.length === 2)
    await pause(20)
    expect(peer.received).toHaveLength(2)
  })

  test('without a final response within 64*T1 the transaction counts as cancelled', async () => {
    const { endpoint, udp, pass, timers } = await timed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    peer.send(answer(invite, 180), udp)
    await until(() => on.list.length === 1)
    pass(100_000)
    sent.cancel()
    peer.send(answer(await peer.next(), 200), udp)
    await until(() => endpoint.stats().responsesIn === 2)
    pass(31_999)
    expect(on.list).toEqual(['180'])
    pass(1)
    expect(on.list).toEqual(['180', 'end timeout'])
    pass(10_000)
    expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, completedTransactions: 0 })
    expect(timers()).toBe(0)
    peer.send(answer(invite, 487), udp)
    await until(() => endpoint.stats().responsesUnmatched === 1)
    expect(on.list).toHaveLength(2)
  })

  test('a 2xx that crosses it is passed on, and Timer M is not cut short', async () => {
    const { endpoint, udp, pass } = await timed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    peer.send(answer(invite, 180), udp)
    await until(() => on.list.length === 1)
    sent.cancel()
    peer.send(answer(await peer.next(), 200), udp)
    pass(20_000)
    peer.send(answer(invite, 200, { tag: 'a' }), udp)
    await until(() => on.list.length === 2)
    pass(31_999)
    peer.send(answer(invite, 200, { tag: 'b' }), udp)
    await until(() => on.list.length === 3)
    expect(on.list).toEqual(['180', 'ok 200 a', 'ok 200 b'])
    pass(1)
    expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, timeouts: 0 })
  })

  test('none once a final response was here, not even when a provisional one comes late', async () => {
    const { endpoint, udp, pass, timers } = await timed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    const invite = await peer.next()
    sent.cancel()
    peer.send(answer(invite, 200, { tag: 'a' }), udp)
    peer.send(answer(invite, 180, { tag: 'a' }), udp)
    await until(() => endpoint.stats().responsesIn === 2)
    sent.cancel()
    await pause(20)
    expect(peer.received).toHaveLength(1)
    expect(on.list).toEqual(['ok 200 a'])
    pass(32_000)
    expect(timers()).toBe(0)
    sent.cancel()
  })

  test('over TCP, on the connection of its INVITE', async () => {
    const { endpoint } = await bed()
    const seen: string[] = []
    const server = await tcpServer((peer) =>
      peer.socket.on('data', (chunk) => {
        for (const text of chunk.toString('latin1').split(/(?=(?:INVITE|CANCEL|ACK) sip:)/)) {
          seen.push(methodOf(text))
          if (methodOf(text) === 'INVITE') peer.socket.write(answer(text, 180))
          if (methodOf(text) === 'CANCEL')
            peer.socket.write(
              answer(text, 200) + answer(text, 487).replace('CSeq: 1 CANCEL', 'CSeq: 1 INVITE'),
            )
        }
      }),
    )
    let sent: SentInvite | undefined
    const on = told({ provisional: () => sent?.cancel() })
    sent = endpoint.invite(invitation(), tcpHop(server.port), on)
    await until(() => seen.length === 3)
    expect(seen).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(on.list).toEqual(['180', 'end 487'])
    expect(endpoint.stats().clientTransactions).toBe(0)
  })

  test('text that would break the CANCEL is the caller’s fault', async () => {
    const { endpoint, udp } = await bed()
    const peer = await udpPeer()
    const on = told()
    const sent = endpoint.invite(invitation(), udpHop(peer.port), on)
    expect(() => sent.cancel([['Reason', 'SIP\r\nX-Evil: 1']])).toThrow('CR, LF or NUL')
    sent.cancel()
    peer.send(answer(await peer.next(), 180), udp)
    const cancel = await peer.next()
    expect(methodOf(cancel)).toBe('CANCEL')
    expect(cancel).not.toContain('Evil')
  })
})
