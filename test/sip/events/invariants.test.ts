import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Alarms } from '../../../src/sip/events/alarms.ts'
import { INIT, notifierMachine } from '../../../src/sip/events/notifier.ts'
import type { NotifierEvent, NotifierState } from '../../../src/sip/events/notifier-state.ts'
import { IDLE, subscriberMachine } from '../../../src/sip/events/subscriber.ts'
import type { SubscriberEvent, SubscriberState } from '../../../src/sip/events/subscriber-state.ts'
import { ManualTime } from './bed.ts'

const seconds = fc.option(fc.nat({ max: 100_000 }), { nil: undefined })
const status = fc.constantFrom(200, 202, 204, 302, 401, 403, 404, 408, 423, 480, 481, 489, 500, 503, 603)
const failure = fc.constantFrom('timeout' as const, 'transport-failure' as const)

/** `pass`: so much time; if an alarm is due before, it rings at its time. */
const pass = fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 5_000_000 }) })

describe('whatever happens to a subscriber', () => {
  const events: fc.Arbitrary<SubscriberEvent | { kind: 'pass'; ms: number }> = fc.oneof(
    pass,
    fc.record({ kind: fc.constantFrom('fetch' as const, 'leave' as const) }),
    fc.record({
      kind: fc.constant('response' as const),
      status,
      expires: seconds,
      minExpires: seconds,
      retryAfter: seconds,
    }),
    fc.record({ kind: fc.constant('no-response' as const), reason: failure }),
    fc.record({
      kind: fc.constant('notify' as const),
      dialog: fc.constantFrom('own' as const, 'own' as const, 'fork' as const),
      state: fc.constantFrom(
        'pending' as const,
        'active' as const,
        'active' as const,
        'terminated' as const,
        undefined,
      ),
      expires: seconds,
      reason: fc.constantFrom('rejected', 'timeout', 'deactivated', undefined),
      retryAfter: seconds,
      body: fc.boolean(),
    }),
  )

  test('one SUBSCRIBE at a time, one end, each NOTIFY answered once, no alarm that rings for nothing', () => {
    const machine = subscriberMachine()
    fc.assert(
      fc.property(fc.array(events, { maxLength: 40 }), fc.constantFrom(0, 60, 3600), (list, expires) => {
        let now = 1_000_000
        let state: SubscriberState = IDLE
        let open = false
        let ends = 0
        const step = (event: SubscriberEvent): void => {
          if (event.kind === 'response' || event.kind === 'no-response') {
            if (!open) return
            open = false
          }
          const [next, effects] = machine.step(state, event, { now, fraction: 0.5 })
          if (event.kind === 'alarm') expect(machine.alarmAt(next)).toBeGreaterThan(now)
          const answers = effects.filter(({ kind }) => kind === 'answer').length
          expect(answers).toBe(event.kind === 'notify' ? 1 : 0)
          for (const effect of effects) {
            if (effect.kind === 'subscribe') {
              expect([open, effect.within]).toEqual([false, next.kind !== 'waiting'])
              open = true
            }
            if (effect.kind === 'report') {
              expect(ends).toBe(0)
              if (effect.report.kind === 'ended') ends++
            }
          }
          state = next
          expect(ends).toBe(state.kind === 'ended' ? 1 : 0)
          // Something always comes: a response, or an alarm.
          if (state.kind !== 'ended')
            expect(open || machine.alarmAt(state) < Number.POSITIVE_INFINITY).toBe(true)
        }
        step({ kind: 'subscribe', expires })
        for (const event of list) {
          if (event.kind !== 'pass') {
            step(event)
            continue
          }
          const until = now + event.ms
          for (let rung = 0; machine.alarmAt(state) <= until; rung++) {
            expect(rung).toBeLessThan(200)
            now = machine.alarmAt(state)
            step({ kind: 'alarm' })
          }
          now = until
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('whatever happens to a watcher', () => {
  const events: fc.Arbitrary<NotifierEvent | { kind: 'pass'; ms: number }> = fc.oneof(
    pass,
    fc.record({ kind: fc.constantFrom('changed' as const, 'changed' as const, 'granted' as const) }),
    fc.record({
      kind: fc.constant('refresh' as const),
      expires: fc.constantFrom(0, 60, 600, 3600, 3600, 3600),
    }),
    fc.record({
      kind: fc.constant('end' as const),
      reason: fc.constantFrom('rejected' as const, 'giveup' as const),
    }),
    fc.record({ kind: fc.constant('response' as const), status, retryAfter: seconds }),
    fc.record({ kind: fc.constant('response' as const), status: fc.constant(200) }),
    fc.record({ kind: fc.constant('no-response' as const), reason: failure }),
  )

  test('one NOTIFY at a time, one end, nothing after the last one, and every change is told in the end', () => {
    const machine = notifierMachine()
    fc.assert(
      fc.property(fc.array(events, { maxLength: 60 }), fc.constantFrom(0, 60, 3600), (list, expires) => {
        let now = 1_000_000
        let state: NotifierState = INIT
        let open = false
        let ends = 0
        let last = false
        let untold = false
        const step = (event: NotifierEvent): void => {
          if (event.kind === 'response' || event.kind === 'no-response') {
            if (!open) return
            open = false
          }
          const before = state
          const [next, effects] = machine.step(state, event, now)
          if (event.kind === 'alarm') expect(machine.alarmAt(next)).toBeGreaterThan(now)
          const answers = effects.filter(({ kind }) => kind === 'answer').length
          expect(answers).toBe(event.kind === 'refresh' || event.kind === 'subscribe' ? 1 : 0)
          if (event.kind === 'changed' && before.kind === 'live' && before.status === 'active') untold = true
          for (const effect of effects) {
            if (effect.kind === 'notify') {
              expect([open, last]).toEqual([false, false])
              open = true
              untold = false
              last = effect.state === 'terminated'
            }
            if (effect.kind === 'ended') ends++
          }
          state = next
          expect(ends).toBe(state.kind === 'live' ? 0 : 1)
          if (state.kind === 'live' && untold)
            expect(open || machine.alarmAt(state) < state.until || state.notBefore >= state.until).toBe(true)
        }
        step({ kind: 'subscribe', expires, status: expires === 60 ? 'active' : 'pending' })
        for (const event of list) {
          if (event.kind !== 'pass') {
            step(event)
            continue
          }
          const until = now + event.ms
          for (let rung = 0; machine.alarmAt(state) <= until; rung++) {
            expect(rung).toBeLessThan(200)
            now = machine.alarmAt(state)
            step({ kind: 'alarm' })
          }
          now = until
        }
      }),
      { numRuns: 1000 },
    )
  })
})

test('an alarm that is put off keeps its timer, one that comes nearer does not wait for it', () => {
  const time = new ManualTime()
  const rung: number[] = []
  const item = { timer: undefined, due: undefined, at: time.now() + 1000 }
  const alarms = new Alarms<{ timer: undefined; due: undefined; at: number }>({
    clock: time,
    timers: time.timers,
    atOf: ({ at }) => at,
    ring: (one) => {
      rung.push(time.now())
      one.at = Number.POSITIVE_INFINITY
    },
  })
  const start = time.now()
  alarms.set(item)
  for (let i = 1; i <= 100; i++) {
    item.at = start + 1000 + i * 10
    alarms.set(item)
    expect(time.timers.size).toBe(1)
  }
  time.pass(1990)
  expect(rung).toEqual([])
  time.pass(10)
  expect(rung).toEqual([start + 2000])
  expect(time.timers.size).toBe(0)
  item.at = start + 90_000
  alarms.set(item)
  item.at = start + 3000
  alarms.set(item)
  time.pass(1000)
  expect(rung).toEqual([start + 2000, start + 3000])
  item.at = start + 4000
  alarms.set(item)
  alarms.drop(item)
  time.pass(10_000)
  expect(rung).toHaveLength(2)
})
