import fc from 'fast-check'
import { expect, test } from 'vitest'
import { smallMap } from '../../src/kernel/small-map.ts'

test('a small map is the Map of the same entries, in the same order', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 3 }), fc.integer()), {
    maxLength: 8,
    selector: ([key]) => key,
  })
  fc.assert(
    fc.property(entries, fc.string({ maxLength: 3 }), (given, other) => {
      const map = smallMap(given)
      const model = new Map(given)
      expect([...map]).toEqual([...model])
      expect([...map.entries()]).toEqual([...model])
      expect([...map.keys()]).toEqual([...model.keys()])
      expect([...map.values()]).toEqual([...model.values()])
      expect(map.size).toBe(model.size)
      for (const key of [...model.keys(), other]) {
        expect(map.get(key)).toBe(model.get(key))
        expect(map.has(key)).toBe(model.has(key))
      }
      const seen: unknown[] = []
      map.forEach((value, key, whole) => {
        seen.push([key, value, whole === map])
      })
      expect(seen).toEqual(Array.from(model, ([key, value]) => [key, value, true]))
    }),
  )
})
