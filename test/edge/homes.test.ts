import { expect, test } from 'vitest'
import { homeOf, homeOfUser } from '../../src/edge/homes.ts'
import { Hops, type Locate } from '../../src/edge/hops.ts'
import { Reach } from '../../src/edge/reach.ts'
import { err, ok } from '../../src/kernel/result.ts'
import type { Located } from '../../src/sip/locate/places.ts'
import type { Target } from '../../src/sip/locate/target.ts'
import type { Source } from '../../src/sip/transport/place.ts'
import { address, domain, home, served, snapshot } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { recordingLog } from './support.ts'

const source = (changes: Partial<Source> = {}): Source => ({
  transport: 'udp',
  address: '127.0.0.1',
  port: 5070,
  listener: 'inside-udp',
  side: 'inside',
  ...changes,
})
const data = snapshot({ homes: [home({ addresses: ['127.0.0.1', 'fd00::5'] })] })

test.for([
  ['its address, on an inside listener, any port', {}, 'romeo@sip.example', 'main'],
  ['its other address', { address: 'fd00::5', port: 1 }, 'romeo@sip.example', 'main'],
  ['an outside listener', { side: 'outside' }, 'romeo@sip.example', undefined],
  ['another address', { address: '127.0.0.2' }, 'romeo@sip.example', undefined],
  ['an IPv4-mapped form of its address', { address: '::ffff:127.0.0.1' }, 'romeo@sip.example', undefined],
  ['a From that it does not serve', {}, 'juliet@xmpp.example', undefined],
  ['a From in a domain below', {}, 'romeo@deep.sip.example', undefined],
  ['the domain itself', {}, 'sip.example', 'main'],
] as const)('a home server: %s', ([, changes, from, expected]) => {
  expect(homeOf(data, source(changes), address(from))?.name).toBe(expected)
})

test('each home server speaks for its own domains and users alone', () => {
  const two = snapshot({
    homes: [home(), home({ name: 'second', addresses: ['127.0.0.9'] })],
    servedDomains: [served(), served({ name: address('two.example').domain, home: 'second', links: [] })],
  })
  const speaks = (from: string, at: string) => homeOf(two, source({ address: at }), address(from))?.name
  expect(speaks('romeo@sip.example', '127.0.0.1')).toBe('main')
  expect(speaks('romeo@sip.example', '127.0.0.9')).toBeUndefined()
  expect(speaks('paris@two.example', '127.0.0.9')).toBe('second')
  expect(speaks('paris@two.example', '127.0.0.1')).toBeUndefined()
})

test('nobody has a home outside the served domains', () => {
  expect(homeOfUser(data, address('juliet@xmpp.example'))).toBeUndefined()
  expect(homeOfUser(data, address('romeo@sip.example'))?.name).toBe('main')
})

const at = (uri: string) => home({ nextHop: { kind: 'uri', uri } })
const targetAt = (address: string, host: string, transport: 'udp' | 'tcp' = 'udp'): Target => ({
  transport,
  address,
  port: 5060,
  host,
  server: host,
})
const hopsWith = (locate: Locate, log = recordingLog()) => {
  const time = fakeTime()
  const reach = new Reach(time.clock)
  return { ...time, reach, log, hops: new Hops({ locate, reach, timers: time.timers, log }) }
}

test('hops: a home server is written to from an inside listener, and over TLS by the name that its row says', async () => {
  const { hops } = hopsWith(async ({ host }) =>
    ok([{ ...targetAt('10.0.0.5', host), transport: 'tls' as const }]),
  )
  await hops.locate([
    at('sip:sip.home.example;transport=tls'),
    home({
      name: 'b',
      certificate: domain('edge.home.example'),
      nextHop: { kind: 'uri', uri: 'sip:10.0.0.5;transport=tls' },
    }),
  ])
  expect(hops.of('main')).toMatchObject([{ transport: 'tls', side: 'inside', names: ['sip.home.example'] }])
  expect(hops.of('b')).toMatchObject([{ names: ['edge.home.example'] }])
})

test.for(['sips:sip.home.example', 'tel:+1', 'nonsense'])('hops: %s is no next hop', async (uri) => {
  const { hops, log } = hopsWith(async () => ok([targetAt('10.0.0.5', 'x')]))
  await hops.locate([at(uri)])
  expect(hops.of('main')).toEqual([])
  expect(log.lines.at(-1)?.message).toBe('no way to a home server')
})

test('hops: an embedded home has no next hop', async () => {
  const { hops, log } = hopsWith(async () => ok([targetAt('10.0.0.5', 'x')]))
  await hops.locate([home({ nextHop: { kind: 'embedded' } })])
  expect([hops.of('main'), log.lines]).toEqual([[], []])
})

const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('hops: a name that does not resolve is looked up again until it does, and says so', async () => {
  let answer: Located = err({ kind: 'unavailable', reason: 'SERVFAIL' })
  const { hops, log, pass } = hopsWith(async () => answer)
  await hops.locate([at('sip:sip.home.example')])
  expect(hops.of('main')).toEqual([])
  expect(log.lines.map(({ message }) => message)).toEqual(['a home server could not be looked up'])
  answer = err({ kind: 'not-found', reason: 'no address' })
  pass(10_000)
  await settle()
  expect(log.lines.at(-1)?.message).toBe('no way to a home server')
  answer = ok([targetAt('10.0.0.6', 'sip.home.example')])
  pass(10_000)
  await settle()
  expect(hops.of('main')).toMatchObject([{ transport: 'udp', address: '10.0.0.6', port: 5060 }])
})

test('hops: a server that moves is found again, and one whose records cannot be had keeps its place', async () => {
  let answer: Located = ok([targetAt('10.0.0.6', 'sip.home.example')])
  const { hops, pass } = hopsWith(async () => answer)
  await hops.locate([at('sip:sip.home.example')])
  answer = ok([targetAt('10.0.0.7', 'sip.home.example')])
  pass(60_000)
  await settle()
  expect(hops.of('main')).toMatchObject([{ address: '10.0.0.7' }])
  answer = err({ kind: 'unavailable', reason: 'SERVFAIL' })
  pass(60_000)
  await settle()
  expect(hops.of('main')).toMatchObject([{ address: '10.0.0.7' }])
})

test('hops: who failed is tried last', async () => {
  const { hops, reach } = hopsWith(async ({ host }) =>
    ok([targetAt('10.0.0.6', host), targetAt('10.0.0.7', host)]),
  )
  await hops.locate([at('sip:sip.home.example')])
  const [first] = hops.of('main')
  reach.heard(first?.target as Target, { kind: 'timeout' })
  expect(hops.of('main').map(({ address }) => address)).toEqual(['10.0.0.7', '10.0.0.6'])
})

test('hops: an address is not looked up again; one that is missing does not hide the others; after close nothing is', async () => {
  const asked: string[] = []
  const { hops, timers, pass } = hopsWith(async ({ host }) => {
    asked.push(host)
    return host === '10.0.0.5' ? ok([targetAt(host, host)]) : err({ kind: 'not-found', reason: 'none' })
  })
  await hops.locate([at('sip:10.0.0.5')])
  expect(timers.size).toBe(0)
  await hops.locate([
    at('sip:gone.example'),
    home({ name: 'second', nextHop: { kind: 'uri', uri: 'sip:10.0.0.5' } }),
  ])
  expect(hops.of('second')).toMatchObject([{ address: '10.0.0.5' }])
  hops.close()
  const before = asked.length
  pass(60_000)
  await settle()
  expect(asked).toHaveLength(before)
})

test('hops: the newest data win, however long the resolver takes for the old', async () => {
  const waiting = new Map<string, (located: Located) => void>()
  const { hops } = hopsWith(({ host }) => new Promise((resolve) => waiting.set(host, resolve)))
  const old = hops.locate([at('sip:old.example')])
  const fresh = hops.locate([at('sip:fresh.example')])
  waiting.get('fresh.example')?.(ok([targetAt('10.0.0.2', 'fresh.example')]))
  await fresh
  waiting.get('old.example')?.(ok([targetAt('10.0.0.1', 'old.example')]))
  await old
  expect(hops.of('main')).toMatchObject([{ address: '10.0.0.2' }])
})
