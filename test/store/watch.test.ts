import { expect, test } from 'vitest'
import type { Revision } from '../../src/admin/store.ts'
import { Watch } from '../../src/store/watch.ts'
import { fakeTime } from '../kernel/fake-time.ts'

const at = (all: number): Revision => ({ all, rows: all })
const settle = () => new Promise((resolve) => setImmediate(resolve))

function bed(ask: () => Revision | Promise<Revision>) {
  const time = fakeTime()
  const faults: unknown[] = []
  const { clock, timers } = time
  const watch = new Watch({ ask, clock, timers, every: 250, onFault: (error) => faults.push(error) }, at(1))
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 250) {
      time.pass(Math.min(250, ms - i))
      await settle()
    }
  }
  return { watch, faults, pass, timers }
}

test('nobody wants to know: nobody asks', async () => {
  let asked = 0
  const { watch, pass, timers } = bed(() => {
    asked++
    return at(1)
  })
  await pass(1000)
  expect(asked).toBe(0)
  const stop = watch.add(() => undefined)
  await pass(1000)
  expect(asked).toBe(4)
  stop()
  await pass(1000)
  expect([asked, timers.size]).toEqual([4, 0])
})

test('each revision is told once, to all', async () => {
  let now = 1
  const { watch, pass } = bed(() => at(now))
  const told: string[] = []
  watch.add(({ all }) => told.push(`a${all}`))
  watch.add(({ all }) => told.push(`b${all}`))
  await pass(500)
  expect(told).toEqual([])
  now = 2
  await pass(500)
  watch.tell(at(3))
  now = 3
  await pass(500)
  expect(told).toEqual(['a2', 'b2', 'a3', 'b3'])
})

test('a store that cannot be asked is told once a minute, and asked on', async () => {
  let broken = true
  const { watch, faults, pass } = bed(async () => {
    if (broken) throw new Error('gone')
    return at(2)
  })
  const told: number[] = []
  watch.add(({ all }) => told.push(all))
  await pass(59_000)
  expect(faults).toHaveLength(1)
  await pass(2000)
  expect(faults).toHaveLength(2)
  broken = false
  await pass(250)
  expect(told).toEqual([2])
})

test('a slow answer: one question at a time, and none after the end', async () => {
  const answers: ((revision: Revision) => void)[] = []
  const { watch, pass, timers } = bed(() => new Promise((resolve) => answers.push(resolve)))
  const told: number[] = []
  watch.add(({ all }) => told.push(all))
  await pass(2000)
  expect(answers).toHaveLength(1)
  watch.close()
  answers[0]?.(at(5))
  await pass(1000)
  expect(told).toEqual([])
  expect([answers.length, timers.size]).toEqual([1, 0])
})
