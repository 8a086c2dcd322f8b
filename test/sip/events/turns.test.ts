import { expect, test } from 'vitest'
import { Turns } from '../../../src/sip/events/turns.ts'

test('what is asked for meanwhile comes after, in its order', () => {
  const turns = new Turns()
  const done: string[] = []
  turns.run(() => {
    turns.run(() => {
      done.push('second')
      turns.run(() => done.push('fourth'))
    })
    turns.run(() => done.push('third'))
    done.push('first')
  })
  expect(done).toEqual(['first', 'second', 'third', 'fourth'])
})

test('one that throws keeps no other from its turn', () => {
  const turns = new Turns()
  const done: string[] = []
  expect(() =>
    turns.run(() => {
      turns.run(() => done.push('other'))
      throw new Error('mine')
    }),
  ).toThrow('mine')
  turns.run(() => done.push('later'))
  expect(done).toEqual(['other', 'later'])
})
