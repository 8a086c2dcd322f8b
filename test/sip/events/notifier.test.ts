import { describe, expect, test } from 'vitest'
import { INIT, notifierMachine } from '../../../src/sip/events/notifier.ts'
import type {
  Live,
  NotifierEffect,
  NotifierEvent,
  NotifierState,
} from '../../../src/sip/events/notifier-state.ts'

const machine = notifierMachine()
const NOW = 1_000_000

/** `NOTIFY active 3600`, `ended(refused 481)`: an effect in a few words. */
function shown(effect: NotifierEffect): string {
  switch (effect.kind) {
    case 'answer':
      return effect.status === 200 ? `200 ${effect.expires}` : '481'
    case 'notify':
      if (effect.state !== 'terminated') return `NOTIFY ${effect.state} ${effect.expires}`
      return `NOTIFY ${effect.reason}${effect.retryAfter === undefined ? '' : ` ${effect.retryAfter}`}`
    case 'ended':
      return `ended(${Object.values(effect.end).join(' ')})`
  }
}

const run = (state: NotifierState, event: NotifierEvent, now = NOW): [NotifierState, string] => {
  const [next, effects] = machine.step(state, event, now)
  return [next, effects.map(shown).join('; ')]
}

const active: Live = {
  kind: 'live',
  status: 'active',
  until: NOW + 3_600_000,
  giveUpAt: undefined,
  sent: false,
  due: 'nothing',
  notBefore: NOW,
  failures: 0,
}
const pending: Live = { ...active, status: 'pending', giveUpAt: NOW + 604_800_000 }
const sent: Live = { ...active, sent: true, notBefore: NOW + 5000 }
const throttled: Live = { ...active, notBefore: NOW + 5000 }
const queued: NotifierState = { kind: 'ending', last: { reason: 'rejected' } }
const last: NotifierState = { kind: 'ending', last: undefined }
const ended: NotifierState = { kind: 'ended' }

const response = (status: number, retryAfter?: number): NotifierEvent => ({
  kind: 'response',
  status,
  retryAfter,
})
const refresh = (expires: number): NotifierEvent => ({ kind: 'refresh', expires })
const timeout: NotifierEvent = { kind: 'no-response', reason: 'timeout' }
const broken: NotifierEvent = { kind: 'no-response', reason: 'transport-failure' }
const alarm: NotifierEvent = { kind: 'alarm' }
const changed: NotifierEvent = { kind: 'changed' }

const EVENTS = {
  subscribe: { kind: 'subscribe', expires: 3600, status: 'pending' },
  refresh: refresh(1800),
  'refresh 0': refresh(0),
  granted: { kind: 'granted' },
  changed,
  empty: { kind: 'empty' },
  end: { kind: 'end', reason: 'rejected' },
  200: response(200),
  400: response(400),
  481: response(481),
  503: response(503, 60),
  timeout,
  broken,
  alarm,
} as const satisfies Record<string, NotifierEvent>

type Row = readonly [next: NotifierState['kind'], effects: string]

/** Every event in every state. */
const ROWS: Record<string, [NotifierState, Record<keyof typeof EVENTS, Row>]> = {
  init: [
    INIT,
    {
      subscribe: ['live', '200 3600; NOTIFY pending 3600'],
      refresh: ['init', '481'],
      'refresh 0': ['init', '481'],
      granted: ['init', ''],
      changed: ['init', ''],
      empty: ['init', ''],
      end: ['init', ''],
      200: ['init', ''],
      400: ['init', ''],
      481: ['init', ''],
      503: ['init', ''],
      timeout: ['init', ''],
      broken: ['init', ''],
      alarm: ['init', ''],
    },
  ],
  pending: [
    pending,
    {
      subscribe: ['live', ''],
      refresh: ['live', '200 1800; NOTIFY pending 1800'],
      'refresh 0': ['ending', '200 0; NOTIFY timeout; ended(left)'],
      granted: ['live', 'NOTIFY active 3600'],
      changed: ['live', ''],
      empty: ['live', ''],
      end: ['ending', 'NOTIFY rejected; ended(by-owner rejected)'],
      200: ['live', ''],
      400: ['live', ''],
      481: ['ended', 'ended(refused 481)'],
      503: ['live', ''],
      timeout: ['ended', 'ended(no-answer)'],
      broken: ['live', ''],
      alarm: ['live', ''],
    },
  ],
  active: [
    active,
    {
      subscribe: ['live', ''],
      refresh: ['live', '200 1800; NOTIFY active 1800'],
      'refresh 0': ['ending', '200 0; NOTIFY timeout; ended(left)'],
      granted: ['live', ''],
      changed: ['live', 'NOTIFY active 3600'],
      empty: ['live', ''],
      end: ['ending', 'NOTIFY rejected; ended(by-owner rejected)'],
      200: ['live', ''],
      400: ['live', ''],
      481: ['ended', 'ended(refused 481)'],
      503: ['live', ''],
      timeout: ['ended', 'ended(no-answer)'],
      broken: ['live', ''],
      alarm: ['live', ''],
    },
  ],
  'a NOTIFY under way': [
    sent,
    {
      subscribe: ['live', ''],
      refresh: ['live', '200 1800'],
      'refresh 0': ['ending', '200 0; ended(left)'],
      granted: ['live', ''],
      changed: ['live', ''],
      empty: ['live', ''],
      end: ['ending', 'ended(by-owner rejected)'],
      200: ['live', ''],
      400: ['live', ''],
      481: ['ended', 'ended(refused 481)'],
      503: ['live', ''],
      timeout: ['ended', 'ended(no-answer)'],
      broken: ['live', ''],
      alarm: ['live', ''],
    },
  ],
  'ending, behind a NOTIFY': [
    queued,
    {
      subscribe: ['ending', ''],
      refresh: ['ending', '481'],
      'refresh 0': ['ending', '481'],
      granted: ['ending', ''],
      changed: ['ending', ''],
      empty: ['ending', ''],
      end: ['ending', ''],
      200: ['ending', 'NOTIFY rejected'],
      400: ['ending', 'NOTIFY rejected'],
      481: ['ended', ''],
      503: ['ending', 'NOTIFY rejected'],
      timeout: ['ended', ''],
      broken: ['ended', ''],
      alarm: ['ending', ''],
    },
  ],
  'ending, with the last NOTIFY': [
    last,
    {
      subscribe: ['ending', ''],
      refresh: ['ending', '481'],
      'refresh 0': ['ending', '481'],
      granted: ['ending', ''],
      changed: ['ending', ''],
      empty: ['ending', ''],
      end: ['ending', ''],
      200: ['ended', ''],
      400: ['ended', ''],
      481: ['ended', ''],
      503: ['ended', ''],
      timeout: ['ended', ''],
      broken: ['ended', ''],
      alarm: ['ending', ''],
    },
  ],
  ended: [
    ended,
    {
      subscribe: ['ended', ''],
      refresh: ['ended', '481'],
      'refresh 0': ['ended', '481'],
      granted: ['ended', ''],
      changed: ['ended', ''],
      empty: ['ended', ''],
      end: ['ended', ''],
      200: ['ended', ''],
      400: ['ended', ''],
      481: ['ended', ''],
      503: ['ended', ''],
      timeout: ['ended', ''],
      broken: ['ended', ''],
      alarm: ['ended', ''],
    },
  ],
}

for (const [name, [state, events]] of Object.entries(ROWS)) {
  describe(name, () => {
    test.for(Object.entries(events))('%s', ([event, [next, effects]]) => {
      const [to, done] = run(state, EVENTS[event as keyof typeof EVENTS])
      expect([to.kind, done]).toEqual([next, effects])
    })
  })
}

describe('how it begins', () => {
  test('24. sip-subscribe-gets-200-and-immediate-pending-notify', () => {
    const [state, effects] = run(INIT, { kind: 'subscribe', expires: 600, status: 'pending' })
    expect(effects).toBe('200 600; NOTIFY pending 600')
    expect(state).toEqual({ ...pending, sent: true, until: NOW + 600_000, notBefore: NOW + 5000 })
  })

  test('authorized already: active at once', () => {
    expect(run(INIT, { kind: 'subscribe', expires: 600, status: 'active' })[1]).toBe(
      '200 600; NOTIFY active 600',
    )
  })

  test('§4.4.3: Expires 0 is a fetch, whose NOTIFY is the last', () => {
    expect(run(INIT, { kind: 'subscribe', expires: 0, status: 'active' })).toEqual([
      last,
      '200 0; NOTIFY timeout; ended(fetched)',
    ])
  })
})

describe('authorization', () => {
  test('granted while the pending NOTIFY is under way: active follows it at once', () => {
    const [state, none] = run({ ...pending, sent: true, notBefore: NOW + 5000 }, { kind: 'granted' })
    expect(none).toBe('')
    expect(run(state, response(200))[1]).toBe('NOTIFY active 3600')
  })

  test('25. refusal-gives-terminated-rejected', () => {
    expect(run(pending, { kind: 'end', reason: 'rejected' })).toEqual([
      last,
      'NOTIFY rejected; ended(by-owner rejected)',
    ])
  })

  test('the owner may say when to come back', () => {
    expect(run(active, { kind: 'end', reason: 'probation', retryAfter: 60 })[1]).toBe(
      'NOTIFY probation 60; ended(by-owner probation)',
    )
  })

  test('pending does not last for ever', () => {
    const state: Live = { ...pending, until: NOW + 999_999_999_000 }
    expect(machine.alarmAt(state)).toBe(pending.giveUpAt)
    expect(run(state, alarm, pending.giveUpAt)).toEqual([last, 'NOTIFY giveup 86400; ended(gave-up)'])
    // Refreshes do not put it off.
    expect(run(state, refresh(3600))[0]).toMatchObject({ giveUpAt: pending.giveUpAt })
    expect(run(state, { kind: 'granted' })[0]).toMatchObject({ giveUpAt: undefined })
  })
})

describe('34. at-most-one-presence-notify-per-five-seconds', () => {
  test('a change within five seconds of the last NOTIFY waits for their end', () => {
    const [state, none] = run(throttled, changed, NOW + 1000)
    expect([none, machine.alarmAt(state)]).toEqual(['', NOW + 5000])
    expect(run(state, alarm, NOW + 4999)[1]).toBe('')
    const [after, effects] = run(state, alarm, NOW + 5000)
    expect([effects, after]).toEqual(['NOTIFY active 3595', { ...sent, notBefore: NOW + 10_000 }])
  })

  test('many changes are one NOTIFY', () => {
    let state: NotifierState = throttled
    for (let i = 0; i < 20; i++) {
      const [next, effects] = run(state, changed, NOW + i)
      expect(effects).toBe('')
      state = next
    }
    const [after] = run(state, alarm, NOW + 5000)
    expect(machine.alarmAt(after)).toBe(active.until)
  })

  test('one under way at a time: the next waits for its response, and for its five seconds', () => {
    const [state] = run(sent, changed, NOW + 6000)
    expect(machine.alarmAt(state)).toBe(active.until)
    expect(run(state, response(200), NOW + 7000)[1]).toBe('NOTIFY active 3593')
    const [early, none] = run(state, response(200), NOW + 100)
    expect([none, machine.alarmAt(early)]).toEqual(['', NOW + 5000])
  })

  test('a NOTIFY without a state told none: the first one does not wait', () => {
    const [state] = run(sent, { kind: 'empty' }, NOW + 1)
    const [answered] = run(state, response(200), NOW + 2)
    expect(run(answered, changed, NOW + 200)[1]).toBe('NOTIFY active 3599')
  })

  test('§4.2.1.2: a refresh has its NOTIFY at once all the same', () => {
    expect(run(throttled, refresh(1800), NOW + 1)[1]).toBe('200 1800; NOTIFY active 1800')
    const [behind] = run(sent, refresh(1800), NOW + 1)
    expect(run(behind, response(200), NOW + 2)[1]).toBe('NOTIFY active 1799')
  })
})

describe('how it ends', () => {
  test('§4.2.1.4: not refreshed', () => {
    expect(machine.alarmAt(active)).toBe(active.until)
    expect(run(active, alarm, active.until - 1)[1]).toBe('')
    expect(run(active, alarm, active.until)).toEqual([last, 'NOTIFY timeout; ended(expired)'])
  })

  test('§4.2.2: expires never promises more than there is', () => {
    expect(run(active, changed, NOW + 1500)[1]).toBe('NOTIFY active 3598')
    expect(run({ ...active, until: NOW + 10 }, changed)[1]).toBe('NOTIFY active 0')
  })

  test('the last NOTIFY waits for the one before it', () => {
    const [state] = run(sent, { kind: 'end', reason: 'deactivated' })
    expect(run(state, response(200))).toEqual([last, 'NOTIFY deactivated'])
    expect(run(last, response(200))).toEqual([ended, ''])
  })

  test('§4.2.2: these answers to a NOTIFY remove it', () => {
    for (const status of [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])
      expect(run(sent, response(status))).toEqual([ended, `ended(refused ${status})`])
  })

  test('§4.2.2: Timer F removes it; RFC 5057 §5.1: 408 is no better', () => {
    expect(run(sent, timeout)).toEqual([ended, 'ended(no-answer)'])
    expect(run(sent, response(408))).toEqual([ended, 'ended(no-answer)'])
  })
})

describe('a NOTIFY that failed for a while', () => {
  test('503 with Retry-After: the state is told then', () => {
    const [state, none] = run(sent, response(503, 60))
    expect([none, machine.alarmAt(state)]).toEqual(['', NOW + 60_000])
    expect(run(state, changed, NOW + 30_000)[1]).toBe('')
    expect(run(state, alarm, NOW + 60_000)[1]).toBe('NOTIFY active 3540')
  })

  test('whoever wants to hear nothing for ever hears it after an hour', () => {
    expect(machine.alarmAt(run(sent, response(503, 2 ** 32 - 1))[0])).toBeLessThanOrEqual(NOW + 3_600_000)
  })

  test('without one, or where it did not get there: longer each time, and forgotten with a 200', () => {
    let state: NotifierState = sent
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      const [held] = run(state, i % 2 === 0 ? broken : response(500))
      waits.push((machine.alarmAt(held) - NOW) / 1000)
      state = { ...(held as Live), sent: true, notBefore: NOW }
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600])
    expect(run(state, response(200))[0]).toMatchObject({ failures: 0 })
  })

  test('a complaint about one NOTIFY does not repeat it', () => {
    for (const status of [302, 400, 401, 403, 407, 413, 415, 423, 488]) {
      const [state, none] = run(sent, response(status))
      expect([none, state]).toEqual(['', { ...sent, sent: false }])
    }
  })

  test('a refresh shows that the watcher is there', () => {
    const [state] = run(sent, broken)
    expect(run(state, refresh(3600), NOW + 10)[1]).toBe('200 3600; NOTIFY active 3600')
  })
})
