import { expect, test } from 'vitest'
import { Generations } from '../../src/kernel/generations.ts'
import { fakeTime } from './fake-time.ts'

function table(lifetime = 800, generations = 8) {
  const time = fakeTime()
  return { time, map: new Generations<string, number>({ timers: time.timers, lifetime, generations }) }
}

test('an entry lives its lifetime and at most one generation longer', () => {
  for (const added of [0, 1, 50, 99, 100, 150]) {
    const { time, map } = table()
    map.add('first', 0)
    time.pass(added)
    map.add('entry', 1)
    time.pass(799)
    expect(map.get('entry')).toBe(1)
    time.pass(101)
    expect(map.has('entry')).toBe(false)
    expect(map.get('entry')).toBeUndefined()
  }
})

test('counts what it holds; empty it sets no timer', () => {
  const { time, map } = table()
  expect(time.timers.size).toBe(0)
  for (let i = 0; i < 1000; i++) {
    map.add(`key ${i}`, i)
    if (i % 10 === 0) time.pass(1)
  }
  expect(map.size).toBe(1000)
  expect(time.timers.size).toBe(1)
  time.pass(1000)
  expect(map.size).toBe(0)
  expect(time.timers.size).toBe(0)
  map.add('again', 1)
  expect(map.get('again')).toBe(1)
})

test('delete finds an entry in any generation', () => {
  const { time, map } = table()
  map.add('old', 1)
  time.pass(350)
  map.add('new', 2)
  expect(map.delete('old')).toBe(true)
  expect(map.delete('old')).toBe(false)
  expect(map.size).toBe(1)
  expect(map.get('new')).toBe(2)
})

test('clear leaves neither entry nor timer', () => {
  const { time, map } = table()
  map.add('a', 1)
  map.clear()
  expect(map.size).toBe(0)
  expect(time.timers.size).toBe(0)
})
