import { expect, test } from 'vitest'
import { homeOf, homeOfUser } from '../../src/edge/homes.ts'
import { type FindAddress, Hops, hopOf } from '../../src/edge/hops.ts'
import type { Source } from '../../src/sip/transport/place.ts'
import { address, home, served, snapshot } from '../federation/fixtures.ts'
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

const found: FindAddress = async (host) => (host === 'sip.home.example' ? '10.0.0.5' : undefined)
const at = (uri: string) => home({ nextHop: { kind: 'uri', uri } })

test.for([
  ['sip:sip.home.example', { transport: 'udp', address: '10.0.0.5', port: 5060 }],
  ['sip:sip.home.example:5080', { transport: 'udp', address: '10.0.0.5', port: 5080 }],
  ['sip:sip.home.example;transport=TCP', { transport: 'tcp', address: '10.0.0.5', port: 5060 }],
  [
    'sip:sip.home.example;transport=tls',
    { transport: 'tls', address: '10.0.0.5', port: 5061, names: ['sip.home.example'] },
  ],
  ['sip:sip.home.example:5061;lr;transport=tcp', { transport: 'tcp', address: '10.0.0.5', port: 5061 }],
  ['sip:other.example', 'no-address'],
  ['sips:sip.home.example', 'not-a-sip-uri'],
  ['tel:+1', 'not-a-sip-uri'],
  ['nonsense', 'not-a-sip-uri'],
] as const)('next hop %s', async ([uri, expected]) => {
  expect(await hopOf(at(uri), found)).toEqual(
    typeof expected === 'string' ? expected : { ...expected, side: 'inside' },
  )
})

test('an embedded home has no next hop', async () => {
  expect(await hopOf(home({ nextHop: { kind: 'embedded' } }), found)).toBe('not-a-sip-uri')
})

const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('hops: a name that does not resolve is looked up again until it does, and says so', async () => {
  const { timers, pass } = fakeTime()
  const log = recordingLog()
  let answer: string | undefined
  let fails = true
  const hops = new Hops({
    find: async () => {
      if (fails) throw new Error('EAI_AGAIN')
      return answer
    },
    timers,
    log,
  })
  await hops.locate([at('sip:sip.home.example')])
  expect(hops.of('main')).toBeUndefined()
  expect(log.lines.map(({ message }) => message)).toEqual(['a home server could not be looked up'])
  fails = false
  pass(10_000)
  await settle()
  expect(log.lines.at(-1)?.message).toBe('no way to a home server')
  answer = '10.0.0.6'
  pass(10_000)
  await settle()
  expect(hops.of('main')).toMatchObject({ transport: 'udp', address: '10.0.0.6', port: 5060 })
  expect(timers.size).toBe(0)
})

test('hops: one that is missing does not hide the others; after close nothing is looked up', async () => {
  const { timers, pass } = fakeTime()
  let asked = 0
  const hops = new Hops({
    find: async (host) => {
      asked++
      return found(host)
    },
    timers,
    log: recordingLog(),
  })
  await hops.locate([
    at('sip:gone.example'),
    home({ name: 'second', nextHop: { kind: 'uri', uri: 'sip:sip.home.example' } }),
  ])
  expect(hops.of('second')?.address).toBe('10.0.0.5')
  hops.close()
  pass(60_000)
  await settle()
  expect(asked).toBe(2)
})

test('hops: the newest data win, however long the resolver takes for the old', async () => {
  const { timers } = fakeTime()
  const waiting = new Map<string, (address: string) => void>()
  const hops = new Hops({
    find: (host) => new Promise((resolve) => waiting.set(host, resolve)),
    timers,
    log: recordingLog(),
  })
  const old = hops.locate([at('sip:old.example')])
  const fresh = hops.locate([at('sip:fresh.example')])
  waiting.get('fresh.example')?.('10.0.0.2')
  await fresh
  waiting.get('old.example')?.('10.0.0.1')
  await old
  expect(hops.of('main')?.address).toBe('10.0.0.2')
})
