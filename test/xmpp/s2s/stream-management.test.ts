import { expect, test } from 'vitest'
import { Acknowledgements } from '../../../src/xmpp/s2s/stream-management.ts'
import { Element } from '../../../src/xmpp/xml/element.ts'

const a = (h: string | undefined): Element => new Element('a', h === undefined ? {} : { h })

/** Both sides count, and a stanza of ours tells what has become of it. */
function counting() {
  const acknowledgements = new Acknowledgements()
  acknowledgements.countOurs()
  acknowledgements.countTheirs()
  const told: string[] = []
  const send = (name: string): void => acknowledgements.sent((taken) => told.push(`${name} ${taken}`))
  return { acknowledgements, told, send }
}

test('where nobody acknowledges, what was written counts as taken, and nobody is asked', () => {
  const acknowledgements = new Acknowledgements()
  const told: boolean[] = []
  acknowledgements.sent((taken) => told.push(taken))
  expect(told).toEqual([true])
  expect(acknowledgements.question()).toBeUndefined()
  expect(acknowledgements.answer()).toBeUndefined()
  expect(acknowledgements.on).toBe(false)
})

test('stanzas are taken in the order in which they left, as far as they are acknowledged', () => {
  const { acknowledgements, told, send } = counting()
  for (const name of ['one', 'two', 'three']) send(name)
  expect(acknowledgements.unacknowledged).toBe(3)
  expect(acknowledgements.acknowledge(a('2'))).toBeUndefined()
  expect(told).toEqual(['one true', 'two true'])
  expect(acknowledgements.acknowledge(a('2'))).toBeUndefined()
  expect(acknowledgements.acknowledge(a('3'))).toBeUndefined()
  expect(told).toEqual(['one true', 'two true', 'three true'])
  expect(acknowledgements.unacknowledged).toBe(0)
})

test('one question is under way at a time', () => {
  const { acknowledgements, send } = counting()
  expect(acknowledgements.question()).toBeUndefined()
  send('one')
  expect(acknowledgements.question()?.toString()).toBe('<r xmlns="urn:xmpp:sm:3"/>')
  send('two')
  expect(acknowledgements.question()).toBeUndefined()
  acknowledgements.acknowledge(a('1'))
  expect(acknowledgements.question()).toBeDefined()
  acknowledgements.acknowledge(a('2'))
  expect(acknowledgements.question()).toBeUndefined()
})

test('what came is counted from where counting began', () => {
  const acknowledgements = new Acknowledgements()
  acknowledgements.received()
  acknowledgements.countTheirs()
  expect(acknowledgements.answer()?.attrs.h).toBe('0')
  acknowledgements.received()
  acknowledgements.received()
  expect(acknowledgements.answer()?.attrs.h).toBe('2')
})

test.for([
  ['more than was sent', '2'],
  ['fewer than before', '4294967295'],
  ['nothing', undefined],
  ['no number', 'one'],
  ['a negative number', '-1'],
  ['beyond the round', '4294967296'],
] as const)('an acknowledgement of %s ends the stream, and takes nothing', ([, h]) => {
  const { acknowledgements, told, send } = counting()
  send('one')
  expect(acknowledgements.acknowledge(a(h))).toMatchObject({ condition: 'undefined-condition' })
  expect(told).toEqual([])
  acknowledgements.broken()
  expect(told).toEqual(['one false'])
})

test('an acknowledgement where nothing is counted ends the stream', () => {
  expect(new Acknowledgements().acknowledge(a('0'))).toBeDefined()
})

test('what is not acknowledged when the stream breaks may be lost, once', () => {
  const { acknowledgements, told, send } = counting()
  send('one')
  send('two')
  acknowledgements.acknowledge(a('1'))
  acknowledgements.broken()
  acknowledgements.broken()
  expect(told).toEqual(['one true', 'two false'])
})
