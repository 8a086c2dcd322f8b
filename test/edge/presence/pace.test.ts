import { expect, test } from 'vitest'
import { Pace } from '../../../src/edge/presence/pace.ts'
import { fakeTime } from '../../kernel/fake-time.ts'

const raised = (error: unknown) => {
  throw error
}

const paced = (perSecond: number) => {
  const time = fakeTime()
  const done: number[] = []
  const pace = new Pace<number>({
    perSecond,
    timers: time.timers,
    run: (item) => done.push(item),
    fault: raised,
  })
  return { time, done, pace }
}

test('no more than its rate, in the order in which it was asked', () => {
  const { time, done, pace } = paced(50)
  for (let i = 0; i < 100; i++) pace.add(i)
  expect(done).toEqual([])
  time.pass(1000)
  expect(done.length).toBeGreaterThanOrEqual(45)
  expect(done.length).toBeLessThanOrEqual(50)
  expect(pace.waiting).toBe(100 - done.length)
  time.pass(2000)
  expect(done).toEqual(Array.from({ length: 100 }, (_, i) => i))
})

test('whoever waits already waits once; whoever was done may wait again', () => {
  const { time, done, pace } = paced(10)
  pace.add(1)
  pace.add(1)
  time.pass(1000)
  pace.add(1)
  time.pass(1000)
  expect(done).toEqual([1, 1])
})

test('who is added by a run waits for the next burst', () => {
  const time = fakeTime()
  let runs = 0
  const pace = new Pace<number>({
    perSecond: 10,
    timers: time.timers,
    run: (item) => {
      runs++
      pace.add(item)
    },
    fault: raised,
  })
  pace.add(1)
  time.pass(1000)
  expect(runs).toBeGreaterThanOrEqual(9)
  expect(runs).toBeLessThanOrEqual(10)
})

test('one that throws does not hold up the others', () => {
  const time = fakeTime()
  const done: number[] = []
  const errors: unknown[] = []
  const pace = new Pace<number>({
    perSecond: 100,
    timers: time.timers,
    run: (item) => {
      if (item === 1) throw new Error('one')
      done.push(item)
    },
    fault: (error) => errors.push(error),
  })
  for (const item of [0, 1, 2]) pace.add(item)
  time.pass(1000)
  expect([done, errors.length]).toEqual([[0, 2], 1])
})

test('closed: nothing runs any more', () => {
  const { time, done, pace } = paced(10)
  pace.add(1)
  pace.close()
  time.pass(1000)
  expect(done).toEqual([])
})
