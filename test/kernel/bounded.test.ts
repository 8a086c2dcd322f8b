import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BoundedMap } from '../../src/kernel/bounded-map.ts'
import { BoundedQueue } from '../../src/kernel/bounded-queue.ts'

describe('BoundedQueue', () => {
  test('says no when full, and has room again after a shift', () => {
    const queue = new BoundedQueue<number>(2)
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false])
    expect(queue.size).toBe(2)
    expect(queue.shift()).toBe(1)
    expect(queue.push(4)).toBe(true)
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([2, 4, undefined])
    expect(queue.size).toBe(0)
  })

  test('is a queue, whatever the mixture of pushes and shifts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.array(fc.boolean(), { maxLength: 500 }),
        (limit, moves) => {
          const queue = new BoundedQueue<number>(limit)
          const model: number[] = []
          moves.forEach((push, i) => {
            if (push) {
              expect(queue.push(i)).toBe(model.length < limit)
              if (model.length < limit) model.push(i)
            } else expect(queue.shift()).toBe(model.shift())
            expect(queue.size).toBe(model.length)
            expect(queue.peek()).toBe(model[0])
          })
        },
      ),
    )
  })

  test('a queue that never runs empty does not grow for ever', () => {
    const queue = new BoundedQueue<number>(5_000)
    for (let i = 0; i < 3_000; i++) queue.push(i)
    for (let i = 3_000; i < 100_000; i++) {
      expect(queue.push(i)).toBe(true)
      if (queue.shift() !== i - 3_000) throw new Error('out of order')
    }
    expect(queue.size).toBe(3_000)
  })
})

describe('BoundedMap', () => {
  test('when full the oldest entry goes, and that is counted', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1, 0)
    map.set('b', 2, 0)
    map.set('a', 3, 0)
    map.set('c', 4, 0)
    expect([map.get('a', 0), map.get('b', 0), map.get('c', 0)]).toEqual([3, undefined, 4])
    expect(map.size).toBe(2)
    expect(map.evicted).toBe(1)
  })

  test('an entry is absent from the end of its lifetime on', () => {
    const map = new BoundedMap<string, number>(10, 100)
    map.set('a', 1, 0)
    expect(map.get('a', 99)).toBe(1)
    expect(map.get('a', 100)).toBeUndefined()
    expect(map.size).toBe(0)
  })

  test('expired entries make room first; they do not count as evicted', () => {
    const map = new BoundedMap<string, number>(3, 100)
    map.set('a', 1, 0)
    map.set('b', 2, 0)
    map.set('c', 3, 50)
    map.set('d', 4, 100)
    expect(map.size).toBe(2)
    expect(map.evicted).toBe(0)
    expect(map.get('c', 100)).toBe(3)
  })

  test('entries whose time is over go as others come, long before the map is full', () => {
    const map = new BoundedMap<number, number>(1000, 100)
    for (let i = 0; i < 100; i++) map.set(i, i, 0)
    for (let i = 100; i < 150; i++) map.set(i, i, 200)
    expect(map.size).toBe(50)
    expect(map.evicted).toBe(0)
  })

  test('a limit of 0 keeps nothing', () => {
    const map = new BoundedMap<string, number>(0)
    map.set('a', 1, 0)
    expect(map.size).toBe(0)
    expect(map.evicted).toBe(1)
  })

  test('delete and clear', () => {
    const map = new BoundedMap<string, number>(3)
    map.set('a', 1, 0)
    map.set('b', 2, 0)
    expect([map.delete('a'), map.delete('a')]).toEqual([true, false])
    map.clear()
    expect(map.size).toBe(0)
  })

  test('is a map that forgets, whatever is done to it', () => {
    const key = fc.integer({ min: 0, max: 12 })
    const step = fc.oneof(
      fc.record({ set: key }),
      fc.record({ get: key }),
      fc.record({ delete: key }),
      fc.record({ pass: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ clear: fc.constant(true) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const map = new BoundedMap<number, number>(limit, 100)
        // Newest last, as the map itself should keep them.
        let model: { key: number; value: number; until: number }[] = []
        let now = 0
        let value = 0
        for (const each of steps) {
          if ('pass' in each) now += each.pass
          else if ('clear' in each) {
            map.clear()
            model = []
          } else if ('set' in each) {
            map.set(each.set, ++value, now)
            model = model.filter(({ key, until }) => key !== each.set && until > now)
            if (model.length >= limit) model.shift()
            model.push({ key: each.set, value, until: now + 100 })
          } else if ('delete' in each) {
            map.delete(each.delete)
            model = model.filter(({ key }) => key !== each.delete)
          } else {
            const known = model.find(({ key, until }) => key === each.get && until > now)
            expect(map.get(each.get, now)).toBe(known?.value)
          }
          expect(map.size).toBeLessThanOrEqual(limit)
        }
        for (let k = 0; k <= 12; k++)
          expect(map.get(k, now)).toBe(model.find(({ key, until }) => key === k && until > now)?.value)
      }),
      { numRuns: 500 },
    )
  })
})
