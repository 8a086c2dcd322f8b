import { expect, test } from 'vitest'
import { FadingTable } from '../../src/kernel/fading-table.ts'
import { Fingerprints } from '../../src/kernel/fingerprint.ts'
import { fakeTime } from './fake-time.ts'

function table(lifetime = 800, parts = 8) {
  const time = fakeTime()
  const prints = new Fingerprints('0123456789abcdefghijklmnopqrstuv')
  const entries = new FadingTable<number>({ timers: time.timers, lifetime, parts })
  return {
    time,
    entries,
    add: (key: string, value: number) => entries.add(prints.of(key), value),
    get: (key: string) => entries.get(prints.of(key)),
  }
}

test('an entry lives its lifetime and at most one part of it longer', () => {
  for (const added of [0, 1, 50, 99, 100, 150]) {
    const { time, add, get } = table()
    add('first', 0)
    time.pass(added)
    add('entry', 1)
    time.pass(799)
    expect(get('entry')).toBe(1)
    time.pass(101)
    expect(get('entry')).toBeUndefined()
  }
})

test('counts what it holds; empty it sets no timer', () => {
  const { time, entries, add, get } = table()
  expect(time.timers.size).toBe(0)
  expect(get('nothing')).toBeUndefined()
  for (let i = 0; i < 1000; i++) {
    add(`key ${i}`, i)
    if (i % 10 === 0) time.pass(1)
  }
  expect(entries.size).toBe(1000)
  expect(time.timers.size).toBe(1)
  time.pass(1000)
  expect(entries.size).toBe(0)
  expect(time.timers.size).toBe(0)
  add('again', 1)
  expect(get('again')).toBe(1)
})

test('grows, goes round and shrinks, and finds the same as a map', () => {
  const { time, entries, add, get } = table()
  const until = new Map<string, number>()
  let now = 0
  let next = 0
  for (const rate of [1, 40, 3, 0, 25, 1, 0, 2]) {
    for (let i = 0; i < 1000; i++) {
      for (let j = 0; j < rate; j++) {
        add(`key ${next}`, next)
        until.set(`key ${next++}`, now + 800)
      }
      time.pass(1)
      now++
    }
    let alive = 0
    for (const [key, end] of until) {
      const found = get(key)
      // A call of expect for each of half a million look-ups took seconds.
      if (end >= now && found !== Number(key.slice(4))) expect(found, key).toBe(Number(key.slice(4)))
      if (end + 100 < now && found !== undefined) expect(found, key).toBeUndefined()
      if (found !== undefined) alive++
    }
    expect(entries.size).toBe(alive)
  }
})

test('clear leaves neither entry nor timer', () => {
  const { time, entries, add, get } = table()
  add('a', 1)
  entries.clear()
  expect(entries.size).toBe(0)
  expect(get('a')).toBeUndefined()
  expect(time.timers.size).toBe(0)
})

test('the entry that came last is found first', () => {
  const { add, get } = table()
  add('a', 1)
  add('a', 2)
  expect(get('a')).toBe(2)
})
