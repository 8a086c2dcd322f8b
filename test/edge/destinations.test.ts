import { describe, expect, test } from 'vitest'
import { Destinations, type Found } from '../../src/edge/destinations.ts'
import { Reach } from '../../src/edge/reach.ts'
import { err, ok } from '../../src/kernel/result.ts'
import type { Located } from '../../src/sip/locate/places.ts'
import { notFound, type Target } from '../../src/sip/locate/target.ts'
import { domain, sipProvider } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'

const SIP = domain('sip.example')
const target = (host: string, address: string): Target => ({
  transport: 'tls',
  address,
  port: 5061,
  host,
  server: host,
})
const EDGE = 'edge.partner.example'
const SECOND = 'edge2.partner.example'
const PROVIDER = sipProvider({ accessEdges: [domain(EDGE), domain(SECOND)] })

/** Where hosts are, answered when the test says so. */
function destinations() {
  const time = fakeTime()
  const reach = new Reach(time.clock)
  const asked: string[] = []
  const waiting: ((located: Located | Error) => void)[] = []
  const one = new Destinations({
    locate: (host) => {
      asked.push(host)
      return new Promise((resolve, reject) =>
        waiting.push((located) => (located instanceof Error ? reject(located) : resolve(located))),
      )
    },
    reach,
    clock: time.clock,
  })
  const answer = async (...all: readonly (Located | Error)[]): Promise<void> => {
    for (const located of all) waiting.shift()?.(located)
    await new Promise(setImmediate)
  }
  return { one, time, reach, asked, answer, waiting }
}

const FIRST_AT = ok([target(EDGE, '192.0.2.1')])
const SECOND_AT = ok([target(SECOND, '192.0.2.2')])
const addresses = ({ places }: Found): readonly string[] => places.map(({ address }) => address)

describe('the places of a provider', () => {
  test('are its access edges in the order of its row, over TLS, to whoever proves that name, on behalf of our domain', async () => {
    const { one, answer, asked } = destinations()
    const found = one.ofProvider(PROVIDER, SIP)
    await answer(FIRST_AT, SECOND_AT)
    expect(asked).toEqual([EDGE, SECOND])
    expect(await found).toMatchObject({
      problem: undefined,
      places: [
        { transport: 'tls', address: '192.0.2.1', port: 5061, side: 'outside', names: [EDGE], as: SIP },
        { transport: 'tls', address: '192.0.2.2', port: 5061, side: 'outside', names: [SECOND], as: SIP },
      ],
    })
  })

  test('are those that were found, with what is wrong with the others', async () => {
    const { one, answer } = destinations()
    const found = one.ofProvider(PROVIDER, SIP)
    await answer(err(notFound('no such name')), SECOND_AT)
    expect(addresses(await found)).toEqual(['192.0.2.2'])
    expect((await found).problem).toBe('no such name')
  })

  test('none at all, and why', async () => {
    const { one, answer } = destinations()
    const found = one.ofProvider(PROVIDER, SIP)
    await answer(err(notFound('one')), err(notFound('two')))
    expect(await found).toEqual({ places: [], problem: 'one' })
  })

  test('who failed lately comes last', async () => {
    const { one, answer, reach } = destinations()
    const first = one.ofProvider(PROVIDER, SIP)
    await answer(FIRST_AT, SECOND_AT)
    const [failed] = (await first).places
    reach.heard(failed?.target as Target, { kind: 'transport-failure', reason: 'ECONNREFUSED' })
    expect(addresses(await one.ofProvider(PROVIDER, SIP))).toEqual(['192.0.2.2', '192.0.2.1'])
  })
})

describe('a domain without a provider', () => {
  test('is where DNS says, and must prove its own name', async () => {
    const { one, answer, asked } = destinations()
    const found = one.ofDomain(domain('found.example'), SIP)
    await answer(ok([target('found.example', '192.0.2.7')]))
    expect(asked).toEqual(['found.example'])
    expect((await found).places).toMatchObject([{ names: ['found.example'], address: '192.0.2.7' }])
  })
})

describe('a list', () => {
  test('is used again for a second, at once; then it is looked up anew', async () => {
    const { one, answer, asked, time } = destinations()
    void one.ofProvider(PROVIDER, SIP)
    await answer(FIRST_AT, SECOND_AT)
    time.pass(999)
    const again = one.ofProvider(PROVIDER, SIP)
    expect(again).not.toBeInstanceOf(Promise)
    expect(addresses(again as Found)).toEqual(['192.0.2.1', '192.0.2.2'])
    time.pass(1)
    expect(one.ofProvider(PROVIDER, SIP)).toBeInstanceOf(Promise)
    expect(asked).toEqual([EDGE, SECOND, EDGE, SECOND])
    await answer(FIRST_AT, SECOND_AT)
  })

  test('is not shared between those on whose behalf requests go, nor looked up twice for them', async () => {
    const { one, answer, asked } = destinations()
    const found = one.ofProvider(PROVIDER, SIP)
    const other = one.ofProvider(PROVIDER, domain('other.example'))
    await answer(FIRST_AT, SECOND_AT)
    expect((await found).places[0]?.as).toBe('sip.example')
    expect((await other).places[0]?.as).toBe('other.example')
    expect(asked).toHaveLength(2)
  })

  test('that is being looked for is not looked for again, however long it takes: requests stay in order', async () => {
    const { one, answer, asked, time } = destinations()
    const order: string[] = []
    const ask = (name: string): void => {
      void Promise.resolve(one.ofProvider(PROVIDER, SIP)).then(() => order.push(name))
    }
    ask('first')
    time.pass(1_500)
    ask('second')
    time.pass(10_000)
    ask('third')
    expect(asked).toHaveLength(2)
    await answer(FIRST_AT, SECOND_AT)
    ask('fourth')
    await answer()
    expect(order).toEqual(['first', 'second', 'third', 'fourth'])
  })

  test('that could not be looked for fails all who wait, and is looked for anew', async () => {
    const { one, answer, asked } = destinations()
    const both = Promise.allSettled([one.ofProvider(PROVIDER, SIP), one.ofProvider(PROVIDER, SIP)])
    await answer(new Error('resolver is gone'), SECOND_AT)
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const again = one.ofProvider(PROVIDER, SIP)
    expect(asked).toHaveLength(4)
    await answer(FIRST_AT, SECOND_AT)
    expect(addresses(await again)).toEqual(['192.0.2.1', '192.0.2.2'])
  })
})
