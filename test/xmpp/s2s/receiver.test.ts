import { expect, test } from 'vitest'
import type { Outward } from '../../../src/xmpp/s2s/channel.ts'
import { type KeyBearer, Receiver } from '../../../src/xmpp/s2s/receiver.ts'
import type { KeyPolicy, StreamName, Unreachable } from '../../../src/xmpp/s2s/receiving-state.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { INVALID, resultRequest, VALID, verifyAnswerOf } from './support.ts'

const CAPULET = 'capulet.example'
const MONTAGUE = 'montague.example'
const VERIFY: KeyPolicy = { kind: 'verify' }

type Tell = (outcome: { readonly via: StreamName } | { readonly unreachable: Unreachable }) => void

function bed(unreachable?: Unreachable) {
  const time = fakeTime()
  const asked: { sender: string; tell: Tell }[] = []
  const told: string[] = []
  const outward: Outward = {
    offer: () => {},
    withdraw: () => {},
    verify(pair, _, __, tell) {
      asked.push({ sender: pair.sender, tell })
      if (unreachable !== undefined) tell({ unreachable })
    },
  }
  const receiver = new Receiver({
    outward,
    limits: { timeout: 1000 },
    clock: time.clock,
    timers: time.timers,
    unsolicited: (via) => told.push(`unsolicited ${via}`),
  })
  const join = (name: string, address = '192.0.2.1'): void => {
    const bearer: KeyBearer = {
      name,
      address,
      answer: ({ from, to, verdict }) => {
        const why = verdict.type === 'error' ? verdict.condition : verdict.type
        told.push(`${name}: ${from.text} to ${to.text} ${why}`)
      },
      proved: (pair, by) => told.push(`${name}: proved ${pair.sender} by ${by}`),
      leave: (reason) => told.push(`${name}: leave ${reason}`),
    }
    receiver.join(bearer)
  }
  const key = (stream: string, sender = CAPULET, policy = VERIFY): void =>
    receiver.key(stream, `id-${stream}`, resultRequest(sender, MONTAGUE), policy)
  return { time, asked, told, receiver, join, key }
}

test('a key is asked elsewhere; the answer on that stream proves it, on another it does not', () => {
  const { asked, told, receiver, join, key } = bed()
  join('in-1')
  key('in-1')
  asked[0]?.tell({ via: 'out-1' })
  receiver.answer('out-2', verifyAnswerOf(CAPULET, MONTAGUE, 'id-in-1', VALID))
  expect(told).toEqual(['unsolicited out-2'])
  receiver.answer('out-1', verifyAnswerOf(CAPULET, MONTAGUE, 'id-in-1', VALID))
  expect(told.slice(1)).toEqual([
    `in-1: proved ${CAPULET} by dialback`,
    `in-1: ${MONTAGUE} to ${CAPULET} valid`,
  ])
})

test('an outgoing side that tells within the call changes nothing', () => {
  const { told, join, key } = bed('not-found')
  join('in-1')
  key('in-1')
  expect(told).toEqual([`in-1: ${MONTAGUE} to ${CAPULET} remote-server-not-found`])
})

test('who does not answer in time is not waited for, and the timer ends with the last one', () => {
  const { time, told, asked, join, key } = bed()
  join('in-1')
  key('in-1')
  asked[0]?.tell({ via: 'out-1' })
  time.pass(999)
  expect(told).toEqual([])
  time.pass(1)
  expect(told).toEqual([`in-1: ${MONTAGUE} to ${CAPULET} remote-server-timeout`])
  expect(time.timers.size).toBe(0)
})

test('a stream that was to bring the answer is gone: the key is answered at once', () => {
  const { told, asked, receiver, join, key } = bed()
  join('in-1')
  key('in-1')
  asked[0]?.tell({ via: 'out-1' })
  receiver.closed('out-1')
  expect(told).toEqual([`in-1: ${MONTAGUE} to ${CAPULET} remote-server-timeout`])
})

test('a stream that is gone is told nothing more', () => {
  const { told, asked, receiver, join, key } = bed()
  join('in-1')
  key('in-1')
  asked[0]?.tell({ via: 'out-1' })
  receiver.closed('in-1')
  receiver.answer('out-1', verifyAnswerOf(CAPULET, MONTAGUE, 'id-in-1', VALID))
  expect(told).toEqual([])
})

test('a wrong key: the answer, then the end', () => {
  const { told, asked, receiver, join, key } = bed()
  join('in-1')
  key('in-1')
  asked[0]?.tell({ via: 'out-1' })
  receiver.answer('out-1', verifyAnswerOf(CAPULET, MONTAGUE, 'id-in-1', INVALID))
  expect(told).toEqual([`in-1: ${MONTAGUE} to ${CAPULET} invalid`, 'in-1: leave invalid'])
})

test('one network may have fifty third parties asked in vain, and one more a second; another is not held to account', () => {
  const { time, asked, told, join, key } = bed('no-connection')
  for (let i = 0; i < 60; i++) {
    join(`in-${i}`)
    key(`in-${i}`, `victim-${i}.example`)
  }
  expect(asked).toHaveLength(50)
  expect(told.at(-1)).toContain('resource-constraint')
  join('other', '192.0.2.2')
  key('other', 'verona.example')
  expect(asked).toHaveLength(51)
  time.pass(3000)
  for (let i = 60; i < 70; i++) {
    join(`in-${i}`)
    key(`in-${i}`, `victim-${i}.example`)
  }
  expect(asked).toHaveLength(54)
})

test('keys that are good cost nothing', () => {
  const { asked, receiver, join, key } = bed()
  for (let i = 0; i < 120; i++) {
    join(`in-${i}`)
    key(`in-${i}`, `capulet-${i}.example`)
    asked[i]?.tell({ via: 'out-1' })
    receiver.answer('out-1', verifyAnswerOf(`capulet-${i}.example`, MONTAGUE, `id-in-${i}`, VALID))
  }
  expect(asked).toHaveLength(120)
})
