import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fingerprints } from '../../src/kernel/fingerprint.ts'
import { PrintTable } from '../../src/kernel/print-table.ts'

const prints = new Fingerprints('0123456789abcdefghijklmnopqrstuv')

test('finds what a map finds, whatever comes and goes', () => {
  const change = fc.record({ key: fc.nat(40), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const table = new PrintTable<number>()
      const places = new Map<number, number>()
      // Fingerprints that share their chain, so that chains are long.
      const print = (key: number) => ({ low: key & 3, high: key })
      for (const { key, remove } of changes) {
        const place = places.get(key)
        if (place === undefined) places.set(key, table.add(print(key), key))
        else if (remove) {
          table.remove(place)
          places.delete(key)
        }
        expect(table.get(print(key))).toBe(places.has(key) ? key : undefined)
        expect(table.size).toBe(places.size)
      }
      expect(table.values().toSorted()).toEqual([...places.keys()].toSorted())
    }),
  )
})

test('grows with every place what it was, and gives its room back when all have left', () => {
  const table = new PrintTable<string>()
  const keys = Array.from({ length: 10_000 }, (_, i) => `key ${i}`)
  for (const round of ['one', 'two']) {
    const places = keys.map((key) => table.add(prints.of(key), `${key} ${round}`))
    expect(table.size).toBe(10_000)
    for (const key of keys) expect(table.get(prints.of(key))).toBe(`${key} ${round}`)
    for (const [i, place] of places.entries()) {
      table.remove(place)
      expect(table.get(prints.of(keys[i] as string))).toBeUndefined()
    }
    expect(table.size).toBe(0)
  }
})

test('of two with one fingerprint the last is found, and then the first', () => {
  const table = new PrintTable<string>()
  const print = { low: 5, high: -7 }
  table.add(print, 'first')
  const last = table.add(print, 'last')
  expect(table.get(print)).toBe('last')
  table.remove(last)
  expect(table.get(print)).toBe('first')
  table.clear()
  expect(table.get(print)).toBeUndefined()
  expect(table.size).toBe(0)
})

test('what has left is not kept alive by the table after a full collection', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const table = new PrintTable<{ readonly octets: readonly number[] }>()
  const places: number[] = []
  const churn = (changes: number): void => {
    for (let i = 0; i < changes; i++) {
      const left = places[i % 64]
      if (left !== undefined) table.remove(left)
      places[i % 64] = table.add(prints.of(`key ${i}`), { octets: new Array(200).fill(i) })
      if (i % 1000 === 0) gc({ type: 'minor' })
    }
  }
  churn(1000)
  gc()
  const before = process.memoryUsage().heapUsed
  churn(20_000)
  gc({ type: 'minor' })
  gc({ type: 'minor' })
  // All that came would be 32 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(4e6)
})
