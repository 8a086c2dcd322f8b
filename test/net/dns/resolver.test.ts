import { afterEach, describe, expect, test } from 'vitest'
import { Resolver, type ResolverOptions } from '../../../src/net/dns/resolver.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { type DnsServer, type Manner, startDnsServer, type Zone } from '../../support/dns-server.ts'
import { freePort } from '../../support/ports.ts'

const ZONE: Zone = {
  'edge.example': { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8::1'], ttl: 300 },
  '_sips._tcp.example': {
    SRV: [
      { priority: 1, weight: 2, port: 5061, target: 'Edge.Example' },
      { priority: 2, weight: 0, port: 5061, target: 'spare.example' },
    ],
  },
  example: { NAPTR: [{ order: 50, services: 'SIPS+D2T', replacement: '_sips._tcp.example' }] },
  'none._sip._udp.example': { SRV: [{ port: 0, target: '.' }] },
}

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]()
})

async function dnsServer(zone: Zone = ZONE, manner?: Manner): Promise<DnsServer> {
  const server = await startDnsServer(zone)
  if (manner !== undefined) server.manner = manner
  open.push(server)
  return server
}

/** A resolver in a time of its own: it stands still unless a test lets it pass. */
function resolverOf(servers: ResolverOptions['servers'], options: Partial<ResolverOptions> = {}) {
  const time = fakeTime()
  const resolver = new Resolver({
    clock: time.clock,
    timers: time.timers,
    hosts: false,
    ...(servers === undefined ? {} : { servers }),
    ...options,
  })
  open.push({ [Symbol.asyncDispose]: async () => resolver.close() })
  return { resolver, time }
}

describe('what is asked for is read', () => {
  test('A and AAAA, with their time to live', async () => {
    const { resolver } = resolverOf([await dnsServer()])
    expect(await resolver.a('edge.example')).toEqual({
      kind: 'records',
      records: ['192.0.2.1', '192.0.2.2'],
      ttl: 300,
    })
    expect(await resolver.aaaa('EDGE.example.')).toMatchObject({ records: ['2001:db8::1'] })
  })

  test('SRV, with targets in lower case', async () => {
    const { resolver } = resolverOf([await dnsServer()])
    expect(await resolver.srv('_sips._tcp.example')).toEqual({
      kind: 'records',
      ttl: 60,
      records: [
        { priority: 1, weight: 2, port: 5061, target: 'edge.example' },
        { priority: 2, weight: 0, port: 5061, target: 'spare.example' },
      ],
    })
    expect(await resolver.srv('none._sip._udp.example')).toMatchObject({ records: [{ target: '.' }] })
  })

  test('NAPTR', async () => {
    const { resolver } = resolverOf([await dnsServer()])
    expect(await resolver.naptr('example')).toMatchObject({
      records: [
        {
          order: 50,
          preference: 10,
          flags: 's',
          services: 'SIPS+D2T',
          regexp: '',
          replacement: '_sips._tcp.example',
        },
      ],
    })
  })
})

describe('“there is none” and “could not find out” are two things', () => {
  test('a name that does not exist, with the negative time to live of the SOA (RFC 2308 §5)', async () => {
    const { resolver } = resolverOf([await dnsServer()])
    expect(await resolver.a('nobody.example')).toEqual({ kind: 'none', ttl: 30 })
  })

  test('a name without such records', async () => {
    const { resolver } = resolverOf([await dnsServer()])
    expect(await resolver.naptr('edge.example')).toEqual({ kind: 'none', ttl: 30 })
  })

  test('a text that can be no name is decidedly none, and is not asked for', async () => {
    const server = await dnsServer()
    const { resolver } = resolverOf([server])
    for (const text of [
      '',
      '.',
      'a..example',
      'no space.example',
      `${'a'.repeat(64)}.example`,
      'ex\0.example',
    ])
      expect(await resolver.a(text), JSON.stringify(text)).toMatchObject({ kind: 'none' })
    expect(server.queries).toEqual([])
  })

  test.for([
    ['servfail', 'server-failure'],
    ['refused', 'refused'],
    ['garbage', 'malformed'],
    ['referral', 'lame'],
  ] as const)('%s: could not find out', async ([manner, reason]) => {
    const { resolver } = resolverOf([await dnsServer(ZONE, manner)])
    expect(await resolver.a('edge.example')).toEqual({ kind: 'failed', reason })
    expect(resolver.stats()).toMatchObject({ faults: 1, failed: 1 })
  })

  test('a server that is not there: could not find out', async () => {
    const { resolver } = resolverOf([{ address: '127.0.0.1', port: await freePort() }])
    expect(await resolver.a('edge.example')).toEqual({ kind: 'failed', reason: 'ECONNREFUSED' })
  })

  test('no server at all: could not find out', async () => {
    const { resolver } = resolverOf([])
    expect(await resolver.a('edge.example')).toMatchObject({ kind: 'failed' })
  })

  test('silence: could not find out, after all rounds', async () => {
    const server = await dnsServer(ZONE, 'silent')
    const { resolver, time } = resolverOf([server], { limits: { timeout: 100, rounds: 2 } })
    const answer = resolver.a('edge.example')
    await server.asked(1)
    time.pass(100)
    await server.asked(2)
    time.pass(100)
    expect(await answer).toEqual({ kind: 'failed', reason: 'timeout' })
    expect(resolver.stats()).toMatchObject({ timeouts: 2, queries: 2 })
  })

  test('the deadline holds for all tries together', async () => {
    const server = await dnsServer(ZONE, 'silent')
    const limits = { timeout: 100, rounds: 50, deadline: 150 }
    const { resolver, time } = resolverOf([server], { limits })
    const answer = resolver.a('edge.example')
    await server.asked(1)
    time.pass(100)
    await server.asked(2)
    time.pass(50)
    expect(await answer).toEqual({ kind: 'failed', reason: 'timeout' })
    expect(server.queries.length).toBe(2)
  })
})

describe('several servers', () => {
  test.for(['servfail', 'refused', 'garbage', 'referral'] as const)(
    'the next one is asked after %s, and only once',
    async (manner) => {
      const [bad, good] = [await dnsServer(ZONE, manner), await dnsServer()]
      const { resolver } = resolverOf([bad, good])
      expect(await resolver.a('edge.example')).toMatchObject({ kind: 'records' })
      expect([bad.queries.length, good.queries.length]).toEqual([1, 1])
    },
  )

  test('the one that answered is asked first from then on', async () => {
    const [dead, good] = [await dnsServer(ZONE, 'silent'), await dnsServer()]
    const { resolver, time } = resolverOf([dead, good], { limits: { timeout: 100 } })
    const first = resolver.a('edge.example')
    await dead.asked(1)
    time.pass(100)
    expect(await first).toMatchObject({ kind: 'records' })
    expect(await resolver.aaaa('edge.example')).toMatchObject({ kind: 'records' })
    expect(dead.queries.length).toBe(1)
  })

  test('that there is none is an answer: nobody else is asked', async () => {
    const [first, second] = [await dnsServer({}), await dnsServer()]
    const { resolver } = resolverOf([first, second])
    expect(await resolver.a('edge.example')).toMatchObject({ kind: 'none' })
    expect(second.queries).toEqual([])
  })
})

describe('aliases', () => {
  const aliases: Zone = {
    'www.example': { CNAME: 'edge.example', ttl: 20 },
    'out.example': { CNAME: 'edge.elsewhere', ttl: 20 },
    'edge.elsewhere': { manner: 'servfail' },
    'dead.example': { CNAME: 'nobody.example', ttl: 20 },
    'round.example': { CNAME: 'trip.example' },
    'trip.example': { CNAME: 'round.example' },
    ...ZONE,
  }

  test('are followed within an answer, which lives as long as the shortest of the chain', async () => {
    const server = await dnsServer(aliases)
    const { resolver } = resolverOf([server])
    expect(await resolver.a('www.example')).toEqual({
      kind: 'records',
      records: ['192.0.2.1', '192.0.2.2'],
      ttl: 20,
    })
    expect(server.queries.length).toBe(1)
  })

  test('are followed by a question where the answer does not hold the records', async () => {
    const server = await dnsServer({
      'out.example': {
        manner: (query, honest) => ({
          ...honest,
          flags: 0x80,
          authorities: [],
          answers: [{ type: 'CNAME', name: query.name, ttl: 20, data: 'edge.example' }],
        }),
      },
      ...ZONE,
    })
    const { resolver } = resolverOf([server])
    expect(await resolver.a('out.example')).toMatchObject({ kind: 'records', ttl: 20 })
    expect(server.queries.map(({ name }) => name)).toEqual(['out.example', 'edge.example'])
  })

  test('one that leads to nothing is none', async () => {
    const { resolver } = resolverOf([await dnsServer(aliases)])
    expect(await resolver.a('dead.example')).toMatchObject({ kind: 'none' })
  })

  test('a ring of them within an answer ends', async () => {
    const { resolver } = resolverOf([await dnsServer(aliases)])
    expect(await resolver.a('round.example')).toEqual({ kind: 'failed', reason: 'alias-loop' })
  })

  test('so does an endless chain over many questions', async () => {
    let next = 0
    const server = await dnsServer({}, (query, honest) => ({
      ...honest,
      flags: 0x80,
      authorities: [],
      answers: [{ type: 'CNAME', name: query.name, ttl: 20, data: `n${next++}.example` }],
    }))
    const { resolver } = resolverOf([server])
    expect(await resolver.a('start.example')).toEqual({ kind: 'failed', reason: 'alias-loop' })
    expect(server.queries.length).toBe(5)
  })

  test('records of other names in the answer are not taken', async () => {
    const server = await dnsServer(ZONE, (_, honest) => ({
      ...honest,
      answers: [{ type: 'A', name: 'victim.example', ttl: 60, data: '192.0.2.66' }],
      additionals: [{ type: 'A', name: 'edge.example', ttl: 60, data: '192.0.2.66' }],
    }))
    const { resolver } = resolverOf([server])
    expect(await resolver.a('edge.example')).toMatchObject({ kind: 'none' })
    expect(await resolver.a('victim.example')).toMatchObject({ records: ['192.0.2.66'] })
  })
})

describe('nobody else answers in the server’s place (RFC 5452)', () => {
  test.for(['wrong-id', 'wrong-question'] as const)('%s is passed over and counted', async (manner) => {
    const server = await dnsServer(ZONE, manner)
    const { resolver, time } = resolverOf([server], { limits: { timeout: 100, rounds: 1 } })
    const answer = resolver.a('edge.example')
    await expect.poll(() => resolver.stats().foreign).toBe(1)
    time.pass(100)
    expect(await answer).toEqual({ kind: 'failed', reason: 'timeout' })
  })

  test('the identifier is another each time, and so is the port', async () => {
    const server = await dnsServer(ZONE)
    const { resolver } = resolverOf([server])
    for (let i = 0; i < 20; i++) await resolver.a(`n${i}.example`)
    expect(new Set(server.queries.map(({ id }) => id)).size).toBeGreaterThan(15)
    expect(new Set(server.queries.map(({ from }) => from)).size).toBeGreaterThan(15)
  })

  test('case is no difference: a server may answer in its own', async () => {
    const server = await dnsServer(ZONE, (_, honest) => ({
      ...honest,
      questions: [{ name: 'eDGe.exAMple', type: 'A' }],
    }))
    const { resolver } = resolverOf([server])
    expect(await resolver.a('edge.example')).toMatchObject({ kind: 'records' })
  })
})

describe('TCP', () => {
  test('a truncated answer is asked for again over TCP', async () => {
    const server = await dnsServer(ZONE, 'truncate')
    const { resolver } = resolverOf([server])
    expect(await resolver.srv('_sips._tcp.example')).toMatchObject({ kind: 'records' })
    expect(server.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
    expect(resolver.stats().tcp).toBe(1)
  })

  test('an answer of many records comes whole', async () => {
    const SRV = Array.from({ length: 100 }, (_, i) => ({ port: 5061, target: `edge${i}.example` }))
    const server = await dnsServer({ '_sips._tcp.example': { SRV } })
    const { resolver } = resolverOf([server])
    const answer = await resolver.srv('_sips._tcp.example')
    expect(answer.kind === 'records' && answer.records.length).toBe(100)
    expect(server.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  test('what stays truncated over TCP could not be found out', async () => {
    const server = await dnsServer(ZONE, (_, honest) => ({ ...honest, answers: [], flags: 1 << 9 }))
    const { resolver } = resolverOf([server])
    expect(await resolver.a('edge.example')).toEqual({ kind: 'failed', reason: 'malformed' })
    expect(server.queries.length).toBe(2)
  })

  test('a server that keeps silent over TCP costs a time-out', async () => {
    const server = await dnsServer(ZONE, (query, honest) =>
      query.transport === 'tcp' ? undefined : { ...honest, answers: [], flags: 1 << 9 },
    )
    const { resolver, time } = resolverOf([server], { limits: { timeout: 100, rounds: 1 } })
    const answer = resolver.a('edge.example')
    await server.asked(2)
    time.pass(100)
    expect(await answer).toEqual({ kind: 'failed', reason: 'timeout' })
  })
})

test('a server without EDNS is asked without it (RFC 6891 §6.2.2)', async () => {
  const server = await dnsServer(ZONE, 'no-edns')
  const { resolver } = resolverOf([server])
  expect(await resolver.a('edge.example')).toMatchObject({ kind: 'records' })
  expect(server.queries.map(({ edns }) => edns)).toEqual([true, false])
})

describe('answers are kept by their time to live', () => {
  const kept = async (zone: Zone, name: string, limits = {}) => {
    const server = await dnsServer(zone)
    const { resolver, time } = resolverOf([server], { limits })
    const askedAfter = async (ms: number) => {
      time.pass(ms)
      const answer = await resolver.a(name)
      return [server.count(name), 'ttl' in answer ? answer.ttl : undefined]
    }
    return { askedAfter, resolver }
  }

  test('and told with the time that is left', async () => {
    const { askedAfter, resolver } = await kept({ a: { A: ['192.0.2.1'], ttl: 10 } }, 'a')
    expect(await askedAfter(0)).toEqual([1, 10])
    expect(await askedAfter(4_000)).toEqual([1, 6])
    expect(await askedAfter(5_999)).toEqual([1, 1])
    expect(await askedAfter(1)).toEqual([2, 10])
    expect(resolver.stats()).toMatchObject({ asked: 4, known: 2, answers: 1 })
  })

  test('not less than the floor, not more than the ceiling', async () => {
    const { askedAfter } = await kept({ a: { A: ['192.0.2.1'], ttl: 0 } }, 'a', { floor: 5 })
    expect(await askedAfter(0)).toEqual([1, 5])
    expect(await askedAfter(4_999)).toEqual([1, 1])
    expect(await askedAfter(1)).toEqual([2, 5])
    const high = await kept({ a: { A: ['192.0.2.1'], ttl: 2 ** 31 - 1 } }, 'a', { ceiling: 7 })
    expect(await high.askedAfter(0)).toEqual([1, 7])
    expect(await high.askedAfter(7_000)).toEqual([2, 7])
  })

  test('a time to live with the highest bit set counts as zero (RFC 2181 §8)', async () => {
    const { askedAfter } = await kept({ a: { A: ['192.0.2.1'], ttl: 2 ** 31 } }, 'a', { floor: 5 })
    expect(await askedAfter(0)).toEqual([1, 5])
  })

  test('that there is none is kept too, by the SOA and a ceiling of its own', async () => {
    const { askedAfter } = await kept({}, 'a', { negativeCeiling: 20 })
    expect(await askedAfter(0)).toEqual([1, 20])
    expect(await askedAfter(19_999)).toEqual([1, 1])
    expect(await askedAfter(1)).toEqual([2, 20])
  })

  test('that it could not be found out is kept for a moment only', async () => {
    const { askedAfter } = await kept({ a: { manner: 'servfail' } }, 'a', { failure: 2 })
    expect(await askedAfter(0)).toEqual([1, undefined])
    expect(await askedAfter(1_999)).toEqual([1, undefined])
    expect(await askedAfter(1)).toEqual([2, undefined])
  })

  test('so many and no more', async () => {
    const server = await dnsServer()
    const { resolver } = resolverOf([server], { limits: { answers: 3 } })
    for (let i = 0; i < 5; i++) await resolver.a(`n${i}.example`)
    expect(resolver.stats()).toMatchObject({ answers: 3, evicted: 2 })
    await resolver.a('n0.example')
    expect(server.count('n0.example')).toBe(2)
  })
})

describe('questions at the same time', () => {
  test('identical ones are one query', async () => {
    const server = await dnsServer()
    const { resolver } = resolverOf([server])
    const answers = await Promise.all(
      ['edge.example', 'Edge.example', 'edge.example.'].map((name) => resolver.a(name)),
    )
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['records']))
    expect(server.queries.length).toBe(1)
    expect(resolver.stats().shared).toBe(2)
  })

  test('only so many are under way; others wait, and beyond that they fail', async () => {
    const server = await dnsServer(ZONE, 'silent')
    const limits = { underWay: 2, waiting: 1, timeout: 100, rounds: 1, deadline: 1_000 }
    const { resolver, time } = resolverOf([server], { limits })
    const [one, two, three] = ['n1.example', 'n2.example', 'n3.example'].map((name) => resolver.a(name))
    expect(await resolver.a('n4.example')).toEqual({ kind: 'failed', reason: 'too many questions' })
    await server.asked(2)
    expect(resolver.stats()).toMatchObject({ underWay: 2, waiting: 1, turnedAway: 1 })
    server.manner = 'answer'
    time.pass(100)
    expect(await one).toMatchObject({ kind: 'failed' })
    expect(await two).toMatchObject({ kind: 'failed' })
    expect(await three).toMatchObject({ kind: 'none' })
    expect(resolver.stats()).toMatchObject({ underWay: 0, waiting: 0 })
  })

  test('who gives up hears the signal’s own reason; the others get their answer', async () => {
    const server = await dnsServer(ZONE, 'silent')
    const { resolver, time } = resolverOf([server], { limits: { timeout: 100, rounds: 2 } })
    const giveUp = new AbortController()
    const first = resolver.a('edge.example', giveUp.signal)
    const second = resolver.a('edge.example')
    await server.asked(1)
    const reason = new Error('enough')
    giveUp.abort(reason)
    await expect(first).rejects.toBe(reason)
    server.manner = 'answer'
    time.pass(100)
    expect(await second).toMatchObject({ kind: 'records' })
    await expect(resolver.a('edge.example', giveUp.signal)).rejects.toBe(reason)
  })

  test('closing ends them, and leaves no timer', async () => {
    const server = await dnsServer(ZONE, 'silent')
    const { resolver, time } = resolverOf([server])
    const answer = resolver.a('edge.example')
    await server.asked(1)
    resolver.close()
    expect(await answer).toEqual({ kind: 'failed', reason: 'closed' })
    expect(await resolver.a('other.example')).toEqual({ kind: 'failed', reason: 'closed' })
    expect(time.timers.size).toBe(0)
  })
})

describe('answers that somebody made to harm', () => {
  test('more records than the limit are not read', async () => {
    const A = Array.from({ length: 201 }, (_, i) => `192.0.2.${i}`)
    const { resolver } = resolverOf([await dnsServer({ a: { A } })])
    expect(await resolver.a('a')).toEqual({ kind: 'failed', reason: 'oversized' })
  })

  test('a target that is no host name is left out', async () => {
    const SRV = ['bad name.example', 'evil\r\nhost', 'good.example'].map((target) => ({ port: 5061, target }))
    const { resolver } = resolverOf([await dnsServer({ a: { SRV }, b: { SRV: SRV.slice(0, 2) } })])
    expect(await resolver.srv('a')).toMatchObject({ records: [{ target: 'good.example' }] })
    // Something was published, so there is not “none”.
    expect(await resolver.srv('b')).toEqual({ kind: 'failed', reason: 'malformed' })
  })
})

describe('names of this machine', () => {
  test('/etc/hosts comes first, and localhost never leaves the machine', async () => {
    const server = await dnsServer()
    const time = fakeTime()
    const resolver = new Resolver({ timers: time.timers, clock: time.clock, servers: [server] })
    expect(await resolver.a('localhost')).toMatchObject({ kind: 'records' })
    expect(await resolver.a('any.localhost')).toMatchObject({ records: ['127.0.0.1'] })
    expect(await resolver.aaaa('any.localhost')).toMatchObject({ records: ['::1'] })
    expect(server.queries).toEqual([])
  })

  test('a name that has an address there has no others', async () => {
    const server = await dnsServer()
    const { resolver } = resolverOf([server], {
      hosts: (name) => (name === 'edge.example' ? { A: ['10.0.0.1'], AAAA: [] } : undefined),
    })
    expect(await resolver.a('edge.example')).toMatchObject({ records: ['10.0.0.1'] })
    expect(await resolver.aaaa('edge.example')).toMatchObject({ kind: 'none' })
    expect(await resolver.srv('_sips._tcp.example')).toMatchObject({ kind: 'records' })
  })
})
