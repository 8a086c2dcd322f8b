import { describe, expect, test } from 'vitest'
import { type Asked, admit as admitSubject } from '../../src/edge/admit.ts'
import { BackPressure } from '../../src/edge/back-pressure.ts'
import { Counters } from '../../src/edge/counters.ts'
import { PeerCounters } from '../../src/edge/limits.ts'
import { LoopGuard } from '../../src/edge/loop-guard.ts'
import { Pipeline } from '../../src/edge/pipeline.ts'
import { sipAnswer } from '../../src/edge/sip-answers.ts'
import { loadSubject } from '../../src/federation/load-subject.ts'
import type { Peer } from '../../src/federation/lookup.ts'
import type { PeerLimits } from '../../src/federation/model.ts'
import { UNLIMITED } from '../../src/federation/settings.ts'
import type { Snapshot } from '../../src/federation/snapshot.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import {
  address,
  domain,
  home,
  input,
  link,
  pattern,
  sipProvider,
  snapshot,
  xmppProvider,
} from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import { arrivalOf, countingRandom, FROM_HOME, JULIET, ROMEO, recordingLog, sipMessage } from './support.ts'

const peer = (limits: Partial<PeerLimits>, name = 'AOL'): Peer => ({
  kind: 'provider',
  name,
  limits: { ...UNLIMITED, ...limits },
})

const rig = (options: { period?: number; peers?: number } = {}) => {
  const time = fakeTime()
  return { time, counters: new PeerCounters({ clock: time.clock, ...options }) }
}

describe('messages per second', () => {
  test('one second’s worth at once, then at the rate', () => {
    const { time, counters } = rig()
    const aol = peer({ messagesPerSecond: 20 })
    const burst = Array.from({ length: 25 }, () => counters.beyond(aol, ROMEO))
    expect(burst.filter((each) => each === undefined)).toHaveLength(20)
    expect(burst.slice(20)).toEqual(Array(5).fill('messages'))
    time.pass(50)
    expect([counters.beyond(aol, ROMEO), counters.beyond(aol, ROMEO)]).toEqual([undefined, 'messages'])
    time.pass(60_000)
    const next = Array.from({ length: 25 }, () => counters.beyond(aol, ROMEO))
    expect(next.filter((each) => each === undefined)).toHaveLength(20)
  })

  test('over ten seconds of flood the rate is kept, and what is refused does not put the next off', () => {
    const { time, counters } = rig()
    const aol = peer({ messagesPerSecond: 10 })
    let taken = 0
    for (let ms = 0; ms < 10_000; ms++) {
      if (counters.beyond(aol, ROMEO) === undefined) taken++
      time.pass(1)
    }
    expect(taken).toBeGreaterThanOrEqual(108)
    expect(taken).toBeLessThanOrEqual(110)
  })

  test('each peer has its own', () => {
    const { counters } = rig()
    expect(counters.beyond(peer({ messagesPerSecond: 1 }), ROMEO)).toBeUndefined()
    expect(counters.beyond(peer({ messagesPerSecond: 1 }), ROMEO)).toBe('messages')
    expect(counters.beyond(peer({ messagesPerSecond: 1 }, 'Yahoo!'), ROMEO)).toBeUndefined()
    expect(counters.beyond({ ...peer({ messagesPerSecond: 1 }), kind: 'domain' }, ROMEO)).toBeUndefined()
  })
})

describe('distinct contacts', () => {
  const many = (counters: PeerCounters, from: number, to: number, limit: number) => {
    const answers: unknown[] = []
    for (let i = from; i < to; i++)
      answers.push(counters.beyond(peer({ contacts: limit }), `user${i}@sip.example`))
    return answers
  }

  test('new ones beyond the limit are refused, known ones go on', () => {
    const { counters } = rig()
    expect(many(counters, 0, 1000, 1000).every((each) => each === undefined)).toBe(true)
    expect(many(counters, 1000, 1010, 1000)).toEqual(Array(10).fill('contacts'))
    expect(many(counters, 0, 1000, 1000).every((each) => each === undefined)).toBe(true)
    expect(counters.countsOf({ kind: 'provider', name: 'AOL' })).toEqual({
      requests: 2010,
      refused: { messages: 0, contacts: 10, connections: 0 },
      contacts: 1000,
      connections: 0,
    })
  })

  test('the period slides: a place is free again an hour after its user was first addressed', () => {
    const { time, counters } = rig({ period: 100 })
    expect(many(counters, 0, 2, 3)).toEqual([undefined, undefined])
    time.pass(60)
    expect(many(counters, 2, 4, 3)).toEqual([undefined, 'contacts'])
    time.pass(39)
    expect(many(counters, 4, 5, 3)).toEqual(['contacts'])
    time.pass(1)
    expect(many(counters, 5, 8, 3)).toEqual([undefined, undefined, 'contacts'])
  })

  test('without a limit they are not kept', () => {
    const { counters } = rig()
    counters.beyond(peer({}), ROMEO)
    expect(counters.countsOf({ kind: 'provider', name: 'AOL' })).toMatchObject({
      requests: 1,
      contacts: undefined,
    })
  })

  test('what is beyond the messages takes no place among the contacts', () => {
    const { counters } = rig()
    const aol = peer({ messagesPerSecond: 1, contacts: 5 })
    expect(counters.beyond(aol, 'a@sip.example')).toBeUndefined()
    expect(counters.beyond(aol, 'b@sip.example')).toBe('messages')
    expect(counters.countsOf(aol)?.contacts).toBe(1)
  })
})

test('what one more request would be is told without counting it', () => {
  const { time, counters } = rig({ period: 2000 })
  const aol = peer({ messagesPerSecond: 2, contacts: 1 })
  const would = (contact = 'a@sip.example') => counters.wouldBeBeyond(aol, contact)
  for (let i = 0; i < 10; i++) expect(would()).toBeUndefined()
  expect(counters.countsOf(aol)).toBeUndefined()
  counters.beyond(aol, 'a@sip.example')
  expect([would(), would('b@sip.example')]).toEqual([undefined, 'contacts'])
  counters.beyond(aol, 'a@sip.example')
  expect([would(), would('b@sip.example')]).toEqual(['messages', 'messages'])
  expect(counters.countsOf(aol)).toMatchObject({ requests: 2, refused: { messages: 0, contacts: 0 } })
  time.pass(2000)
  for (let i = 0; i < 10; i++) expect(would('b@sip.example')).toBeUndefined()
  expect(counters.beyond(aol, 'b@sip.example')).toBeUndefined()
  expect(counters.wouldBeBeyond(peer({}, 'Yahoo!'), ROMEO)).toBeUndefined()
})

test('connections are counted, and one beyond the limit is refused', () => {
  const { counters } = rig()
  const aol = peer({ connections: 2 })
  expect([1, 2, 3].map(() => counters.connected(aol))).toEqual([true, true, false])
  counters.disconnected(aol)
  expect(counters.connected(aol)).toBe(true)
  expect(counters.countsOf(aol)).toMatchObject({ connections: 2, refused: { connections: 1 } })
  counters.disconnected(peer({}, 'nobody'))
  expect(counters.countsOf({ kind: 'provider', name: 'nobody' })).toBeUndefined()
})

test('the memory is bounded, and discovered domains push no provider out', () => {
  const { counters } = rig({ peers: 3 })
  counters.beyond(peer({ messagesPerSecond: 1 }), ROMEO)
  for (let i = 0; i < 10; i++)
    counters.beyond({ kind: 'domain', name: `d${i}.example`, limits: UNLIMITED }, ROMEO)
  expect(counters.stats()).toEqual({ provider: { size: 1, evicted: 0 }, domain: { size: 3, evicted: 7 } })
  expect(counters.beyond(peer({ messagesPerSecond: 1 }), ROMEO)).toBe('messages')
})

describe('on the way of a request', () => {
  const limited = (limits: Partial<PeerLimits>) =>
    snapshot({ providers: [xmppProvider({ verification: 'all', limits: { ...UNLIMITED, ...limits } })] })

  test('the pipeline refuses what is beyond, with a retryable answer', () => {
    const time = fakeTime()
    const counters = new Counters()
    const world = limited({ messagesPerSecond: 2 })
    const pipeline = new Pipeline({
      snapshot: () => world,
      exits: {
        toHome: (arrival) => arrival.end({ kind: 'delivered' }),
        toProvider: () => {},
        toDomain: () => {},
        toXmpp: () => {},
      },
      loops: new LoopGuard({ memory: 10_000, limit: 1000, timers: time.timers }),
      backPressure: new BackPressure({ pressure: () => {}, timers: time.timers }),
      bodies: () => false,
      log: recordingLog(),
      counters,
      peers: new PeerCounters({ clock: time.clock }),
      clock: time.clock,
      random: countingRandom(),
      timers: time.timers,
    })
    const send = (body: string) => {
      const arrival = arrivalOf({ body })
      pipeline.take(arrival)
      return arrival.endings[0]
    }
    expect([send('a'), send('b')]).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }])
    const third = send('c')
    expect(third).toMatchObject({ kind: 'refused', reason: 'too-many-messages' })
    expect(counters.get('refused.too-many-messages')).toBe(1)
    if (third?.kind !== 'refused') throw new Error('not refused')
    const answer = sipAnswer(third, { noLiveLink: 480, retryAfter: 30 }, sipMessage())
    expect(answer).toMatchObject({ status: 503, headers: [['Retry-After', '30']] })
    time.pass(500)
    expect(send('d')).toEqual({ kind: 'delivered' })
  })

  const admit = (
    world: Snapshot,
    asked: Asked,
    { clock, peers }: { clock: Pick<Clock, 'wall'>; peers: PeerCounters },
  ) => admitSubject(world, asked, loadSubject(world, asked, clock.wall()), peers)

  const ask = (from: string, to: string, evidence = arrivalOf().evidence) => ({
    kind: 'message' as const,
    from: address(from),
    to: address(to),
    evidence,
  })

  test('who has not proved the domain uses up nothing of its limits', () => {
    const { time, counters } = rig()
    const options = { clock: time.clock, peers: counters }
    const world = limited({ messagesPerSecond: 1 })
    for (let i = 0; i < 10; i++) admit(world, ask(JULIET, ROMEO, { kind: 'none' }), options)
    expect(counters.countsOf({ kind: 'provider', name: 'Example XMPP' })).toBeUndefined()
    expect(admit(world, ask(JULIET, ROMEO), options).verdict.outcome).toBe('deliver')
  })

  test('trying many users counts, whether they would be reached or not', () => {
    const { time, counters } = rig()
    const world = snapshot({ providers: [xmppProvider({ limits: { ...UNLIMITED, contacts: 3 } })] })
    const reasons = Array.from({ length: 5 }, (_, i) => {
      const { verdict } = admit(world, ask(JULIET, `u${i}@sip.example`), {
        clock: time.clock,
        peers: counters,
      })
      return verdict.outcome === 'refuse' ? verdict.reason : undefined
    })
    expect(reasons).toEqual([
      'not-a-contact',
      'not-a-contact',
      'not-a-contact',
      'too-many-contacts',
      'too-many-contacts',
    ])
  })

  test('our own users have no limit', () => {
    const { time, counters } = rig()
    const world = limited({ messagesPerSecond: 1, contacts: 1 })
    for (let i = 0; i < 5; i++) {
      const { verdict } = admit(world, ask(ROMEO, JULIET, FROM_HOME), { clock: time.clock, peers: counters })
      expect(verdict.outcome).toBe('deliver')
    }
  })

  test('all domains of a provider share its limits', () => {
    const { time, counters } = rig()
    const domains = [pattern('xmpp.example'), pattern('other.example')]
    const world = snapshot({
      links: [link({ remote: domains })],
      providers: [
        xmppProvider({ verification: 'all', domains, limits: { ...UNLIMITED, messagesPerSecond: 1 } }),
      ],
    })
    const outcomes = [JULIET, 'x@other.example'].map(
      (from) => admit(world, ask(from, ROMEO), { clock: time.clock, peers: counters }).verdict.outcome,
    )
    expect(outcomes).toEqual(['deliver', 'refuse'])
  })

  test('a discovered domain has those of discovery', () => {
    const { time, counters } = rig()
    const { federation } = input()
    const discovering = {
      ...federation,
      openDiscovery: {
        enabled: true,
        verification: 'all',
        limits: { messagesPerSecond: 1, contacts: 1000, connections: 20 },
      },
    } as const
    const world = snapshot({
      federation: discovering,
      homes: [home()],
      links: [link({ remote: 'any' })],
      providers: [sipProvider()],
    })
    const outcomes = ['a.example', 'b.example', 'a.example'].map(
      (name) => admit(world, ask(`x@${name}`, ROMEO), { clock: time.clock, peers: counters }).verdict.outcome,
    )
    expect(outcomes).toEqual(['deliver', 'deliver', 'refuse'])
    expect(counters.countsOf({ kind: 'domain', name: domain('a.example') })).toMatchObject({
      requests: 2,
      refused: { messages: 1 },
    })
  })
})
