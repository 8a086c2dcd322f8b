import { expect, test } from 'vitest'
import { LearnedElsewhere, type LearnedElsewhereOptions } from '../../src/store/learned-elsewhere.ts'

function bed(since: LearnedElsewhereOptions['since'] = () => ['romeo@sip.example']) {
  const asked: (readonly [number, number])[] = []
  const told: unknown[] = []
  const elsewhere = new LearnedElsewhere({
    at: 5,
    since: (mark, most) => {
      asked.push([mark, most])
      return since(mark, most)
    },
    tell: (own) => told.push(own),
  })
  return { elsewhere, asked, told }
}

const ROMEO = { user: 'romeo', domain: 'sip.example' }

test('while nothing has happened, nothing is asked', async () => {
  const { elsewhere, asked, told } = bed()
  await elsewhere.upTo(5)
  expect([asked, told]).toEqual([[], []])
})

test('after marks of others their users are told, once', async () => {
  const { elsewhere, asked, told } = bed()
  await elsewhere.upTo(7)
  await elsewhere.upTo(7)
  expect(asked).toEqual([[5, 1001]])
  expect(told).toEqual([ROMEO])
})

test('marks of this process are not asked for, unless somebody else was in between', async () => {
  const { elsewhere, asked } = bed()
  elsewhere.own(6)
  elsewhere.own(7)
  await elsewhere.upTo(7)
  expect(asked).toEqual([])
  elsewhere.own(9)
  await elsewhere.upTo(9)
  expect(asked).toEqual([[7, 1001]])
})

test.for([
  ['more users than are named one by one', 6, Array.from({ length: 1001 }, (_, i) => `u${i}@sip.example`)],
  ['a mark so far ahead that those between may have been swept', 1005, []],
  ['a mark from before, of a backup', 3, []],
] as const)('everybody is told after %s', async ([, mark, owners]) => {
  const { elsewhere, told } = bed(() => owners)
  await elsewhere.upTo(mark)
  expect(told).toEqual([undefined])
  await elsewhere.upTo(mark)
  expect(told).toHaveLength(1)
})

test('a question that fails is asked again', async () => {
  let broken = true
  const { elsewhere, told } = bed(() => {
    if (broken) throw new Error('gone')
    return ['romeo@sip.example']
  })
  await expect(elsewhere.upTo(6)).rejects.toThrow('gone')
  broken = false
  await elsewhere.upTo(6)
  expect(told).toEqual([ROMEO])
})
