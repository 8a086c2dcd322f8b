import { expect, test } from 'vitest'
import type { Carrier } from '../../../src/sip/endpoint/carrier.ts'
import { newCounters } from '../../../src/sip/endpoint/counters.ts'
import type { InviteHandlers } from '../../../src/sip/endpoint/endpoint.ts'
import { OutgoingInvite } from '../../../src/sip/endpoint/outgoing-invite.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import { writeRequest } from '../../../src/sip/serialize.ts'
import { ClientTransactions } from '../../../src/sip/transaction/clients.ts'
import { DEFAULT_TIMERS } from '../../../src/sip/transaction/timers.ts'
import type { Waiter } from '../../../src/sip/transport/connection.ts'
import type { Leg } from '../../../src/sip/transport/leg.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { answer, invitation, methodOf, told } from './invite-bed.ts'

/** An INVITE over a connection of which only its waiters are real. */
function rigged() {
  const time = fakeTime()
  const random = { token: (length: number) => 'r'.repeat(length), fraction: () => 0 }
  const clients = new ClientTransactions({ ...time, values: DEFAULT_TIMERS, random })
  const sent: string[] = []
  const waiting = new Set<Waiter>()
  const leg: Leg = {
    options: { name: 'in', transport: 'tcp', address: '192.0.2.1', port: 5060, side: 'inside' },
    port: 5060,
    sentBy: '192.0.2.1:5060',
    family: 4,
    udp: undefined,
  }
  const carrier: Carrier = {
    leg,
    transport: 'TCP',
    reliable: true,
    send: (bytes, waiter) => {
      sent.push(Buffer.from(bytes).toString())
      if (waiter !== undefined) waiting.add(waiter)
    },
    leave: (waiter) => waiting.delete(waiter),
  }
  const begin = (branch: string, on: InviteHandlers): OutgoingInvite => {
    const via = `SIP/2.0/TCP ${leg.sentBy};branch=${branch}`
    const request = invitation()
    const written = { carrier, branch, via, bytes: writeRequest(request, via) }
    const invite = new OutgoingInvite(request, written, false, { clients, counters: newCounters() }, on)
    invite.start()
    return invite
  }
  const on = told()
  const invite = begin('z9hG4bKone', on)
  const receive = (text: string): void => {
    const parsed = parseMessage(Buffer.from(text))
    if (parsed.ok && parsed.value.kind === 'response') clients.receive(parsed.value)
  }
  return { begin, invite, on, sent, waiting, receive, clients, time }
}

test.for([200, 487])('after %i nobody waits for the connection any more', (status) => {
  const { invite, on, sent, waiting, receive } = rigged()
  receive(answer(sent[0] as string, 180))
  expect(waiting.size).toBe(1)
  invite.cancelWith([])
  expect(waiting.size).toBe(2)
  receive(answer(sent[1] as string, 200))
  expect(waiting.size).toBe(1)
  receive(answer(sent[0] as string, status, { tag: 'a' }))
  expect(waiting.size).toBe(0)
  expect(sent.map(methodOf)).toEqual(status === 200 ? ['INVITE', 'CANCEL'] : ['INVITE', 'CANCEL', 'ACK'])
  expect(on.list).toHaveLength(2)
})

test('nor after a time-out, of the INVITE or its CANCEL', () => {
  const { invite, on, sent, waiting, receive, clients, time } = rigged()
  receive(answer(sent[0] as string, 180))
  invite.cancelWith([])
  time.pass(32_000)
  expect(on.list).toEqual(['180', 'end timeout'])
  expect([waiting.size, clients.active, clients.invites.size, time.timers.size]).toEqual([0, 0, 0, 0])
})

test('at the end, who is told of one INVITE and cancels another starts nothing new', () => {
  const { begin, on, sent, receive, clients, time } = rigged()
  const other = begin('z9hG4bKtwo', told())
  for (const text of [...sent]) receive(answer(text, 180))
  on.done = () => other.cancelWith([])
  clients.clear('closing')
  expect(sent.map(methodOf)).toEqual(['INVITE', 'INVITE'])
  expect([clients.active, clients.invites.open, time.timers.size]).toEqual([0, 0, 0])
})
