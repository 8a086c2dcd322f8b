import { expect, test } from 'vitest'
import { Absence } from '../../../src/edge/presence/absence.ts'
import { domain } from '../../federation/fixtures.ts'
import { fakeTime } from '../../kernel/fake-time.ts'

const THEIRS = domain('xmpp.example')

/** Pairs with so many users of that domain, and one of another. */
function bed(users = 20) {
  const time = fakeTime()
  const renewed: string[] = []
  let looks = 0
  let speak = false
  const item = (xmpp: string) => ({ pair: { direction: 'in', xmpp, sip: 'sip:romeo@sip.example' } as const })
  const mute = Array.from({ length: 20 }, () => item(`mute@${THEIRS}`))
  const items = Array.from({ length: users }, (_, count) => item(`user${count}@${THEIRS}`))
  const say = (): void => {
    speak = true
  }
  const absence = new Absence({
    all: () => {
      looks++
      return [item('nurse@other.example'), ...mute, ...items]
    },
    speaks: ({ pair }) => speak || !pair.xmpp.startsWith('mute'),
    renew: ({ pair }) => renewed.push(pair.xmpp),
    clock: time.clock,
    timers: time.timers,
  })
  return { time, absence, renewed, looks: () => looks, say }
}

test('a domain is away from the first failure on, until a stream stands', () => {
  const { time, absence } = bed()
  expect(absence.of(THEIRS)).toBe(0)
  absence.lost(THEIRS, 5000)
  expect(absence.of(THEIRS)).toBeGreaterThan(0)
  time.pass(3000)
  absence.lost(THEIRS, 10_000)
  expect(absence.of(THEIRS)).toBe(3000)
  absence.back(THEIRS)
  expect(absence.of(THEIRS)).toBe(0)
})

test('it is tried again by a few pairs when that is allowed, and by all once it is there', () => {
  const { time, absence, renewed } = bed()
  absence.lost(THEIRS, 5000)
  time.pass(5000)
  expect(renewed).toEqual([])
  time.pass(1000)
  expect(renewed).toHaveLength(10)
  expect(renewed.filter((user) => user.startsWith('mute'))).toEqual([])
  absence.back(THEIRS)
  time.pass(1000)
  expect(renewed).toHaveLength(50)
  expect(renewed).not.toContain('nurse@other.example')
})

test('it is not tried again when it is back meanwhile, and nothing happens when it never was away', () => {
  const { time, absence, renewed, looks } = bed()
  absence.back(THEIRS)
  absence.lost(THEIRS, 60_000)
  absence.back(THEIRS)
  time.pass(1000)
  expect(renewed).toHaveLength(40)
  time.pass(120_000)
  expect([renewed.length, looks()]).toEqual([40, 1])
})

test('a stream that broke: a few pairs open another one, and all make good what was lost; the domain is not away', () => {
  const { time, absence, renewed } = bed()
  absence.cut(THEIRS)
  time.pass(1000)
  expect([renewed.length, absence.of(THEIRS)]).toEqual([10, 0])
  absence.back(THEIRS)
  time.pass(1000)
  expect(renewed).toHaveLength(50)
  absence.back(THEIRS)
  time.pass(1000)
  expect(renewed).toHaveLength(50)
})

test('a stream that broke, and then nobody is there: away from then on', () => {
  const { time, absence } = bed()
  absence.cut(THEIRS)
  time.pass(1000)
  absence.lost(THEIRS, 5000)
  time.pass(500)
  expect(absence.of(THEIRS)).toBe(500)
})

test('a domain that has spoken is not away; whether it can be reached is tried, and tried again', () => {
  const { time, absence, renewed } = bed()
  absence.lost(THEIRS, 300_000)
  time.pass(5000)
  absence.heard(THEIRS)
  expect(absence.of(THEIRS)).toBe(0)
  time.pass(1000)
  expect(renewed).toHaveLength(10)
  absence.heard(THEIRS)
  time.pass(1000)
  expect(renewed).toHaveLength(10)
  absence.back(THEIRS)
  time.pass(1000)
  expect(renewed).toHaveLength(50)
})

test('where no pair has anything to say it is tried again, until one has', () => {
  const { time, absence, renewed, looks, say } = bed(0)
  absence.lost(THEIRS, 1000)
  time.pass(13_000)
  expect(renewed).toEqual([])
  for (let count = 0; count < 5; count++) absence.lost(THEIRS, 1000)
  time.pass(20_000)
  const before = looks()
  time.pass(60_000)
  expect(looks() - before).toBeLessThanOrEqual(6)
  say()
  time.pass(13_000)
  expect(renewed).toHaveLength(10)
  time.pass(60_000)
  expect(renewed).toHaveLength(10)
})

test('a thousand domains at once cost one look at the pairs', () => {
  const { time, absence, looks } = bed()
  for (let count = 0; count < 1000; count++) absence.lost(domain(`d${count}.example`), 1000)
  time.pass(2001)
  expect(looks()).toBe(1)
})
