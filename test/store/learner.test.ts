import { expect, test } from 'vitest'
import { type Learned, Learner, type LearnerOptions } from '../../src/store/learner.ts'
import { address } from '../compliance/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'

const ROMEO = address('romeo@sip.example')
const LIMITS = { lifetime: 1000, perUser: 5 }
const friend = (i: number) => address(`friend${i}@xmpp.example`)
/** Lets promises that are under way come to their end. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

function bed(options: Partial<LearnerOptions> = {}) {
  const time = fakeTime()
  const batches: (readonly Learned[])[] = []
  const sweeps: number[] = []
  const faults: unknown[] = []
  const learner = new Learner({
    write: (batch) => {
      batches.push(batch)
      return []
    },
    sweep: (now) => void sweeps.push(now),
    onFault: (error) => faults.push(error),
    clock: time.clock,
    timers: time.timers,
    ...options,
  })
  const pass = async (ms: number): Promise<void> => {
    time.pass(ms)
    await settle()
  }
  return { learner, batches, sweeps, faults, pass, time }
}

test('nothing is written while the message is on its way, and all of it a moment later', async () => {
  const { learner, batches, pass, time } = bed()
  for (let i = 0; i < 3; i++) learner.learn(ROMEO, friend(i), LIMITS)
  await pass(99)
  expect(batches).toEqual([])
  await pass(1)
  expect(batches.map((batch) => batch.length)).toEqual([3])
  expect(batches[0]?.[0]).toEqual({
    owner: 'romeo@sip.example',
    target: 'address:friend0@xmpp.example',
    expires: time.clock.wall() - 100 + 1000,
    perUser: 5,
  })
})

test('many are written in parts, with a turn for others in between', async () => {
  const { learner, batches, pass } = bed()
  for (let i = 0; i < 150; i++) learner.learn(ROMEO, friend(i), LIMITS)
  await pass(100)
  expect(batches).toHaveLength(1)
  await pass(1)
  await pass(1)
  expect(batches.map((batch) => batch.length)).toEqual([64, 64, 22])
  expect(learner.learnedStats()).toEqual({ waiting: 0, written: 150, dropped: 0, failed: 0 })
})

test('the same entry again and again waits once', async () => {
  const { learner, batches, pass } = bed()
  for (let i = 0; i < 1000; i++) learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  expect(batches.map((batch) => batch.length)).toEqual([1])
  await pass(3_600_000)
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  expect(batches).toHaveLength(2)
})

test('a write that fails is tried again each second, told once, and nothing is lost', async () => {
  let broken = true
  const written: Learned[] = []
  const { learner, faults, pass } = bed({
    write: async (batch) => {
      if (broken) throw new Error('locked')
      written.push(...batch)
      return []
    },
  })
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  for (let i = 0; i < 4; i++) await pass(1000)
  expect(learner.learnedStats()).toMatchObject({ failed: 5, waiting: 1 })
  expect(faults).toHaveLength(1)
  learner.learn(ROMEO, friend(1), LIMITS)
  broken = false
  await pass(1000)
  expect(written.map(({ target }) => target)).toEqual([
    'address:friend0@xmpp.example',
    'address:friend1@xmpp.example',
  ])
  broken = true
  learner.learn(ROMEO, friend(2), LIMITS)
  await pass(100)
  expect(faults).toHaveLength(2)
})

test('what is learned while a batch is being written is not lost with it', async () => {
  const ends: (() => void)[] = []
  const { learner, pass } = bed({ write: () => new Promise((resolve) => ends.push(() => resolve([]))) })
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  learner.learn(ROMEO, friend(0), { ...LIMITS, lifetime: 9000 })
  learner.learn(ROMEO, friend(1), LIMITS)
  await pass(1000)
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await pass(1)
  expect(learner.learnedStats()).toMatchObject({ written: 1, waiting: 2 })
  await pass(10)
  expect(ends).toHaveLength(2)
})

test('closing waits for the batch under way, and ends although the store fails', async () => {
  let end: () => void = () => undefined
  const { learner, pass } = bed({
    write: () =>
      new Promise((resolve) => {
        end = () => resolve([])
      }),
  })
  learner.learn(ROMEO, friend(0), LIMITS)
  await pass(100)
  let closed = false
  const closing = learner.close().then(() => {
    closed = true
  })
  await settle()
  expect(closed).toBe(false)
  end()
  await closing

  const failing = bed({
    write: () => {
      throw new Error('gone')
    },
  })
  failing.learner.learn(ROMEO, friend(0), LIMITS)
  await failing.learner.close()
  expect(failing.learner.learnedStats()).toMatchObject({ waiting: 1, failed: 1 })
  expect(failing.learner.learn(ROMEO, friend(1), LIMITS)).toBe(false)
})

test('expired entries are swept every ten minutes, whatever becomes of one sweep', async () => {
  let broken = true
  const sweeps: number[] = []
  const { faults, pass, learner } = bed({
    sweep: (now) => {
      if (broken) throw new Error('locked')
      sweeps.push(now)
    },
  })
  await pass(600_000)
  expect(faults).toHaveLength(1)
  broken = false
  await pass(600_000)
  expect(sweeps).toHaveLength(1)
  await learner.close()
  await pass(600_000)
  expect(sweeps).toHaveLength(1)
})
