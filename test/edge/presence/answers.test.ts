import { expect, test } from 'vitest'
import { Counters } from '../../../src/edge/counters.ts'
import { Answers } from '../../../src/edge/presence/answers.ts'
import type { PresencePair } from '../../../src/edge/presence/store.ts'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { ManualTime } from '../../sip/events/bed.ts'
import { PAIR } from './out-rig.ts'

function rig({ limit = 10, resume = 100 } = {}) {
  const time = new ManualTime()
  const link = { live: true }
  const stanzas: Element[] = []
  const tell = (_: unknown, stanzasOf: (resolved: object) => readonly Element[]): boolean => {
    if (link.live) stanzas.push(...stanzasOf({ contact: 'romeo@sip.example' }))
    return link.live
  }
  const counters = new Counters()
  const answers = new Answers({
    people: { tell } as never,
    limit,
    resume,
    timers: time.timers,
    counters,
    fault: (error) => {
      throw error
    },
  })
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 10) time.pass(10)
  }
  const told = (): unknown[] => stanzas.splice(0).map(({ attrs }) => attrs.type)
  return { answers, link, told, counters, pass, time }
}

const other = (i: number): PresencePair => ({ ...PAIR, sip: `sip:mercutio${i}@sip.example` })

test('of two answers that could not be told the last one counts; as many are kept as there may be pairs, the others counted', () => {
  const { answers, told, link, pass, counters } = rig({ limit: 1 })
  link.live = false
  answers.answer({ pair: PAIR }, 'subscribed')
  answers.answer({ pair: PAIR }, 'unsubscribed')
  answers.answer({ pair: other(1) }, 'unsubscribed')
  expect([answers.untold, counters.get('presence.untold')]).toEqual([1, 1])
  answers.settle()
  pass(100)
  link.live = true
  answers.settle()
  pass(100)
  expect(told()).toEqual(['unsubscribed'])
  answers.settle()
  pass(100)
  expect([told(), answers.untold]).toEqual([[], 0])
})

test('asked for anew: what could not be told would be taken for the answer', () => {
  const { answers, told, link, pass } = rig()
  link.live = false
  answers.answer({ pair: PAIR }, 'unsubscribed')
  answers.recant(PAIR)
  link.live = true
  answers.settle()
  pass(1000)
  expect(told()).toEqual([])
})

test('what could not be told does not flood a link that is back: so many a second', () => {
  const { answers, told, link, pass } = rig({ limit: 1000, resume: 100 })
  link.live = false
  for (let i = 0; i < 250; i++) answers.answer({ pair: other(i) }, 'unsubscribed')
  link.live = true
  answers.settle()
  expect(told()).toEqual([])
  pass(1000)
  expect(told()).toHaveLength(100)
  pass(1500)
  expect(told()).toHaveLength(150)
})

test('what is said to a pair while its answer waits comes behind it', () => {
  const { answers, told, link, pass } = rig()
  link.live = false
  answers.answer({ pair: PAIR }, 'subscribed')
  answers.answer({ pair: other(1) }, 'unsubscribed')
  link.live = true
  answers.settle()
  answers.first(PAIR)
  expect(told()).toEqual(['subscribed'])
  pass(100)
  expect(told()).toEqual(['unsubscribed'])
})

test('an end that the user wanted is told a second later, once, and not at all where it asks again', () => {
  const { answers, told, pass, time } = rig()
  answers.confirm({ pair: PAIR })
  answers.confirm({ pair: PAIR })
  answers.confirm({ pair: other(1) })
  pass(990)
  answers.recant(other(1))
  expect(told()).toEqual([])
  pass(10)
  expect(told()).toEqual(['unsubscribed'])
  answers.confirm({ pair: PAIR })
  answers.answer({ pair: PAIR }, 'unsubscribed')
  pass(2000)
  expect(told()).toEqual(['unsubscribed'])
  answers.confirm({ pair: PAIR })
  answers.close()
  expect(time.timers.size).toBe(0)
})
