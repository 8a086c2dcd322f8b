import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failed, type Verdict } from '../../../src/xmpp/s2s/dialback.ts'
import {
  type AskFailure,
  bounceOf,
  type InitiatingEvent,
  type InitiatingState,
  initiating,
  initiatingMachine,
} from '../../../src/xmpp/s2s/initiating.ts'
import { domain, INVALID, resultAnswer, resultRequest, VALID } from './support.ts'

const CAPULET = 'capulet.example'
const ROOMS = 'rooms.capulet.example'
const MONTAGUE = 'montague.example'
const CHAT = 'chat.montague.example'

const machine = initiatingMachine({ pairs: 3, timeout: 1000 })
const pair = (sender: string, target: string) => ({ sender: domain(sender), target: domain(target) })
const ask = (sender = CAPULET, target = MONTAGUE): InitiatingEvent => ({
  kind: 'ask',
  pair: pair(sender, target),
  key: 'k3y',
})
const answer = (verdict: Verdict, sender = CAPULET, target = MONTAGUE): InitiatingEvent => ({
  kind: 'answer',
  answer: resultAnswer(target, sender, verdict),
})
const ALARM: InitiatingEvent = { kind: 'alarm' }
const GONE: InitiatingEvent = { kind: 'closed' }

const FRESH = initiating(domain(MONTAGUE), true)
const after = (...events: readonly InitiatingEvent[]): InitiatingState =>
  events.reduce((state, event) => machine.step(state, event, 0)[0], FRESH)
const effects = (state: InitiatingState, event: InitiatingEvent, now = 0) =>
  machine.step(state, event, now)[1]
const failure = (what: AskFailure, sender = CAPULET, target = MONTAGUE) => ({
  kind: 'failed',
  pair: pair(sender, target),
  failure: what,
})
const unsolicited = (verdict: Verdict) => ({
  kind: 'unsolicited',
  answer: resultAnswer(MONTAGUE, CAPULET, verdict),
})

/** Every event in every state: the state, what is asked for, and the kind of the state after. */
const STATES = {
  fresh: after(),
  asked: after(ask()),
  valid: after(ask(), answer(VALID)),
  leaving: after(ask(ROOMS), answer(INVALID, ROOMS)),
  'leaving, asked': after(ask(), ask(ROOMS), answer(INVALID, ROOMS)),
  closed: after(GONE),
}
const SENT = { kind: 'send', request: resultRequest(CAPULET, MONTAGUE) }
const noRoom = (reason: string) => ({ kind: 'no-room', pair: pair(CAPULET, MONTAGUE), reason })

test.for([
  ['fresh', ask(), [SENT], 'open'],
  ['fresh', answer(VALID), [unsolicited(VALID)], 'open'],
  ['fresh', answer(INVALID), [unsolicited(INVALID)], 'open'],
  ['fresh', answer(failed('forbidden')), [unsolicited(failed('forbidden'))], 'open'],
  ['fresh', ALARM, [], 'open'],
  ['fresh', GONE, [], 'closed'],
  ['asked', ask(), [], 'open'],
  ['asked', answer(VALID), [{ kind: 'valid', pair: pair(CAPULET, MONTAGUE) }], 'open'],
  ['asked', answer(INVALID), [failure({ kind: 'invalid' }), { kind: 'leave' }], 'leaving'],
  [
    'asked',
    answer(failed('item-not-found')),
    [failure({ kind: 'error', condition: 'item-not-found' })],
    'open',
  ],
  ['asked', ALARM, [failure({ kind: 'no-answer' })], 'open'],
  ['asked', GONE, [failure({ kind: 'closed' })], 'closed'],
  ['valid', ask(), [], 'open'],
  ['valid', answer(VALID), [unsolicited(VALID)], 'open'],
  ['valid', answer(INVALID), [unsolicited(INVALID)], 'open'],
  ['valid', answer(failed('forbidden')), [unsolicited(failed('forbidden'))], 'open'],
  ['valid', ALARM, [], 'open'],
  ['valid', GONE, [], 'closed'],
  ['leaving', ask(), [noRoom('leaving')], 'leaving'],
  ['leaving', answer(VALID), [unsolicited(VALID)], 'leaving'],
  ['leaving', answer(INVALID), [unsolicited(INVALID)], 'leaving'],
  ['leaving', answer(failed('forbidden')), [unsolicited(failed('forbidden'))], 'leaving'],
  ['leaving', ALARM, [], 'leaving'],
  ['leaving', GONE, [], 'closed'],
  ['leaving, asked', ask(), [noRoom('leaving')], 'leaving'],
  ['leaving, asked', answer(VALID), [failure({ kind: 'closed' })], 'leaving'],
  ['leaving, asked', answer(INVALID), [failure({ kind: 'invalid' })], 'leaving'],
  [
    'leaving, asked',
    answer(failed('forbidden')),
    [failure({ kind: 'error', condition: 'forbidden' })],
    'leaving',
  ],
  ['leaving, asked', ALARM, [failure({ kind: 'no-answer' })], 'leaving'],
  ['leaving, asked', GONE, [failure({ kind: 'closed' })], 'closed'],
  ['closed', ask(), [noRoom('closed')], 'closed'],
  ['closed', answer(VALID), [unsolicited(VALID)], 'closed'],
  ['closed', answer(INVALID), [unsolicited(INVALID)], 'closed'],
  ['closed', answer(failed('forbidden')), [unsolicited(failed('forbidden'))], 'closed'],
  ['closed', ALARM, [], 'closed'],
  ['closed', GONE, [], 'closed'],
] as const)('%s, on %o', ([state, event, wanted, kind]) => {
  const [next, got] = machine.step(STATES[state], event, 1000)
  expect(got).toEqual(wanted)
  expect(next.kind).toBe(kind)
  if (
    !wanted.some((effect) => effect.kind !== 'unsolicited' && effect.kind !== 'no-room') &&
    kind === STATES[state].kind
  )
    expect(next).toBe(STATES[state])
})

describe('unsolicited-dialback-answers-are-ignored', () => {
  test.for([
    ['another sender', answer(VALID, ROOMS)],
    ['another target', answer(VALID, CAPULET, CHAT)],
    ['the other way round', answer(VALID, MONTAGUE, CAPULET)],
  ] as const)('%s than asked', ([, event]) => {
    const [next, got] = machine.step(STATES.asked, event, 0)
    expect(got.map(({ kind }) => kind)).toEqual(['unsolicited'])
    expect(next).toBe(STATES.asked)
  })

  test('a spelling of the same domain is no other', () => {
    expect(effects(STATES.asked, answer(VALID, 'Capulet.Example', 'MONTAGUE.example.'))).toMatchObject([
      { kind: 'valid' },
    ])
  })
})

describe('multiplexing (XEP-0220 §2.6)', () => {
  const old = initiating(domain(MONTAGUE), false)

  test('new senders, without asking what the other side can', () => {
    const [state] = machine.step(old, ask(), 0)
    expect(effects(state, ask(ROOMS))).toMatchObject([{ kind: 'send', request: { from: { domain: ROOMS } } }])
  })
  test('new targets only where it announced errors', () => {
    expect(effects(old, ask(CAPULET, CHAT))).toMatchObject([{ reason: 'target-multiplexing' }])
    expect(effects(FRESH, ask(CAPULET, CHAT))).toMatchObject([{ kind: 'send' }])
  })
  test('so many pairs, valid or asked; an error makes room', () => {
    const full = after(ask(), answer(VALID), ask(ROOMS), ask(CAPULET, CHAT))
    expect(effects(full, ask(ROOMS, CHAT))).toMatchObject([{ kind: 'no-room', reason: 'too-many-pairs' }])
    const [less] = machine.step(full, answer(failed('resource-constraint'), ROOMS), 0)
    expect(effects(less, ask(ROOMS, CHAT))).toMatchObject([{ kind: 'send' }])
  })
})

test('an alarm at the time of the first that waits, and no other rings', () => {
  expect(machine.alarmAt(FRESH)).toBe(Number.POSITIVE_INFINITY)
  const [state] = machine.step(after(ask()), ask(ROOMS), 500)
  expect(machine.alarmAt(state)).toBe(1000)
  expect(effects(state, ALARM, 999)).toEqual([])
  const [next, got] = machine.step(state, ALARM, 1000)
  expect(got).toEqual([failure({ kind: 'no-answer' })])
  expect(machine.alarmAt(next)).toBe(1500)
})

test.for([
  [{ kind: 'invalid' }, 'internal-server-error'],
  [{ kind: 'error', condition: 'forbidden' }, 'remote-server-timeout'],
  [{ kind: 'no-answer' }, 'remote-server-timeout'],
  [{ kind: 'closed' }, 'remote-server-timeout'],
] as const)('stanzas that waited are returned: %o is %s (§2.1.1)', ([what, condition]) => {
  expect(bounceOf(what)).toBe(condition)
})

test('whatever happens, each pair that is asked for ends once, and nothing is valid that nobody asked', () => {
  const names = fc.constantFrom(CAPULET, ROOMS, 'a.example')
  const targets = fc.constantFrom(MONTAGUE, CHAT)
  const verdicts = fc.constantFrom<Verdict>(VALID, VALID, INVALID, failed('forbidden'))
  const events = fc.oneof(
    fc.tuple(names, targets).map(([a, b]) => ask(a, b)),
    fc.tuple(verdicts, names, targets).map(([v, a, b]) => answer(v, a, b)),
    fc.constant(ALARM),
    fc.oneof({ weight: 1, arbitrary: fc.constant(GONE) }, { weight: 9, arbitrary: fc.constant(ALARM) }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.nat({ max: 400 })), { maxLength: 40 }), (list) => {
      let state: InitiatingState = FRESH
      let now = 0
      const open = new Set<string>()
      for (const [event, ms] of [...list, [GONE, 0] as const]) {
        now += ms
        const [next, got] = machine.step(state, event, now)
        state = next
        for (const effect of got) {
          if (effect.kind === 'send') open.add(`${effect.request.from.domain} ${effect.request.to.domain}`)
          if (effect.kind === 'valid' || effect.kind === 'failed')
            expect(open.delete(`${effect.pair.sender} ${effect.pair.target}`)).toBe(true)
        }
        expect(open.size).toBeLessThanOrEqual(3)
        expect(open.size > 0).toBe(machine.alarmAt(state) < Number.POSITIVE_INFINITY)
      }
      expect(open.size).toBe(0)
    }),
    { numRuns: 300 },
  )
})
