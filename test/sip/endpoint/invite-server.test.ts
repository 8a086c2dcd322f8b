import { describe, expect, test } from 'vitest'
import type { IncomingRequest } from '../../../src/sip/endpoint/endpoint.ts'
import { bed, header, outcomes, outgoing, pause, requestText, tcpPeer, udpPeer, until } from './bed.ts'
import { hopByHop, methodOf, statusOf, TAKES_INVITE, timed, told, udpHop } from './invite-bed.ts'

const silent = { ...TAKES_INVITE, onRequest: () => {} }
const invite = (port: number, shape: Parameters<typeof requestText>[1] = {}): string =>
  requestText(port, { method: 'INVITE', ...shape })

describe('INVITE in (RFC 3261 §17.2.1, RFC 6026)', () => {
  test('100 at once where the transaction user does not answer at once; without a tag', async () => {
    const { endpoint, udp, incoming } = await timed(silent)
    const peer = await udpPeer()
    peer.send(invite(peer.port), udp)
    const trying = await peer.next()
    expect(statusOf(trying)).toBe('100')
    expect(header(trying, 'To')).toBe('<sip:romeo@example.com>')
    expect(incoming).toHaveLength(1)
    expect(endpoint.stats()).toMatchObject({ serverTransactions: 1, provisionals: 1 })
  })

  test('no 100 where it does', async () => {
    const { udp } = await bed({ ...TAKES_INVITE, onRequest: (r) => r.respond(180) })
    const peer = await udpPeer()
    peer.send(invite(peer.port), udp)
    expect(statusOf(await peer.next())).toBe('180')
    await pause(20)
    expect(peer.received).toHaveLength(1)
  })

  test('a retransmission has the last provisional response again', async () => {
    const { endpoint, udp, incoming } = await timed(silent)
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    peer.send(text, udp)
    expect(statusOf(await peer.next())).toBe('100')
    incoming[0]?.respond(180)
    incoming[0]?.respond(183, { reason: 'Later', headers: [['X-A', 'b']] })
    const [, later] = [await peer.next(), await peer.next()]
    expect(later).toMatch(/^SIP\/2\.0 183 Later\r[\s\S]*X-A: b\r/)
    peer.send(text, udp)
    expect(await peer.next()).toBe(later)
    expect(endpoint.stats()).toMatchObject({ retransmissionsIn: 2, serverTransactions: 1 })
    expect(incoming).toHaveLength(1)
  })

  test('a refusal is sent again by Timer G until its ACK, which ends here', async () => {
    const acks: string[] = []
    const { endpoint, udp, incoming, pass, timers } = await timed({
      ...silent,
      onAck: (request) => acks.push(request.method),
      roleOf: () => 'proxy',
    })
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    incoming[0]?.respond(486)
    const refusal = await peer.next()
    expect(statusOf(refusal)).toBe('486')
    const sentAt: number[] = []
    for (let now = 1, seen = endpoint.stats().responsesOut; now <= 12_000; now++) {
      pass(1)
      const out = endpoint.stats().responsesOut
      if (out > seen) sentAt.push(now)
      seen = out
    }
    expect(sentAt).toEqual([500, 1500, 3500, 7500, 11_500])
    peer.send(text, udp)
    await until(() => peer.received.length === 8)
    expect(new Set(peer.received.slice(1))).toEqual(new Set([refusal]))

    const ack = hopByHop(text, 'ACK', header(refusal, 'To'))
    peer.send(ack, udp)
    await until(() => endpoint.stats().acks === 1)
    pass(4_999)
    // Confirmed: further copies of either are absorbed.
    peer.send(ack, udp)
    peer.send(text, udp)
    await until(() => endpoint.stats().acks === 2 && endpoint.stats().retransmissionsIn === 2)
    expect(endpoint.stats().completedTransactions).toBe(1)
    pass(1)
    expect(endpoint.stats()).toMatchObject({ completedTransactions: 0, unacknowledged: 0 })
    expect(timers()).toBe(0)
    expect(peer.received).toHaveLength(8)
    expect(acks).toEqual([])
  })

  test('without an ACK Timer H gives up, and it is counted', async () => {
    const { endpoint, udp, pass, timers } = await timed({
      ...TAKES_INVITE,
      onRequest: (r) => r.respond(404),
    })
    const peer = await udpPeer()
    peer.send(invite(peer.port), udp)
    await peer.next()
    pass(31_999)
    expect(endpoint.stats()).toMatchObject({ unacknowledged: 0, completedTransactions: 1, responsesOut: 11 })
    pass(1)
    expect(endpoint.stats()).toMatchObject({ unacknowledged: 1, completedTransactions: 0 })
    expect(timers()).toBe(0)
  })

  test('over TCP a refusal is sent once, and its ACK is the end at once', async () => {
    const { endpoint, tcp, pass } = await timed({ ...TAKES_INVITE, onRequest: (r) => r.respond(404) })
    const peer = await tcpPeer(tcp)
    const text = invite(1, { via: 'SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bKtcp1' })
    peer.socket.write(text)
    await until(() => peer.text() !== '')
    pass(10_000)
    await pause(20)
    expect(peer.text().match(/SIP\/2\.0 404/g)).toHaveLength(1)
    expect(endpoint.stats().completedTransactions).toBe(1)
    peer.socket.write(hopByHop(text, 'ACK', header(peer.text(), 'To')))
    await until(() => endpoint.stats().acks === 1)
    expect(endpoint.stats().completedTransactions).toBe(0)
  })

  test('several 2xx, each with the To, body and fields it was given, until Timer L', async () => {
    const { endpoint, udp, incoming, pass, timers } = await timed(silent)
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    const accept = (tag: string): void =>
      incoming[0]?.respond(200, {
        to: `<sip:romeo@example.com>;tag=${tag}`,
        headers: [['Contact', `<sip:${tag}@192.0.2.1>`]],
        body: Buffer.from(`v=${tag}`),
      })
    for (const tag of ['one', 'two', 'one']) accept(tag)
    const seen = [await peer.next(), await peer.next(), await peer.next()]
    expect(seen.map((ok) => header(ok, 'To')?.slice(28))).toEqual(['one', 'two', 'one'])
    expect(seen[1]).toMatch(
      /^SIP\/2\.0 200 OK\r[\s\S]*Contact: <sip:two@192\.0\.2\.1>\r[\s\S]*\r\n\r\nv=two$/,
    )
    expect(seen[1]?.match(/^To:/gm)).toHaveLength(1)
    // Nothing is sent again by itself, and a retransmission is absorbed.
    pass(10_000)
    peer.send(text, udp)
    await until(() => endpoint.stats().retransmissionsIn === 1)
    incoming[0]?.respond(180)
    incoming[0]?.respond(486)
    await until(() => peer.received.length === 4)
    await pause(20)
    expect(peer.received).toHaveLength(4)
    expect(endpoint.stats()).toMatchObject({ answersDiscarded: 2, completedTransactions: 1 })
    pass(21_999)
    accept('late')
    expect(await peer.next()).toContain('tag=late')
    pass(1)
    expect(endpoint.stats().completedTransactions).toBe(0)
    accept('too late')
    expect(endpoint.stats().answersDiscarded).toBe(3)
    expect(timers()).toBe(0)
  })

  test('a body without any field is sent too', async () => {
    const { udp } = await bed({
      ...TAKES_INVITE,
      onRequest: (r) => r.respond(183, { body: Buffer.from('v=0') }),
    })
    const peer = await udpPeer()
    peer.send(invite(peer.port), udp)
    expect(await peer.next()).toMatch(/Content-Length: 3\r\n\r\nv=0$/)
  })

  test('our tag is the same in every answer of one transaction', async () => {
    const { udp, incoming } = await bed(silent)
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    incoming[0]?.respond(180)
    peer.send(hopByHop(text, 'CANCEL'), udp)
    const [ringing, cancelled] = [await peer.next(), await peer.next()]
    incoming[0]?.respond(487)
    const tags = [ringing, cancelled, await peer.next()].map((answer) => header(answer, 'To'))
    expect(new Set(tags).size).toBe(1)
    expect(tags[0]).toMatch(/;tag=[\w-]{11}$/)
  })

  test('a transaction user that throws, before or after it has said something: 500 with an id', async () => {
    const turns = [
      () => {
        throw new Error('secret')
      },
      (r: IncomingRequest) => {
        r.respond(180)
        throw new Error('secret')
      },
      (r: IncomingRequest) => {
        r.respond(200)
        throw new Error('secret')
      },
      (r: IncomingRequest) => r.respond(603, { to: '<sip:a@b>;tag=x\r\nX-Evil: 1' }),
      (r: IncomingRequest) => r.respond(99),
    ]
    const { endpoint, udp, events } = await bed({ ...TAKES_INVITE, onRequest: (r) => turns.shift()?.(r) })
    const peer = await udpPeer()
    for (let i = 0; i < 5; i++) {
      peer.send(invite(peer.port), udp)
      await until(() => endpoint.stats().requestsIn === i + 1)
    }
    await until(() => peer.received.length === 6)
    expect(peer.received.map(statusOf)).toEqual(['500', '180', '500', '200', '500', '500'])
    expect(peer.received.join()).not.toMatch(/secret|Evil/)
    expect(events.map((event) => event.kind)).toEqual(['fault', 'fault', 'fault', 'fault'])
  })

  test('full: 503 with Retry-After, whose ACK is for nobody else', async () => {
    const acks: string[] = []
    const { endpoint, udp } = await bed({
      ...silent,
      limits: { transactions: 1 },
      roleOf: () => 'proxy',
      onAck: (request) => acks.push(request.method),
    })
    const peer = await udpPeer()
    peer.send(invite(peer.port), udp)
    await peer.next()
    const text = invite(peer.port)
    peer.send(text, udp)
    const full = await peer.next()
    expect(full).toMatch(/^SIP\/2\.0 503 [\s\S]*Retry-After: 5\r/)
    peer.send(hopByHop(text, 'ACK', header(full, 'To')), udp)
    await until(() => endpoint.stats().acks === 1)
    expect(acks).toEqual([])
    const on = told()
    endpoint.invite(outgoing('v=0', 'INVITE'), udpHop(peer.port), on)
    expect(on.list).toEqual([])
    await until(() => on.list.length === 1)
    expect(on.list).toEqual(['end transport-failure too many transactions'])
  })

  test('the same INVITE by another way is merged: 482 (§8.2.2.2)', async () => {
    const { endpoint, udp, incoming, pass, timers } = await timed(silent)
    const peer = await udpPeer()
    const first = invite(peer.port, { callId: 'fork' })
    peer.send(first, udp)
    await peer.next()
    peer.send(invite(peer.port, { callId: 'fork' }), udp)
    expect(statusOf(await peer.next())).toBe('482')
    expect(incoming).toHaveLength(1)
    incoming[0]?.respond(200)
    await peer.next()
    pass(31_999)
    peer.send(invite(peer.port, { callId: 'fork' }), udp)
    expect(statusOf(await peer.next())).toBe('482')
    pass(1)
    peer.send(invite(peer.port, { callId: 'fork' }), udp)
    await until(() => incoming.length === 2)
    expect(endpoint.stats().merged).toBe(2)
    expect(timers()).toBe(0)
  })

  test('RFC 2543: the ACK for a refusal matches, though it has a tag that its INVITE had not', async () => {
    const acks: string[] = []
    const { endpoint, udp, incoming, pass } = await timed({
      ...silent,
      roleOf: () => 'proxy',
      onAck: (request) => acks.push(request.method),
    })
    const peer = await udpPeer()
    const text = invite(peer.port, { via: `SIP/2.0/UDP 127.0.0.1:${peer.port}` })
    peer.send(text, udp)
    await peer.next()
    incoming[0]?.respond(486)
    peer.send(hopByHop(text, 'ACK', header(await peer.next(), 'To')), udp)
    await until(() => endpoint.stats().acks === 1)
    pass(32_000)
    expect(endpoint.stats()).toMatchObject({ unacknowledged: 0, completedTransactions: 0 })
    expect(acks).toEqual([])
  })
})

describe('CANCEL in (RFC 3261 §9.2)', () => {
  test('200, and the transaction user hears of it once', async () => {
    const cancels: string[] = []
    const { udp, incoming } = await bed({
      ...TAKES_INVITE,
      onRequest: (r) => r.onCancel((cancel) => cancels.push(cancel.headers.get('Reason') ?? '')),
    })
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    const cancel = hopByHop(text, 'CANCEL').replace(
      'Content-Length',
      'Reason: SIP;cause=200\r\nContent-Length',
    )
    for (let i = 0; i < 3; i++) {
      peer.send(cancel, udp)
      const answer = await peer.next()
      expect([statusOf(answer), header(answer, 'CSeq')]).toEqual(['200', '1 CANCEL'])
    }
    expect(cancels).toEqual(['SIP;cause=200'])
    incoming[0]?.respond(487)
    expect(statusOf(await peer.next())).toBe('487')
  })

  test('also where it asks only later', async () => {
    const cancels: string[] = []
    const { udp, incoming } = await bed(silent)
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    peer.send(hopByHop(text, 'CANCEL'), udp)
    await peer.next()
    incoming[0]?.onCancel((cancel) => cancels.push(cancel.method))
    expect(cancels).toEqual([])
    await until(() => cancels.length === 1)
    peer.send(hopByHop(text, 'CANCEL'), udp)
    await peer.next()
    expect(cancels).toEqual(['CANCEL'])
  })

  test.for([200, 486])('not after %i, but 200 all the same', async (status) => {
    const cancels: string[] = []
    const { udp } = await bed({
      ...TAKES_INVITE,
      onRequest: (r) => {
        r.onCancel((cancel) => cancels.push(cancel.method))
        r.respond(status)
      },
    })
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    peer.send(hopByHop(text, 'CANCEL'), udp)
    const answer = await peer.next()
    expect([statusOf(answer), header(answer, 'CSeq')]).toEqual(['200', '1 CANCEL'])
    expect(cancels).toEqual([])
  })

  test('481 where nothing matches: another branch, another sent-by, and after the end', async () => {
    const cancels: string[] = []
    const { udp, incoming, pass } = await timed({
      ...TAKES_INVITE,
      onRequest: (r) => r.onCancel((cancel) => cancels.push(cancel.method)),
    })
    const peer = await udpPeer()
    const text = invite(peer.port, { branch: 'z9hG4bKright' })
    peer.send(text, udp)
    await peer.next()
    const cancel = hopByHop(text, 'CANCEL')
    peer.send(cancel.replace('z9hG4bKright', 'z9hG4bKwrong'), udp)
    expect(statusOf(await peer.next())).toBe('481')
    peer.send(cancel.replace('UDP 127.0.0.1', 'UDP 192.0.2.1'), udp)
    expect(statusOf(await peer.next())).toBe('481')
    incoming[0]?.respond(200)
    await peer.next()
    pass(32_000)
    peer.send(cancel, udp)
    expect(statusOf(await peer.next())).toBe('481')
    expect(cancels).toEqual([])
  })

  test('a transaction user that throws then is a fault; its INVITE goes on', async () => {
    const { udp, incoming, events } = await bed({
      ...TAKES_INVITE,
      onRequest: (r) =>
        r.onCancel(() => {
          throw new Error('secret')
        }),
    })
    const peer = await udpPeer()
    const text = invite(peer.port)
    peer.send(text, udp)
    await peer.next()
    peer.send(hopByHop(text, 'CANCEL'), udp)
    expect(statusOf(await peer.next())).toBe('200')
    await until(() => events.length === 1)
    incoming[0]?.respond(487)
    expect(statusOf(await peer.next())).toBe('487')
  })
})

describe('life', () => {
  test('drain waits for INVITEs in both directions; close ends what is under way', async () => {
    const { endpoint, udp, incoming } = await bed(silent)
    const peer = await udpPeer()
    peer.send(invite(peer.port), udp)
    await peer.next()
    const on = told()
    endpoint.invite(outgoing('v=0', 'INVITE'), udpHop(peer.port), on)
    expect(methodOf(await peer.next())).toBe('INVITE')
    let drained: boolean | undefined
    const drain = endpoint.drain(3_000).then((all) => {
      drained = all
    })
    incoming[0]?.respond(200)
    await pause(60)
    expect(drained).toBe(undefined)
    peer.send(invite(peer.port), udp)
    await until(() => peer.received.some((text) => statusOf(text) === '503'))
    await endpoint.close()
    expect(on.list).toEqual(['end transport-failure closing'])
    await drain
    expect(drained).toBe(true)
    expect(endpoint.stats()).toMatchObject({
      clientTransactions: 0,
      serverTransactions: 0,
      completedTransactions: 0,
    })
    incoming[0]?.respond(180)
    endpoint.invite(outgoing('v=0', 'INVITE'), udpHop(peer.port), on).cancel()
    endpoint.ack(outgoing('', 'ACK'), udpHop(peer.port))
    await until(() => on.list.length === 2)
  })

  test('INVITE is not for `send`, which has no ACK', async () => {
    const { endpoint } = await bed()
    const { list, on } = outcomes()
    endpoint.send(outgoing('', 'INVITE'), udpHop(5060), on)
    await until(() => list.length === 1)
    expect(list[0]).toEqual({ kind: 'transport-failure', reason: 'no client transaction for INVITE' })
  })
})
