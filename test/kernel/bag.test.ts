import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bag } from '../../src/kernel/bag.ts'

test('holds what was put in and has not left', () => {
  const change = fc.record({ item: fc.nat(20), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const bag = new Bag<string>()
      const places = new Map<string, number>()
      for (const { item, remove } of changes) {
        const name = `item ${item}`
        const place = places.get(name)
        if (place === undefined) places.set(name, bag.add(name))
        else if (remove) {
          bag.remove(place)
          places.delete(name)
        }
        expect(bag.size).toBe(places.size)
        expect(bag.values().toSorted()).toEqual([...places.keys()].toSorted())
      }
    }),
  )
})

test('cleared, it begins anew', () => {
  const bag = new Bag<string>()
  bag.add('one')
  bag.add('two')
  bag.clear()
  expect(bag.size).toBe(0)
  expect(bag.values()).toEqual([])
  bag.add('three')
  expect(bag.values()).toEqual(['three'])
})
