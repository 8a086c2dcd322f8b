import { expect, test } from 'vitest'
import { Vigil, type Watched } from '../../../src/xmpp/s2s/vigil.ts'
import { fakeTime } from '../../kernel/fake-time.ts'

function watch(keepAlive: number, expires = Number.POSITIVE_INFINITY) {
  const time = fakeTime()
  const told: string[] = []
  const now = (): number => time.clock.now()
  const watched: Watched & { lastStanza: number; lastRead: number; askedAt: number | undefined } = {
    lastStanza: 0,
    lastRead: 0,
    askedAt: undefined,
    test: () => told.push(`test ${now()}`),
  }
  const { clock, timers } = time
  const vigil = new Vigil(watched, {
    idle: 1000,
    keepAlive: () => keepAlive,
    answerWithin: 100,
    clock,
    timers,
    expired: () => now() >= expires,
    outdated: () => told.push(`outdated ${now()}`),
    idled: () => told.push(`idle ${now()}`),
    died: () => told.push(`died ${now()}`),
  })
  return { time, told, watched, vigil }
}

test('what nobody uses ends, once', () => {
  const { time, told, watched } = watch(0)
  time.pass(500)
  watched.lastStanza = 500
  time.pass(999)
  expect(told).toEqual([])
  time.pass(1)
  expect(told).toEqual(['idle 1500'])
  expect(time.timers.size).toBe(0)
})

test('a silent stream is tested once for each silence, one that speaks is not', () => {
  const { time, told, watched } = watch(300)
  time.pass(200)
  watched.lastRead = 200
  time.pass(600)
  expect(told).toEqual(['test 500', 'test 800'])
})

test('what was asked and is not answered in time is the end', () => {
  const { time, told, watched } = watch(0)
  time.pass(150)
  watched.askedAt = 150
  time.pass(40)
  watched.askedAt = undefined
  time.pass(200)
  expect(told).toEqual([])
  watched.askedAt = time.clock.now()
  time.pass(200)
  expect(told[0]).toMatch(/^died (?:49|5\d)\d$/)
  expect(told).toHaveLength(1)
})

test('who is not watched any more is told nothing', () => {
  const { time, told, vigil } = watch(300)
  vigil.stop()
  time.pass(2000)
  expect(told).toEqual([])
})

test('what it was proved by is looked at as long as it lives (RFC 6120 §13.7.2.3)', () => {
  const { time, told } = watch(0, 250)
  time.pass(249)
  expect(told).toEqual([])
  time.pass(110)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/^outdated /)
  expect(time.timers.size).toBe(0)
})
