import { expect, test } from 'vitest'
import { Allowance } from '../../src/kernel/allowance.ts'
import { fakeTime } from './fake-time.ts'

test('so much at once, then so much a second, and never more than at once', () => {
  const time = fakeTime()
  const allowance = new Allowance({ burst: 3, perSecond: 2, clock: time.clock })
  const taken = (): number => {
    let n = 0
    while (allowance.take()) n++
    return n
  }
  expect(taken()).toBe(3)
  time.pass(499)
  expect(taken()).toBe(0)
  time.pass(1)
  expect(taken()).toBe(1)
  time.pass(60_000)
  expect(taken()).toBe(3)
})

test('what is given back can be taken again, and fills nothing beyond the brim', () => {
  const time = fakeTime()
  const allowance = new Allowance({ burst: 1, perSecond: 0, clock: time.clock })
  allowance.giveBack()
  expect(allowance.take()).toBe(true)
  expect(allowance.left).toBe(false)
  expect(allowance.take()).toBe(false)
  allowance.giveBack()
  expect(allowance.take()).toBe(true)
})
