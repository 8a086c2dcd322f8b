import { expect, test } from 'vitest'
import { Gate, type Stranger } from '../../../src/xmpp/s2s/gate.ts'
import { type Seated, Seats } from '../../../src/xmpp/s2s/seats.ts'
import { type FakeTime, fakeTime } from '../../kernel/fake-time.ts'

const ENOUGH = { take: () => true, release: () => {} }

/** A gate, and who was put out of it again. */
function gateway(limits: { handshakes: number; connections?: number }, time: FakeTime, connections = ENOUGH) {
  const gate = new Gate({ connections: 100, connectionsPerAddress: 10, ...limits }, connections, time.clock)
  const evicted: string[] = []
  const enter = (address: string): Stranger | string => {
    const full = gate.enter(address)
    if (full !== undefined) return full
    const stranger: Stranger = {
      address,
      since: time.clock.now(),
      evict: () => {
        evicted.push(address)
        gate.leave(stranger)
      },
    }
    gate.greet(stranger)
    return stranger
  }
  return { gate, enter, evicted }
}

test('within their first second strangers are not pushed out: the next one waits outside', () => {
  const time = fakeTime()
  const { enter, evicted } = gateway({ handshakes: 2 }, time)
  enter('192.0.2.1')
  enter('192.0.2.2')
  time.pass(999)
  expect(enter('192.0.2.3')).toBe('handshakes')
  time.pass(1)
  expect(enter('192.0.2.3')).toBeTypeOf('object')
  expect(evicted).toEqual(['192.0.2.1'])
})

test('who fills the room from one address pushes out themselves, and nobody who came before', () => {
  const time = fakeTime()
  const { gate, enter, evicted } = gateway({ handshakes: 4 }, time)
  enter('192.0.2.1')
  for (let i = 0; i < 3; i++) enter('198.51.100.1')
  time.pass(1000)
  for (let i = 0; i < 2; i++) enter('198.51.100.1')
  expect(evicted).toEqual(['198.51.100.1', '198.51.100.1'])
  expect(gate.strangers).toBe(4)
  expect(gate.evicted).toBe(2)
})

test('the addresses of one IPv6 network stand together', () => {
  const time = fakeTime()
  const { enter, evicted } = gateway({ handshakes: 3 }, time)
  enter('192.0.2.1')
  enter('2001:db8::1')
  enter('2001:db8::2')
  time.pass(1000)
  enter('203.0.113.1')
  expect(evicted).toEqual(['2001:db8::1'])
})

test('who has proved something is no stranger, and goes for nobody', () => {
  const time = fakeTime()
  const { gate, enter, evicted } = gateway({ handshakes: 1 }, time)
  gate.known(enter('192.0.2.1') as Stranger)
  time.pass(5000)
  expect(enter('192.0.2.2')).toBeTypeOf('object')
  expect(evicted).toEqual([])
  expect(gate.size).toBe(2)
})

test('a quarter of all connections is kept for those that we open', () => {
  const { enter } = gateway({ handshakes: 10, connections: 8 }, fakeTime())
  const entered = Array.from({ length: 8 }, (_, i) => enter(`192.0.2.${i}`))
  expect(entered.filter((each) => each === 'connections')).toHaveLength(2)
})

test('connections are counted with those that we open, and given back', () => {
  let open = 0
  const connections = { take: () => open < 1 && ++open > 0, release: () => void open-- }
  const { gate, enter } = gateway({ handshakes: 10 }, fakeTime(), connections)
  const first = enter('192.0.2.1') as Stranger
  expect(enter('192.0.2.2')).toBe('connections')
  expect(gate.size).toBe(1)
  gate.leave(first)
  expect(enter('192.0.2.2')).toBeTypeOf('object')
})

const PARTNER = 'provider Capulet'
const seat = (): Seated => ({ lastRead: 0, giveWay: () => {} })

test('the seats of a partner: the one that has been silent for a minute gives way, else nobody', () => {
  const time = fakeTime()
  const seats = new Seats(time.clock)
  const gone: string[] = []
  const seated = (name: string): Seated & { lastRead: number } => ({
    lastRead: time.clock.now(),
    giveWay: () => gone.push(name),
  })
  const first = seated('first')
  const second = seated('second')
  const stranger = seated('stranger')
  expect(seats.take(PARTNER, first, 2)).toBe(true)
  expect(seats.take(PARTNER, second, 2)).toBe(true)
  expect(seats.take(PARTNER, second, 2)).toBe(true)
  time.pass(59_999)
  first.lastRead = time.clock.now()
  expect(seats.hasRoom(PARTNER, stranger, 2)).toBe(false)
  expect(seats.take(PARTNER, seated('third'), 2)).toBe(false)
  time.pass(1)
  expect(seats.hasRoom(PARTNER, stranger, 2)).toBe(true)
  expect(seats.take(PARTNER, seated('fourth'), 2)).toBe(true)
  expect(gone).toEqual(['second'])
  seats.leave(first)
  expect(seats.take(PARTNER, seated('fifth'), 2)).toBe(true)
  expect(gone).toEqual(['second'])
})

test('a stream that carries domains of two partners has a seat of each, and leaves both', () => {
  const seats = new Seats(fakeTime().clock)
  const [first, second] = [seat(), seat()]
  expect(seats.take('first', first, 1)).toBe(true)
  expect(seats.take('second', first, 1)).toBe(true)
  expect(seats.hasRoom('first', first, 1)).toBe(true)
  expect(seats.hasRoom('first', second, 1)).toBe(false)
  expect(seats.take('second', second, 1)).toBe(false)
  seats.leave(first)
  expect(seats.take('first', second, 1)).toBe(true)
  expect(seats.take('second', second, 1)).toBe(true)
})
