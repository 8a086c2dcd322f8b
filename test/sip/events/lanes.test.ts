import { expect, test } from 'vitest'
import { Lanes } from '../../../src/sip/events/lanes.ts'

function bed(most: number) {
  const lanes = new Lanes(most)
  const begun: string[] = []
  const leave = new Map<string, () => void>()
  const enter = (lane: string, name: string): void =>
    lanes.enter(lane, (done) => {
      begun.push(name)
      leave.set(name, done)
    })
  return { lanes, begun, enter, leave: (name: string) => leave.get(name)?.() }
}

test('so many at a time, the others in their order', () => {
  const { lanes, begun, enter, leave } = bed(2)
  for (const name of ['a', 'b', 'c', 'd', 'e']) enter('main', name)
  expect([begun.splice(0), lanes.waiting]).toEqual([['a', 'b'], 3])
  leave('b')
  expect([begun.splice(0), lanes.waiting]).toEqual([['c'], 2])
  leave('a')
  leave('c')
  expect([begun.splice(0), lanes.waiting]).toEqual([['d', 'e'], 0])
  leave('d')
  enter('main', 'f')
  expect(begun).toEqual(['f'])
})

test('a lane that is full holds up no other', () => {
  const { begun, enter } = bed(1)
  enter('slow', 'a')
  enter('slow', 'b')
  enter('fast', 'c')
  expect(begun).toEqual(['a', 'c'])
})

test('whoever leaves twice makes room once', () => {
  const { begun, enter, leave } = bed(1)
  for (const name of ['a', 'b', 'c']) enter('main', name)
  leave('a')
  leave('a')
  expect(begun).toEqual(['a', 'b'])
})

test('cleared: nothing that waits begins', () => {
  const { lanes, begun, enter, leave } = bed(1)
  enter('main', 'a')
  enter('main', 'b')
  lanes.clear()
  leave('a')
  expect([begun, lanes.waiting]).toEqual([['a'], 0])
  enter('main', 'c')
  expect(begun).toEqual(['a', 'c'])
})

test('very many, each once and in order', () => {
  const lanes = new Lanes(3)
  const begun: number[] = []
  const open: (() => void)[] = []
  for (let i = 0; i < 10_000; i++)
    lanes.enter('main', (leave) => {
      begun.push(i)
      open.push(leave)
    })
  for (let leave = open.shift(); leave !== undefined; leave = open.shift()) leave()
  expect(begun).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  expect(lanes.waiting).toBe(0)
})
