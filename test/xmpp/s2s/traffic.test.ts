import { expect, test } from 'vitest'
import { STREAM_MANAGEMENT } from '../../../src/xmpp/s2s/stream-management.ts'
import { Traffic } from '../../../src/xmpp/s2s/traffic.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { fakeTime } from '../../kernel/fake-time.ts'

const ASK = `<r xmlns="${STREAM_MANAGEMENT}"/>`
const acknowledged = (h: number) => xml('a', { xmlns: STREAM_MANAGEMENT, h: String(h) })

function bed({ managed = true } = {}) {
  const time = fakeTime()
  const written: string[] = []
  const told: string[] = []
  const traffic = new Traffic({ write: (text) => written.push(text) > 0, lastRead: 0 }, time.clock)
  if (managed) traffic.manage()
  const send = (name: string) => traffic.send(xml('message', {}), (taken) => told.push(`${name} ${taken}`))
  return { time, traffic, written, told, send }
}

test('one question speaks for all stanzas of a turn', () => {
  const { traffic, told, send } = bed()
  send('a')
  send('b')
  expect(traffic.leaving()).toBe(ASK)
  expect(told).toEqual([])
  expect(traffic.management(acknowledged(2))).toBeUndefined()
  expect(told).toEqual(['a true', 'b true'])
  expect(traffic.askedAt).toBeUndefined()
})

test('what was sent while a question was under way is asked for as soon as the answer is here', () => {
  const { traffic, told, send, written, time } = bed()
  send('a')
  expect(traffic.leaving()).toBe(ASK)
  send('b')
  expect(traffic.leaving()).toBe('')
  time.pass(50)
  written.length = 0
  traffic.management(acknowledged(1))
  expect(told).toEqual(['a true'])
  expect(written).toEqual([ASK])
  expect(traffic.askedAt).toBe(time.clock.now())
  traffic.management(acknowledged(2))
  expect(told).toEqual(['a true', 'b true'])
})

test('a peer whose count does not move is not asked on and on, and owes its answer since the first question', () => {
  const { traffic, send, written, time } = bed()
  send('a')
  traffic.leaving()
  const since = traffic.askedAt
  time.pass(50)
  written.length = 0
  traffic.management(acknowledged(0))
  expect(written).toEqual([])
  expect(traffic.askedAt).toBe(since)
})

test('without stream management a stanza is taken when it leaves, and silence is tested by white space', () => {
  const { traffic, told, send, written } = bed({ managed: false })
  send('a')
  expect(told).toEqual([])
  expect(traffic.leaving()).toBe('')
  expect(told).toEqual(['a true'])
  traffic.test()
  expect(written.at(-1)).toBe(' ')
  expect(traffic.answer()).toBe('')
})

test('what has not left and what was not acknowledged when the stream broke is not taken', () => {
  const { traffic, told, send } = bed()
  send('a')
  traffic.leaving()
  send('b')
  traffic.broken()
  expect(told.sort()).toEqual(['a false', 'b false'])
})

test('what comes is counted, and the peer is told when it asks', () => {
  const { traffic, written } = bed()
  traffic.received()
  traffic.received()
  traffic.management(xml('r', { xmlns: STREAM_MANAGEMENT }))
  expect(written).toEqual([`<a xmlns="${STREAM_MANAGEMENT}" h="2"/>`])
  expect(traffic.stats()).toEqual({ stanzasIn: 2, stanzasOut: 0, managed: true })
})
