import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failed, type Verdict } from '../../../src/xmpp/s2s/dialback.ts'
import { receivingMachine } from '../../../src/xmpp/s2s/receiving.ts'
import {
  type KeyPolicy,
  NO_STREAMS,
  type ReceivingEvent,
  type ReceivingState,
  type Unreachable,
} from '../../../src/xmpp/s2s/receiving-state.ts'
import {
  domain,
  INVALID,
  resultAnswer,
  resultRequest,
  VALID,
  verifyAnswerOf,
  verifyRequest,
} from './support.ts'

const CAPULET = 'capulet.example'
const ROOMS = 'rooms.capulet.example'
const MONTAGUE = 'montague.example'
const CHAT = 'chat.montague.example'

const machine = receivingMachine({
  pairs: 3,
  verifications: 5,
  underWay: 2,
  waiting: 1,
  failures: 2,
  timeout: 1000,
})
const VERIFY: KeyPolicy = { kind: 'verify' }
const pair = (sender = CAPULET, target = MONTAGUE) => ({ sender: domain(sender), target: domain(target) })
/** The id of our header on stream `in` is `id-in`. */
const key = (
  stream = 'in',
  sender = CAPULET,
  target = MONTAGUE,
  policy: KeyPolicy = VERIFY,
): ReceivingEvent => ({
  kind: 'key',
  stream,
  streamId: `id-${stream}`,
  request: resultRequest(sender, target),
  policy,
})
const sent = (stream = 'in', sender = CAPULET, target = MONTAGUE, via = 'out'): ReceivingEvent => ({
  kind: 'sent',
  pair: pair(sender, target),
  id: `id-${stream}`,
  via,
})
const answer = (
  verdict: Verdict,
  stream = 'in',
  sender = CAPULET,
  target = MONTAGUE,
  via = 'out',
): ReceivingEvent => ({
  kind: 'answer',
  via,
  answer: verifyAnswerOf(sender, target, `id-${stream}`, verdict),
})
const unreachable = (reason: Unreachable, stream = 'in', sender = CAPULET): ReceivingEvent => ({
  kind: 'unreachable',
  pair: pair(sender),
  id: `id-${stream}`,
  reason,
})
const closed = (stream: string): ReceivingEvent => ({ kind: 'closed', stream })
const ALARM: ReceivingEvent = { kind: 'alarm' }

const after = (...events: readonly ReceivingEvent[]): ReceivingState =>
  events.reduce((state, event) => machine.step(state, event, 0)[0], NO_STREAMS)
const effects = (state: ReceivingState, event: ReceivingEvent, now = 0) => machine.step(state, event, now)[1]

const asks = (stream = 'in', sender = CAPULET, target = MONTAGUE) => ({
  kind: 'verify',
  pair: pair(sender, target),
  request: verifyRequest(target, sender, `id-${stream}`),
  except: stream,
})
const tells = (verdict: Verdict, stream = 'in', sender = CAPULET, target = MONTAGUE) => ({
  kind: 'send',
  stream,
  answer: resultAnswer(target, sender, verdict),
})
const proved = (by: string, stream = 'in', sender = CAPULET) => ({
  kind: 'proved',
  stream,
  pair: pair(sender),
  by,
})
const closes = (reason: string, stream = 'in') => ({ kind: 'close', stream, reason })
const strange = (verdict: Verdict) => ({
  kind: 'unsolicited',
  via: 'out',
  answer: verifyAnswerOf(CAPULET, MONTAGUE, 'id-in', verdict),
})
const TIMEOUT = failed('remote-server-timeout')

const STATES = {
  nothing: NO_STREAMS,
  connecting: after(key()),
  asked: after(key(), sent()),
  'asked, another waits': after(key(), sent(), key('in2')),
  'asked, its stream gone': after(key(), sent(), closed('in')),
  proved: after(key(), sent(), answer(VALID)),
  'proved, another pair asked': after(
    key('in', ROOMS),
    sent('in', ROOMS),
    answer(VALID, 'in', ROOMS),
    key(),
    sent(),
  ),
  spent: after(key(), sent(), answer(INVALID)),
}
const VOUCHED = key('in', CAPULET, MONTAGUE, { kind: 'vouched' })
const REFUSED = key('in', CAPULET, MONTAGUE, { kind: 'refuse', condition: 'item-not-found' })

/** Every event in every state. */
test.for([
  ['nothing', key(), [asks()]],
  ['nothing', VOUCHED, [proved('certificate'), tells(VALID)]],
  ['nothing', REFUSED, [tells(failed('item-not-found'))]],
  ['nothing', sent(), []],
  ['nothing', unreachable('lost'), []],
  ['nothing', answer(VALID), [strange(VALID)]],
  ['nothing', answer(INVALID), [strange(INVALID)]],
  ['nothing', answer(failed('forbidden')), [strange(failed('forbidden'))]],
  ['nothing', closed('in'), []],
  ['nothing', closed('out'), []],
  ['nothing', ALARM, []],

  ['connecting', key(), []],
  ['connecting', VOUCHED, []],
  ['connecting', REFUSED, []],
  ['connecting', sent(), []],
  ['connecting', unreachable('not-found'), [tells(failed('remote-server-not-found'))]],
  ['connecting', unreachable('no-connection'), [tells(failed('remote-connection-failed'))]],
  ['connecting', unreachable('lost'), [tells(TIMEOUT)]],
  ['connecting', answer(VALID), [strange(VALID)]],
  ['connecting', answer(INVALID), [strange(INVALID)]],
  ['connecting', answer(failed('forbidden')), [strange(failed('forbidden'))]],
  ['connecting', closed('in'), []],
  ['connecting', closed('out'), []],
  ['connecting', ALARM, [tells(TIMEOUT)]],

  ['asked', key(), []],
  ['asked', VOUCHED, []],
  ['asked', REFUSED, []],
  ['asked', sent(), []],
  ['asked', unreachable('lost'), [tells(TIMEOUT)]],
  ['asked', answer(VALID), [proved('dialback'), tells(VALID)]],
  ['asked', answer(INVALID), [tells(INVALID), closes('invalid')]],
  ['asked', answer(failed('item-not-found')), [tells(failed('remote-server-not-found'))]],
  ['asked', closed('in'), []],
  ['asked', closed('out'), [tells(TIMEOUT)]],
  ['asked', ALARM, [tells(TIMEOUT)]],

  ['asked, another waits', key(), []],
  ['asked, another waits', key('in2'), []],
  ['asked, another waits', key('in3'), [tells(failed('resource-constraint'), 'in3')]],
  ['asked, another waits', sent('in2'), []],
  ['asked, another waits', unreachable('lost', 'in2'), []],
  ['asked, another waits', unreachable('lost'), [asks('in2'), tells(TIMEOUT)]],
  ['asked, another waits', answer(VALID), [asks('in2'), proved('dialback'), tells(VALID)]],
  ['asked, another waits', answer(INVALID), [asks('in2'), tells(INVALID), closes('invalid')]],
  ['asked, another waits', closed('in'), []],
  ['asked, another waits', closed('in2'), []],
  ['asked, another waits', closed('out'), [asks('in2'), tells(TIMEOUT)]],
  ['asked, another waits', ALARM, [tells(TIMEOUT, 'in2'), tells(TIMEOUT)]],

  ['asked, its stream gone', key('in2'), []],
  ['asked, its stream gone', sent(), []],
  ['asked, its stream gone', unreachable('lost'), []],
  ['asked, its stream gone', answer(VALID), []],
  ['asked, its stream gone', answer(INVALID), []],
  ['asked, its stream gone', answer(failed('forbidden')), []],
  ['asked, its stream gone', closed('in'), []],
  ['asked, its stream gone', closed('out'), []],
  ['asked, its stream gone', ALARM, []],

  ['proved', key(), [tells(VALID)]],
  ['proved', VOUCHED, [tells(VALID)]],
  ['proved', REFUSED, [tells(VALID)]],
  ['proved', key('in', ROOMS), [asks('in', ROOMS)]],
  ['proved', sent(), []],
  ['proved', unreachable('lost'), []],
  ['proved', answer(VALID), [strange(VALID)]],
  ['proved', answer(INVALID), [strange(INVALID)]],
  ['proved', answer(failed('forbidden')), [strange(failed('forbidden'))]],
  ['proved', closed('in'), []],
  ['proved', closed('out'), []],
  ['proved', ALARM, []],

  ['proved, another pair asked', answer(VALID), [proved('dialback'), tells(VALID)]],
  ['proved, another pair asked', answer(INVALID), [tells(failed('forbidden'))]],
  ['proved, another pair asked', answer(failed('forbidden')), [tells(failed('remote-server-not-found'))]],
  ['proved, another pair asked', unreachable('lost'), [tells(TIMEOUT)]],
  ['proved, another pair asked', closed('in'), []],
  ['proved, another pair asked', closed('out'), [tells(TIMEOUT)]],
  ['proved, another pair asked', ALARM, [tells(TIMEOUT)]],

  ['spent', key(), []],
  ['spent', VOUCHED, []],
  ['spent', REFUSED, []],
  ['spent', sent(), []],
  ['spent', unreachable('lost'), []],
  ['spent', answer(VALID), [strange(VALID)]],
  ['spent', answer(INVALID), [strange(INVALID)]],
  ['spent', answer(failed('forbidden')), [strange(failed('forbidden'))]],
  ['spent', closed('in'), []],
  ['spent', closed('out'), []],
  ['spent', ALARM, []],
] as const)('%s, on %o', ([state, event, wanted]) => {
  expect(effects(STATES[state], event, 1000)).toEqual(wanted)
})

describe('unsolicited-dialback-answers-are-ignored', () => {
  test.for([
    ['on another stream', answer(VALID, 'in', CAPULET, MONTAGUE, 'other')],
    ['on the stream that wants to be proved', answer(VALID, 'in', CAPULET, MONTAGUE, 'in')],
    ['for another stream id', answer(VALID, 'in2')],
    ['of another sender', answer(VALID, 'in', ROOMS)],
    ['for another target', answer(VALID, 'in', CAPULET, CHAT)],
    ['the other way round', answer(VALID, 'in', MONTAGUE, CAPULET)],
  ] as const)('%s', ([, event]) => {
    const [next, got] = machine.step(STATES.asked, event, 0)
    expect(got.map(({ kind }) => kind)).toEqual(['unsolicited'])
    expect(next).toBe(STATES.asked)
  })

  test('a second answer', () => {
    expect(effects(after(key(), sent(), answer(VALID)), answer(INVALID))).toEqual([strange(INVALID)])
  })

  test('an answer that comes after its time', () => {
    const [late] = machine.step(STATES.asked, ALARM, 1000)
    expect(effects(late, answer(VALID), 1001)).toEqual([strange(VALID)])
  })

  test('an answer to the key before does not prove the next one', () => {
    const next = after(key(), sent(), key('in2'), answer(INVALID), sent('in2'))
    expect(effects(next, answer(VALID, 'in'))).toEqual([strange(VALID)])
    expect(effects(next, answer(VALID, 'in2'))).toEqual([proved('dialback', 'in2'), tells(VALID, 'in2')])
  })
})

test('no key is verified on the stream that brought it (XEP-0288 §2.2)', () => {
  expect(effects(STATES.connecting, sent('in', CAPULET, MONTAGUE, 'in'))).toEqual([
    tells(failed('remote-connection-failed')),
  ])
})

test('a stream that is gone is forgotten, whatever it had', () => {
  const used = after(key(), sent(), answer(VALID), key('in', ROOMS), sent('in', ROOMS))
  const [next] = machine.step(used, closed('in'), 0)
  expect(next.streams.size).toBe(0)
  expect(effects(next, answer(VALID, 'in', ROOMS))).toEqual([])
  expect(machine.step(next, answer(VALID, 'in', ROOMS), 0)[0].verifications.size).toBe(0)
})

test('a stream that is closed for its failures has no claims any more, not even within that step', () => {
  const state = after(
    key('in', CHAT),
    unreachable('not-found', 'in', CHAT),
    key(),
    sent(),
    key('in2', ROOMS),
    sent('in2', ROOMS),
    key('in', ROOMS),
  )
  const [next, got] = machine.step(state, closed('out'), 0)
  expect(got).toEqual([tells(TIMEOUT), closes('failures'), tells(TIMEOUT, 'in2', ROOMS)])
  expect(next.verifications.size).toBe(0)
})

test('the alarm is that of the claim that is due first', () => {
  expect(machine.alarmAt(NO_STREAMS)).toBe(Number.POSITIVE_INFINITY)
  const [two] = machine.step(STATES.asked, key('in2'), 400)
  expect(machine.alarmAt(two)).toBe(1000)
  const [one, got] = machine.step(two, ALARM, 1000)
  expect(got).toEqual([asks('in2'), tells(TIMEOUT)])
  expect(machine.alarmAt(one)).toBe(1400)
})

describe('nobody is set on third parties', () => {
  const third = (n: number) => `victim${n}.example`

  test('by one stream: a few at a time, and it is closed when they come to nothing', () => {
    let state = NO_STREAMS
    let asked = 0
    let told = 0
    for (let n = 0; n < 1000; n++) {
      const [next, got] = machine.step(state, key('in', third(n)), 0)
      state = next
      asked += got.filter(({ kind }) => kind === 'verify').length
      told += got.filter(({ kind }) => kind === 'send').length
    }
    expect([asked, told]).toEqual([2, 998])
    const [failing] = machine.step(state, unreachable('not-found', 'in', third(0)), 0)
    const [spent, got] = machine.step(failing, unreachable('not-found', 'in', third(1)), 0)
    expect(got).toContainEqual(closes('failures'))
    expect(effects(spent, key('in', third(2)))).toEqual([])
  })

  test('by many streams: so many in all', () => {
    let state = NO_STREAMS
    let asked = 0
    for (let n = 0; n < 1000; n++) {
      const [next, got] = machine.step(state, key(`in${n}`, third(n)), 0)
      state = next
      asked += got.filter(({ kind }) => kind === 'verify').length
    }
    expect(asked).toBe(5)
    expect(state.verifications.size).toBe(5)
    expect(state.streams.size).toBe(0)
  })

  test('by streams that come and go: one of a pair at a time, until it is answered', () => {
    let state = NO_STREAMS
    let asked = 0
    for (let n = 0; n < 1000; n++)
      for (const event of [key(`in${n}`), sent(`in${n}`), closed(`in${n}`)]) {
        const [next, got] = machine.step(state, event, 0)
        state = next
        asked += got.filter(({ kind }) => kind === 'verify').length
      }
    expect(asked).toBe(1)
  })

  test('refusals cost nobody but us, and never end a stream', () => {
    let state = STATES.proved
    for (let n = 0; n < 100; n++) {
      const [next, got] = machine.step(
        state,
        key('in', CAPULET, third(n), { kind: 'refuse', condition: 'item-not-found' }),
        0,
      )
      expect(got).toHaveLength(1)
      state = next
    }
    expect(state).toBe(STATES.proved)
  })
})

test('so many pairs on one stream', () => {
  const full = after(
    ...['a.example', 'b.example', 'c.example'].map((name) => key('in', name, MONTAGUE, { kind: 'vouched' })),
  )
  expect(effects(full, key())).toEqual([tells(failed('resource-constraint'))])
  expect(effects(full, VOUCHED)).toEqual([tells(failed('resource-constraint'))])
  expect(effects(full, key('in2'))).toEqual([asks('in2')])
})

test('whatever happens: one verification of a pair at a time, one answer to a key, proof only by a fitting answer', () => {
  const streams = fc.constantFrom('in', 'in2', 'in3')
  const senders = fc.constantFrom(CAPULET, ROOMS)
  const verdicts = fc.constantFrom<Verdict>(VALID, INVALID, failed('forbidden'))
  const vias = fc.constantFrom('out', 'out2', 'in')
  const events: fc.Arbitrary<ReceivingEvent> = fc.oneof(
    fc.tuple(streams, senders).map(([s, a]) => key(s, a)),
    fc.tuple(streams, senders, vias).map(([s, a, v]) => sent(s, a, MONTAGUE, v)),
    fc.tuple(verdicts, streams, senders, vias).map(([r, s, a, v]) => answer(r, s, a, MONTAGUE, v)),
    fc.tuple(streams, senders).map(([s, a]) => unreachable('lost', s, a)),
    fc.constantFrom('in', 'in2', 'in3', 'out', 'out2').map(closed),
    fc.constant(ALARM),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.nat({ max: 300 })), { maxLength: 60 }), (list) => {
      let state = NO_STREAMS
      let now = 0
      /** Keys that have no answer yet. */
      const open = new Set<string>()
      const forget = (stream: string): void => {
        for (const one of open) if (one.startsWith(`${stream} `)) open.delete(one)
      }
      for (const [event, ms] of list) {
        now += ms
        const known = state
        const [next, got] = machine.step(state, event, now)
        state = next
        if (event.kind === 'closed') forget(event.stream)
        const spent = event.kind === 'key' && known.streams.get(event.stream)?.spent === true
        if (event.kind === 'key' && !spent)
          open.add(`${event.stream} ${event.request.from.domain} ${event.request.to.domain}`)
        for (const effect of got) {
          if (effect.kind === 'send') {
            const { from, to } = effect.answer
            expect(open.delete(`${effect.stream} ${to.domain} ${from.domain}`)).toBe(true)
          } else if (effect.kind === 'close') forget(effect.stream)
          else if (effect.kind === 'unsolicited') expect(state).toBe(known)
          else {
            const old = known.verifications.get(`${effect.pair.sender} ${effect.pair.target}`)
            if (effect.kind === 'verify') {
              // Either there was none, or that one ended with this event.
              if (old !== undefined) expect(event.kind).not.toBe('key')
              continue
            }
            expect(event).toMatchObject({ kind: 'answer', via: old?.via, answer: { verdict: VALID } })
            expect([old?.claim.stream, old?.gone]).toEqual([effect.stream, false])
            expect(effect.stream).not.toBe(old?.via)
          }
        }
        let count = 0
        let unanswered = 0
        for (const { gone, waiting } of state.verifications.values()) {
          count += 1 + waiting.length
          unanswered += (gone ? 0 : 1) + waiting.length
          expect(waiting.length).toBeLessThanOrEqual(1)
        }
        expect(count).toBeLessThanOrEqual(5)
        expect(unanswered).toBe(open.size)
        if (event.kind === 'alarm') expect(machine.alarmAt(state)).toBeGreaterThan(now)
        if (event.kind === 'closed') expect(state.streams.has(event.stream)).toBe(false)
      }
    }),
    { numRuns: 500 },
  )
})
