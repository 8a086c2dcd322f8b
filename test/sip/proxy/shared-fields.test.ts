import { expect, test } from 'vitest'
import type { HeaderField } from '../../../src/sip/headers.ts'
import { SharedFields } from '../../../src/sip/proxy/shared-fields.ts'

test('responses with the same header fields share one list', () => {
  const shared = new SharedFields()
  const first = shared.of([['Server', 's']])
  expect(shared.of([['Server', 's']])).toBe(first)
  expect(first).toEqual([['Server', 's']])
})

test('no fields are one list, too', () => {
  const shared = new SharedFields()
  expect(shared.of([])).toBe(shared.of([]))
  expect(shared.of([])).toEqual([])
})

test.for<[string, HeaderField[], HeaderField[]]>([
  ['another value', [['A', '1']], [['A', '2']]],
  [
    'another order',
    [
      ['A', '1'],
      ['B', '2'],
    ],
    [
      ['B', '2'],
      ['A', '1'],
    ],
  ],
  [
    'one field or two',
    [['A', '1B:2']],
    [
      ['A', '1'],
      ['B', '2'],
    ],
  ],
])('%s is another list', ([, one, two]) => {
  const shared = new SharedFields()
  expect(shared.of(one)).toEqual(one)
  expect(shared.of(two)).toEqual(two)
})

test('a full memory starts anew, and what was given out stays as it was', () => {
  const shared = new SharedFields()
  const first = shared.of([['A', '0']])
  for (let i = 1; i <= 1000; i++) shared.of([['A', String(i)]])
  expect(shared.of([['A', '0']])).not.toBe(first)
  expect(first).toEqual([['A', '0']])
})
