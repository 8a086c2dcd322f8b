import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TargetQueues } from '../../src/edge/target-queue.ts'

type Why = 'timeout' | 'gone'

function queues(limits = { perTarget: 10, total: 100 }) {
  const lines = new TargetQueues<Why>(limits)
  const started: string[] = []
  const givenUp: string[] = []
  const done = new Map<string, (failure?: Why) => void>()
  const enter = (key: string, name: string): boolean =>
    lines.enter(key, {
      start: (finish) => {
        started.push(name)
        done.set(name, finish)
      },
      giveUp: (why) => givenUp.push(`${name} ${why}`),
    })
  return { lines, started, givenUp, enter, end: (name: string, why?: Why) => done.get(name)?.(why) }
}

test('one open for a key, in the order in which they came; other keys do not wait', () => {
  const { lines, enter, end, started } = queues()
  for (const name of ['a1', 'a2', 'a3']) expect(enter('a', name)).toBe(true)
  expect(enter('b', 'b1')).toBe(true)
  expect(started).toEqual(['a1', 'b1'])
  expect(lines.waiting).toBe(2)
  expect(lines.busy).toBe(2)
  end('a1')
  end('a2')
  expect(started).toEqual(['a1', 'b1', 'a2', 'a3'])
  end('a3')
  end('b1')
  expect([lines.busy, lines.waiting]).toEqual([0, 0])
})

test('a line that is full says no, and the one before keeps its turn', () => {
  const { lines, enter, end, started } = queues({ perTarget: 2, total: 100 })
  expect(['1', '2', '3', '4'].map((name) => enter('a', name))).toEqual([true, true, true, false])
  expect(lines.refused).toBe(1)
  end('1')
  expect(enter('a', '5')).toBe(true)
  end('2')
  end('3')
  expect(started).toEqual(['1', '2', '3', '5'])
})

test('all lines together have a limit; who need not wait is not counted', () => {
  const { lines, enter, end } = queues({ perTarget: 10, total: 2 })
  expect(enter('a', 'a1') && enter('a', 'a2') && enter('b', 'b1') && enter('b', 'b2')).toBe(true)
  expect(lines.waiting).toBe(2)
  expect(enter('a', 'a3')).toBe(false)
  expect(enter('c', 'c1')).toBe(true)
  expect(enter('c', 'c2')).toBe(false)
  end('a1')
  expect(enter('c', 'c3')).toBe(true)
  expect(lines.refused).toBe(2)
})

test('a failure fails those behind at once, with the same reason; the key is free again', () => {
  const { lines, enter, end, started, givenUp } = queues()
  for (const name of ['1', '2', '3']) enter('a', name)
  enter('b', 'b1')
  enter('b', 'b2')
  end('1', 'timeout')
  expect(givenUp).toEqual(['2 timeout', '3 timeout'])
  expect(lines.waiting).toBe(1)
  enter('a', '4')
  expect(started).toEqual(['1', 'b1', '4'])
  end('b1')
  expect(started).toContain('b2')
})

test('a turn that ends twice moves the line once', () => {
  const { enter, end, started } = queues()
  for (const name of ['1', '2', '3']) enter('a', name)
  end('1')
  end('1')
  end('1', 'gone')
  expect(started).toEqual(['1', '2'])
})

test('a late second end does not disturb who has the key now', () => {
  const { enter, end, started, lines } = queues()
  enter('a', '1')
  end('1')
  enter('a', '2')
  enter('a', '3')
  end('1', 'gone')
  expect(started).toEqual(['1', '2'])
  expect(lines.waiting).toBe(1)
})

test('who is given up may enter again from within', () => {
  const lines = new TargetQueues<Why>({ perTarget: 5, total: 5 })
  const started: string[] = []
  let end: (why?: Why) => void = () => {}
  lines.enter('a', {
    start: (finish) => {
      end = finish
    },
    giveUp: () => {},
  })
  lines.enter('a', {
    start: () => {},
    giveUp: () => {
      lines.enter('a', { start: () => started.push('again'), giveUp: () => {} })
    },
  })
  end('gone')
  expect(started).toEqual(['again'])
  expect([lines.busy, lines.waiting]).toEqual([1, 0])
})

test('a thousand turns that end as they start do not climb the stack', () => {
  const lines = new TargetQueues<Why>({ perTarget: 20_000, total: 20_000 })
  let first: () => void = () => {}
  let count = 0
  lines.enter('a', {
    start: (finish) => {
      first = finish
    },
    giveUp: () => {},
  })
  for (let i = 0; i < 1_000; i++) {
    lines.enter('a', {
      start: (finish) => {
        count++
        finish()
      },
      giveUp: () => {},
    })
  }
  first()
  expect(count).toBe(1_000)
  expect(lines.busy).toBe(0)
})

test('whatever happens, each turn that was taken starts or is given up once, in order, one at a time', () => {
  const step = fc.oneof(
    fc.record({ enter: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ end: fc.constantFrom('a', 'b', 'c'), why: fc.constantFrom(undefined, 'gone' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const lines = new TargetQueues<Why>({ perTarget: 3, total: 6 })
      const open = new Map<string, (why?: Why) => void>()
      const seen: number[] = []
      const last = new Map<string, number>()
      let next = 0
      let taken = 0
      const note = (key: string, id: number): void => {
        seen.push(id)
        expect(id).toBeGreaterThan(last.get(key) ?? -1)
        last.set(key, id)
      }
      for (const each of steps) {
        if ('enter' in each) {
          const key = each.enter
          const id = next++
          const ok = lines.enter(key, {
            start: (finish) => {
              expect(open.has(key)).toBe(false)
              open.set(key, finish)
              note(key, id)
            },
            giveUp: () => note(key, id),
          })
          if (ok) taken++
        } else {
          const finish = open.get(each.end)
          open.delete(each.end)
          finish?.(each.why)
        }
        expect(lines.waiting).toBeLessThanOrEqual(6)
      }
      for (let more = [...open]; more.length > 0; more = [...open]) {
        for (const [key, finish] of more) {
          open.delete(key)
          finish()
        }
      }
      expect(seen.length).toBe(taken)
      expect(new Set(seen).size).toBe(taken)
      expect([lines.busy, lines.waiting]).toEqual([0, 0])
    }),
  )
})
