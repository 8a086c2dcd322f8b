import { expect, test } from 'vitest'
import { Delayed, DelayLine } from '../../src/kernel/delay-line.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { fakeTime } from './fake-time.ts'

class Item extends Delayed {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

function line(over?: (item: Item) => void) {
  const time = fakeTime()
  const out: string[] = []
  const items = new DelayLine<Item>({ ...time, delay: 100, over: over ?? ((item) => out.push(item.name)) })
  return { time, out, items }
}

test('what stays for the delay comes out, in order and not early', () => {
  const { time, out, items } = line()
  items.join(new Item('a'))
  time.pass(40)
  const b = new Item('b')
  items.join(b)
  items.join(new Item('c'))
  time.pass(59)
  expect(out).toEqual([])
  time.pass(1)
  expect(out).toEqual(['a'])
  items.leave(b)
  items.leave(b)
  time.pass(39)
  expect(out).toEqual(['a'])
  time.pass(1)
  expect(out).toEqual(['a', 'c'])
})

test('one timer for all, and none when nothing waits', () => {
  const { time, out, items } = line()
  const all = Array.from({ length: 1000 }, (_, i) => new Item(`${i}`))
  for (const item of all) items.join(item)
  expect(time.timers.size).toBe(1)
  for (const item of all) items.leave(item)
  time.pass(100)
  expect(time.timers.size).toBe(0)
  items.join(all[0] as Item)
  items.clear()
  expect(time.timers.size).toBe(0)
  time.pass(200)
  expect(out).toEqual([])
})

test('who comes out may join again at once', () => {
  let times = 0
  const { time, items } = line((item) => {
    times++
    items.join(item)
  })
  items.join(new Item('a'))
  time.pass(1000)
  expect(times).toBe(10)
})

test('what throws on its way out does not hold up the others', () => {
  let now = 0
  const clock = { now: () => now, wall: () => now }
  const errors: unknown[] = []
  const timers = new TimerWheel({ clock, tick: 1, drive: false, onError: (error) => errors.push(error) })
  const names: string[] = []
  const over = (item: Item) => {
    names.push(item.name)
    if (item.name === 'a') throw new Error('on purpose')
  }
  const items = new DelayLine<Item>({ clock, timers, delay: 100, over })
  for (const name of ['a', 'b']) items.join(new Item(name))
  for (; now < 110; now++) timers.advance()
  expect(names).toEqual(['a', 'b'])
  expect(errors).toHaveLength(1)
})
