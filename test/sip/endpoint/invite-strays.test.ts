import { expect, test } from 'vitest'
import type { IncomingRequest } from '../../../src/sip/endpoint/endpoint.ts'
import { header, outgoing, pause, requestText, tcpPeer, tcpServer, udpPeer, until } from './bed.ts'
import {
  answer,
  hopByHop,
  invitation,
  methodOf,
  TAKES_INVITE,
  tcpHop,
  timed,
  told,
  udpHop,
} from './invite-bed.ts'

/** The same numbers each time (mulberry32), in [0, n). */
function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

/** Longer than any timer, Timer C left to the user. */
const LONG = 75_000

const ODD_VIAS: readonly ((via: string) => string)[] = [
  (via) => via,
  (via) => via,
  (via) => via,
  (via) => via.replace(/:\d+;/, ';'),
  (via) => via.replace('127.0.0.1', '192.0.2.1'),
  (via) => via.replace(/branch=[^;]+/, 'branch=z9hG4bK'),
  (via) => via.replace(/;branch=[^;]+/, ''),
  (via) => via.replace('UDP', 'TLS'),
  (via) => via.replace('SIP/2.0/UDP', 'SIP / 2.0 / udp'),
  (via) => `${via}, ${via}`,
  (via) => `${via}\r\nVia: ${via}`,
  (via) => `${via};received=[::1];rport=99999;maddr=224.0.0.1`,
  (via) => via.replace('z9hG4bK', 'Z9HG4BK'),
  () => 'SIP/2.0/UDP',
  () => '',
]
const STATUSES = [100, 100, 180, 183, 199, 200, 200, 202, 299, 300, 302, 404, 486, 487, 503, 600, 699]

test.for([1, 2, 3])('whatever comes for an INVITE out, nothing is left of it (%i)', async (seed) => {
  const roll = dice(seed)
  const { endpoint, udp, events, pass, timers } = await timed()
  const peer = await udpPeer()
  let sent = 0
  const all = Array.from({ length: 60 }, () => {
    const on = told()
    return { on, invite: endpoint.invite(invitation(), udpHop(peer.port), on) }
  })
  await until(() => peer.received.length >= all.length)
  for (let round = 0; round < 400; round++) {
    const text = peer.received[roll(peer.received.length)] as string
    const change = ODD_VIAS[roll(ODD_VIAS.length)] as (via: string) => string
    let reply = answer(text, STATUSES[roll(STATUSES.length)] as number, {
      tag: ['', 'a', 'b'][roll(3)] as string,
    })
    const via = header(reply, 'Via') as string
    reply = reply.replace(via, () => change(via))
    if (roll(8) === 0)
      reply = reply.replace(/CSeq: .*\r/, `CSeq: 1 ${['ACK', 'INVITE', 'CANCEL'][roll(3)]}\r`)
    if (roll(20) === 0) reply = reply.replace(/To: .*\r/, 'To: nonsense "\r')
    peer.send(reply, udp)
    sent++
    if (roll(4) === 0) all[roll(all.length)]?.invite.cancel()
    if (roll(10) === 0) {
      await until(() => endpoint.stats().responsesIn + endpoint.stats().malformedDropped >= sent)
      pass(roll(3_000))
    }
  }
  await until(() => endpoint.stats().responsesIn + endpoint.stats().malformedDropped === sent)
  // The user's Timer C.
  for (const { invite } of all) invite.cancel()
  pass(LONG)
  expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, completedTransactions: 0, faults: 0 })
  expect(timers()).toBe(0)
  expect(events.filter(({ kind }) => kind !== 'malformed')).toEqual([])
  for (const { on } of all) {
    const ends = on.list.filter((word) => word.startsWith('end')).length
    const accepted = on.list.some((word) => word.startsWith('ok'))
    expect([ends, accepted]).toEqual(accepted ? [0, true] : [1, false])
  }
})

test.for([1, 2, 3])('whatever comes with an INVITE in, nothing is left of it (%i)', async (seed) => {
  const roll = dice(seed)
  const open: IncomingRequest[] = []
  let acks = 0
  const { endpoint, udp, events, pass, timers } = await timed({
    ...TAKES_INVITE,
    roleOf: () => 'proxy',
    onAck: () => acks++,
    onRequest: (incoming) => {
      open.push(incoming)
      incoming.onCancel(() => incoming.respond(487))
      if (roll(3) === 0) incoming.respond(STATUSES[roll(STATUSES.length)] as number)
    },
  })
  const peer = await udpPeer()
  const invites = Array.from({ length: 60 }, (_, i) =>
    requestText(peer.port, {
      method: 'INVITE',
      ...(i % 4 === 0 ? { via: `SIP/2.0/UDP 127.0.0.1:${peer.port};branch=${i}` } : {}),
    }),
  )
  let sent = 0
  for (let round = 0; round < 500; round++) {
    const invite = invites[roll(invites.length)] as string
    const kind = roll(4)
    let text = invite
    if (kind === 1) text = hopByHop(invite, 'ACK', `<sip:romeo@example.com>;tag=${roll(3)}`)
    if (kind === 2) text = hopByHop(invite, 'CANCEL')
    if (kind === 3) {
      // The tag that we really gave.
      const callId = header(invite, 'Call-ID')
      const reply = peer.received.findLast(
        (r) => header(r, 'Call-ID') === callId && /;tag=/.test(header(r, 'To') ?? ''),
      )
      text = hopByHop(invite, 'ACK', reply === undefined ? undefined : header(reply, 'To'))
    }
    for (let copies = roll(10) === 0 ? 20 : 1; copies > 0; copies--) {
      peer.send(text, udp)
      sent++
    }
    if (roll(5) === 0)
      open[roll(Math.max(1, open.length))]?.respond(STATUSES[roll(STATUSES.length)] as number)
    if (roll(10) === 0) {
      await until(() => endpoint.stats().requestsIn >= sent)
      pass(roll(3_000))
    }
  }
  await until(() => endpoint.stats().requestsIn === sent)
  for (const incoming of open) incoming.respond(480)
  pass(LONG)
  expect(endpoint.stats()).toMatchObject({ serverTransactions: 0, completedTransactions: 0, faults: 0 })
  expect(timers()).toBe(0)
  expect(events).toEqual([])
  expect(acks).toBeGreaterThan(0)
})

test('over TCP: everything at once, in both directions, and the end of the connection', async () => {
  const { endpoint, tcp, events, pass, timers } = await timed({
    ...TAKES_INVITE,
    onRequest: (r) => r.respond(180),
  })
  const server = await tcpServer((peer) =>
    peer.socket.on('data', (chunk) => {
      for (const text of chunk.toString('latin1').split(/(?=(?:INVITE|CANCEL|ACK) sip:)/)) {
        if (methodOf(text) === 'ACK') continue
        const replies = [180, 200, 486, 200, 180].map((status, i) => answer(text, status, { tag: `t${i}` }))
        peer.socket.write(replies.join(''))
      }
      void pause(20).then(() => peer.socket.destroy())
    }),
  )
  const on = told()
  const invites = Array.from({ length: 20 }, () => endpoint.invite(invitation(), tcpHop(server.port), on))
  const peer = await tcpPeer(tcp)
  const text = requestText(1, { method: 'INVITE', via: 'SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bKall' })
  peer.socket.write(
    text + text + hopByHop(text, 'ACK') + hopByHop(text, 'CANCEL') + text + hopByHop(text, 'ACK'),
  )
  await until(() => on.list.length >= 60 && endpoint.stats().requestsIn === 6)
  for (const invite of invites) invite.cancel()
  peer.socket.destroy()
  await until(() => endpoint.stats().connections === 0)
  pass(LONG)
  expect(on.list.filter((word) => word.startsWith('end'))).toEqual([])
  expect(endpoint.stats()).toMatchObject({ clientTransactions: 0, faults: 0, serverTransactions: 1 })
  expect(events.filter(({ kind }) => kind !== 'connection-closed')).toEqual([])
  // The one that the transaction user never answered.
  await endpoint.close()
  expect([endpoint.stats().serverTransactions, timers()]).toEqual([0, 0])
})

test('an ACK is never answered, whatever it is', async () => {
  const { endpoint, udp, events } = await timed({ roleOf: () => 'proxy' })
  const peer = await udpPeer()
  const invite = requestText(peer.port, { method: 'INVITE' })
  const ack = hopByHop(invite, 'ACK')
  const odd = [
    ack,
    ack.replace('Max-Forwards: 70', 'Max-Forwards: x'),
    ack.replace('Max-Forwards: 70', 'Proxy-Require: foo'),
    ack.replace('CSeq: 1 ACK', 'CSeq: 1 INVITE'),
    ack.replace('ACK sip:', 'ACK tel:'),
    ack.replace(/branch=[^;\r]+/, 'branch=z9hG4bK'),
    ack.replace(/From: .*\r\n/, ''),
    ack.replace('SIP/2.0\r', 'SIP/3.0\r'),
  ]
  for (const text of odd) peer.send(text, udp)
  peer.send(requestText(peer.port, { method: 'OPTIONS' }), udp)
  await until(() => peer.received.length > 0)
  expect(peer.received.map((reply) => header(reply, 'CSeq'))).toEqual(['1 OPTIONS'])
  expect(endpoint.stats().requestsIn + endpoint.stats().malformedDropped).toBe(odd.length + 1)
  expect(events.every(({ kind }) => kind === 'malformed')).toBe(true)
})

test('a storm of ACKs and CANCELs for one INVITE sets no timer and keeps nothing', async () => {
  const { endpoint, udp, pass, timers } = await timed({ ...TAKES_INVITE, onRequest: (r) => r.respond(486) })
  const peer = await udpPeer()
  const invite = requestText(peer.port, { method: 'INVITE' })
  peer.send(invite, udp)
  const ack = hopByHop(invite, 'ACK', header(await peer.next(), 'To'))
  for (let i = 0; i < 1000; i++) {
    peer.send(ack, udp)
    peer.send(hopByHop(invite, 'CANCEL').replace('z9hG4bK', `z9hG4bK${i}`), udp)
    if (i % 50 === 49) await until(() => peer.received.length === i + 2)
  }
  expect(endpoint.stats()).toMatchObject({ serverTransactions: 0, completedTransactions: 1, acks: 1000 })
  // Timer I.
  expect(timers()).toBe(1)
  pass(5_000)
  expect([endpoint.stats().completedTransactions, timers()]).toEqual([0, 0])
})

test('a request of ours is not answered by the response to another method on its branch', async () => {
  const { endpoint, udp } = await timed()
  const peer = await udpPeer()
  const on = told()
  endpoint.invite(invitation(), udpHop(peer.port), on)
  const invite = await peer.next()
  peer.send(answer(invite, 200).replace('1 INVITE', '1 CANCEL'), udp)
  peer.send(answer(invite, 200).replace('1 INVITE', '1 MESSAGE'), udp)
  const other = told()
  endpoint.send(outgoing(), udpHop(peer.port), other.done)
  const message = await peer.next()
  peer.send(answer(message, 200).replace('1 MESSAGE', '1 INVITE'), udp)
  await until(() => endpoint.stats().responsesUnmatched === 3)
  expect([on.list, other.list]).toEqual([[], []])
})
