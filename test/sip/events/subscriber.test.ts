import { describe, expect, test } from 'vitest'
import { IDLE, subscriberMachine } from '../../../src/sip/events/subscriber.ts'
import type {
  SubscriberEffect,
  SubscriberEvent,
  SubscriberState,
} from '../../../src/sip/events/subscriber-state.ts'

const machine = subscriberMachine()
const NOW = 1_000_000
const at = { now: NOW, fraction: 0 }
const never = Number.POSITIVE_INFINITY

/** `2xx`, `refresh 3600`, `ended refused 403 lost never`: an effect in a few words. */
function shown(effect: SubscriberEffect): string {
  switch (effect.kind) {
    case 'subscribe':
      return `SUBSCRIBE ${effect.within ? 'within' : 'anew'} ${effect.expires}`
    case 'answer':
      return String(effect.status)
    case 'report': {
      if (effect.report.kind !== 'ended') return effect.report.kind
      const { cause, authorization, retry } = effect.report.end
      const { kind, ...rest } = cause
      const what = [kind, ...Object.values(rest)].join(' ')
      return `ended(${what}, ${authorization}, ${retry.kind}${retry.kind === 'after' ? ` ${retry.seconds}` : ''})`
    }
  }
}

const run = (state: SubscriberState, event: SubscriberEvent, moment = at): [SubscriberState, string] => {
  const [next, effects] = machine.step(state, event, moment)
  return [next, effects.map(shown).join('; ')]
}

const waiting: SubscriberState = {
  kind: 'waiting',
  asked: 3600,
  timerN: NOW + 10_000,
  until: undefined,
  left: false,
  raised: false,
}
const confirmed: SubscriberState = { ...waiting, until: NOW + 1_800_000 }
const fetching: SubscriberState = { ...waiting, asked: 0 }
const active: SubscriberState = {
  kind: 'established',
  status: 'active',
  asked: 3600,
  until: NOW + 3_600_000,
  refreshAt: NOW + 2_700_000,
}
const pending: SubscriberState = { ...active, status: 'pending' }
const refreshing: SubscriberState = {
  kind: 'refreshing',
  status: 'active',
  asked: 3600,
  until: NOW + 600_000,
  timerN: NOW + 32_000,
  answered: false,
  notified: undefined,
  first: false,
  left: false,
  raised: false,
}
const answered: SubscriberState = { ...refreshing, answered: true, until: NOW + 3_600_000 }
const notified: SubscriberState = { ...refreshing, notified: NOW + 3_600_000 }
const early: SubscriberState = { ...notified, first: true, until: NOW + 3_600_000 }
const ending: SubscriberState = { kind: 'ending', timerN: NOW + 32_000 }
const ended: SubscriberState = { kind: 'ended' }

const response = (status: number, rest: object = {}): SubscriberEvent => ({
  kind: 'response',
  status,
  ...rest,
})
const notify = (
  state: 'pending' | 'active' | 'terminated' | undefined,
  rest: object = {},
): SubscriberEvent => ({
  kind: 'notify',
  dialog: 'own',
  state,
  body: false,
  ...rest,
})
const timeout: SubscriberEvent = { kind: 'no-response', reason: 'timeout' }
const broken: SubscriberEvent = { kind: 'no-response', reason: 'transport-failure' }

/** Every event in every state: what comes next, and what is done. */
const EVENTS: Record<string, SubscriberEvent> = {
  subscribe: { kind: 'subscribe', expires: 3600 },
  fetch: { kind: 'fetch' },
  leave: { kind: 'leave' },
  200: response(200),
  481: response(481),
  403: response(403),
  503: response(503),
  timeout,
  broken,
  pending: notify('pending', { expires: 3600 }),
  active: notify('active', { expires: 3600, body: true }),
  terminated: notify('terminated', { reason: 'rejected' }),
  fork: notify('active', { dialog: 'fork' }),
  alarm: { kind: 'alarm' },
}
const lost = (what: string) => `ended(${what}, kept, after 300)`
const ROWS: Record<string, [SubscriberState, Record<string, [next: string, effects: string]>]> = {
  idle: [
    IDLE,
    {
      subscribe: ['waiting', 'SUBSCRIBE anew 3600'],
      fetch: ['waiting', 'SUBSCRIBE anew 0'],
      leave: ['ended', 'ended(left, kept, never)'],
      200: ['idle', ''],
      481: ['idle', ''],
      403: ['idle', ''],
      503: ['idle', ''],
      timeout: ['idle', ''],
      broken: ['idle', ''],
      pending: ['idle', '481'],
      active: ['idle', '481'],
      terminated: ['idle', '481'],
      fork: ['idle', '481'],
      alarm: ['idle', ''],
    },
  ],
  waiting: [
    waiting,
    {
      subscribe: ['waiting', ''],
      fetch: ['waiting', ''],
      leave: ['waiting', ''],
      200: ['waiting', ''],
      481: ['ended', lost('refused 481')],
      403: ['ended', 'ended(refused 403, lost, never)'],
      503: ['ended', lost('refused 503')],
      timeout: ['ended', lost('no-answer timeout')],
      broken: ['ended', lost('no-answer transport-failure')],
      pending: ['refreshing', '200; pending'],
      active: ['refreshing', '200; active; body'],
      terminated: ['ended', '200; ended(terminated rejected, lost, never)'],
      fork: ['waiting', '481'],
      alarm: ['waiting', ''],
    },
  ],
  established: [
    active,
    {
      subscribe: ['established', ''],
      fetch: ['refreshing', 'SUBSCRIBE within 3600'],
      leave: ['ending', 'SUBSCRIBE within 0'],
      200: ['established', ''],
      481: ['established', ''],
      403: ['established', ''],
      503: ['established', ''],
      timeout: ['established', ''],
      broken: ['established', ''],
      pending: ['established', '200; pending'],
      active: ['established', '200; body'],
      terminated: ['ended', '200; ended(terminated rejected, lost, never)'],
      fork: ['established', '481'],
      alarm: ['established', ''],
    },
  ],
  refreshing: [
    refreshing,
    {
      subscribe: ['refreshing', ''],
      fetch: ['refreshing', ''],
      leave: ['refreshing', ''],
      200: ['refreshing', ''],
      481: ['ended', 'ended(refused 481, kept, now)'],
      403: ['ended', 'ended(refused 403, lost, never)'],
      503: ['established', ''],
      timeout: ['ended', lost('no-answer timeout')],
      broken: ['established', ''],
      pending: ['refreshing', '200; pending'],
      active: ['refreshing', '200; body'],
      terminated: ['ended', '200; ended(terminated rejected, lost, never)'],
      fork: ['refreshing', '481'],
      alarm: ['refreshing', ''],
    },
  ],
  'refreshing, 2xx is here': [
    answered,
    {
      subscribe: ['refreshing', ''],
      fetch: ['refreshing', ''],
      leave: ['ending', 'SUBSCRIBE within 0'],
      pending: ['established', '200; pending'],
      active: ['established', '200; body'],
      terminated: ['ended', '200; ended(terminated rejected, lost, never)'],
      fork: ['refreshing', '481'],
      alarm: ['refreshing', ''],
    },
  ],
  'refreshing, NOTIFY is here': [
    notified,
    {
      subscribe: ['refreshing', ''],
      fetch: ['refreshing', ''],
      leave: ['refreshing', ''],
      200: ['established', ''],
      481: ['ended', 'ended(refused 481, kept, now)'],
      403: ['ended', 'ended(refused 403, lost, never)'],
      503: ['established', ''],
      timeout: ['established', ''],
      broken: ['established', ''],
      pending: ['refreshing', '200; pending'],
      active: ['refreshing', '200; body'],
      terminated: ['ended', '200; ended(terminated rejected, lost, never)'],
      fork: ['refreshing', '481'],
      alarm: ['refreshing', ''],
    },
  ],
  ending: [
    ending,
    {
      subscribe: ['ending', ''],
      fetch: ['ending', ''],
      leave: ['ending', ''],
      200: ['ending', 'left'],
      481: ['ended', 'ended(left, kept, never)'],
      403: ['ended', 'ended(left, kept, never)'],
      503: ['ended', 'ended(left, kept, never)'],
      timeout: ['ended', 'ended(left, kept, never)'],
      broken: ['ended', 'ended(left, kept, never)'],
      pending: ['ending', '200'],
      active: ['ending', '200'],
      terminated: ['ended', '200; ended(left, kept, never)'],
      fork: ['ending', '481'],
      alarm: ['ending', ''],
    },
  ],
  ended: [
    ended,
    {
      ...Object.fromEntries(
        Object.entries(EVENTS).map(([name, { kind }]) => [name, ['ended', kind === 'notify' ? '481' : '']]),
      ),
    },
  ],
}

for (const [name, [state, events]] of Object.entries(ROWS)) {
  describe(name, () => {
    test.for(Object.entries(events))('%s', ([event, [next, effects]]) => {
      const [to, done] = run(state, EVENTS[event] as SubscriberEvent)
      expect([to.kind, done]).toEqual([next, effects])
    })
  })
}

test('the tables have every event, but responses where one is here already', () => {
  const missing = Object.entries(ROWS).flatMap(([name, [, events]]) =>
    Object.keys(EVENTS)
      .filter((event) => events[event] === undefined)
      .map((event) => `${name}: ${event}`),
  )
  expect(missing).toEqual(
    ['200', '403', '481', '503', 'timeout', 'broken'].map((e) => `refreshing, 2xx is here: ${e}`),
  )
})

describe('how it begins', () => {
  test('§8.3.1: 202 is as good as 200, then NOTIFY pending, then active', () => {
    const [answeredFirst] = run(waiting, response(202, { expires: 1800 }))
    expect(answeredFirst).toEqual(confirmed)
    const [second, effects] = run(answeredFirst, notify('pending', { expires: 1800 }))
    expect([second, effects]).toEqual([
      {
        kind: 'established',
        status: 'pending',
        asked: 3600,
        until: NOW + 1_800_000,
        refreshAt: NOW + 1_350_000,
      },
      '200; pending',
    ])
    expect(run(second, notify('active', { expires: 1800, body: true }))[1]).toBe('200; active; body')
  })

  test('§4.1.2.4: NOTIFY before the 200, which then only says how long', () => {
    const [first] = run(waiting, notify('active', { expires: 3600 }))
    expect(first).toEqual({ ...early, status: 'active', notified: NOW + 3_600_000, timerN: waiting.timerN })
    const [second, effects] = run(first, response(200, { expires: 600 }))
    expect([second, effects]).toEqual([{ ...active, until: NOW + 600_000, refreshAt: NOW + 450_000 }, ''])
  })

  test('a NOTIFY that came first counts more than whatever failure follows', () => {
    for (const event of [response(503), response(404), response(401), timeout, broken])
      expect(run(early, event)).toEqual([active, ''])
  })

  test('§4.1.2.4: without a NOTIFY Timer N ends it, even after the 200', () => {
    for (const state of [waiting, confirmed]) {
      expect(machine.alarmAt(state)).toBe(NOW + 10_000)
      expect(run(state, { kind: 'alarm' }, { now: NOW + 10_000, fraction: 0 })).toEqual([
        ended,
        lost('no-notify'),
      ])
    }
  })

  test('423: once more with Min-Expires, and not a second time', () => {
    const [again, effects] = run(waiting, response(423, { minExpires: 7200 }))
    expect([again, effects]).toEqual([
      { ...waiting, asked: 7200, raised: true, timerN: NOW + 32_000 },
      'SUBSCRIBE anew 7200',
    ])
    expect(run(again, response(423, { minExpires: 9000 }))[1]).toBe('ended(refused 423, kept, never)')
  })

  test.for([
    ['smaller than what was asked for', 60],
    ['larger than anybody would follow', 86_401],
    ['missing', undefined],
  ] as const)('423 whose Min-Expires is %s ends it', ([, minExpires]) => {
    expect(run(waiting, response(423, { minExpires }))[1]).toBe('ended(refused 423, kept, never)')
  })

  test.for([
    [403, 'lost, never'],
    [489, 'lost, never'],
    [603, 'lost, never'],
    [401, 'kept, after 300'],
    [407, 'kept, after 300'],
    [404, 'kept, never'],
    [406, 'kept, never'],
    [604, 'kept, never'],
    [501, 'kept, never'],
    [302, 'kept, after 300'],
    [408, 'kept, after 300'],
    [480, 'kept, after 300'],
    [481, 'kept, after 300'],
    [500, 'kept, after 300'],
    [504, 'kept, after 300'],
    [600, 'kept, after 300'],
  ] as const)('%d as the first response', ([status, what]) => {
    expect(run(waiting, response(status))).toEqual([ended, `ended(refused ${status}, ${what})`])
  })

  test('Retry-After says when', () => {
    expect(run(waiting, response(503, { retryAfter: 7 }))[1]).toBe('ended(refused 503, kept, after 7)')
    expect(run(waiting, response(404, { retryAfter: 7 }))[1]).toBe('ended(refused 404, kept, after 7)')
  })

  test('§4.2.2: shortened to nothing at once is not asked for again at once', () => {
    expect(run(waiting, notify('terminated', { reason: 'timeout', body: true }))[1]).toBe(
      '200; body; ended(terminated timeout, kept, after 30)',
    )
    expect(run(confirmed, notify('terminated', { reason: 'deactivated' }))[1]).toBe(
      '200; ended(terminated deactivated, kept, after 30)',
    )
  })

  test('whoever leaves first sends Expires 0 as soon as there is a dialog and no SUBSCRIBE is open', () => {
    const [left, none] = run(waiting, { kind: 'leave' })
    expect([left, none]).toEqual([{ ...waiting, left: true }, ''])
    const [open, taken] = run(left, notify('active', { body: true }))
    expect([open.kind, taken]).toEqual(['refreshing', '200'])
    expect(run(open, response(200))).toEqual([ending, 'SUBSCRIBE within 0'])
    expect(run(open, response(503))).toEqual([ending, 'SUBSCRIBE within 0'])
    expect(run(open, timeout)).toEqual([ending, 'SUBSCRIBE within 0'])
    const [taken200] = run(left, response(200))
    expect(run(taken200, notify('pending'))).toEqual([ending, '200; SUBSCRIBE within 0'])
    for (const event of [response(403), response(423, { minExpires: 7200 }), timeout])
      expect(run(left, event)).toEqual([ended, 'ended(left, kept, never)'])
    expect(run(left, notify('terminated', { reason: 'rejected', body: true }))).toEqual([
      ended,
      '200; ended(left, kept, never)',
    ])
  })
})

describe('a fetch (§4.4.3)', () => {
  test('the NOTIFY is the answer, whatever its state', () => {
    const ends = '200; body; ended(fetched, kept, never)'
    expect(run(fetching, notify('terminated', { reason: 'timeout', body: true }))).toEqual([ended, ends])
    expect(run(fetching, notify('active', { body: true }))).toEqual([ended, ends])
    expect(run(fetching, notify('pending'))).toEqual([ended, '200; ended(fetched, kept, never)'])
    expect(run(fetching, notify('terminated', { reason: 'rejected' }))[1]).toBe(
      '200; ended(terminated rejected, lost, never)',
    )
  })

  test('without one, or refused, it failed', () => {
    expect(run(fetching, { kind: 'alarm' }, { now: NOW + 10_000, fraction: 0 })[1]).toBe(lost('no-notify'))
    expect(run(fetching, response(404))[1]).toBe('ended(refused 404, kept, never)')
    expect(run(fetching, response(423, { minExpires: 60 }))[1]).toBe('ended(refused 423, kept, never)')
  })
})

describe('refresh', () => {
  test.for([
    [0, 0.75],
    [0.5, 0.825],
    [0.999, 0.89985],
  ])('early, spread by chance: %d', ([fraction = 0, share = 0]) => {
    const [state] = machine.step(confirmed, notify('active'), { now: NOW, fraction })
    expect(machine.alarmAt(state)).toBeCloseTo(NOW + 1_800_000 * share, 3)
  })

  test('never sooner than half a minute, even if it is lost by that', () => {
    const [brief] = run({ ...confirmed, until: NOW + 35_000 }, notify('active'))
    expect(machine.alarmAt(brief)).toBe(NOW + 30_000)
    const [lostSoon] = run({ ...confirmed, until: NOW + 20_000 }, notify('active'))
    expect(lostSoon).toMatchObject({ until: NOW + 20_000, refreshAt: undefined })
    expect(run(lostSoon, { kind: 'alarm' }, { now: NOW + 20_000, fraction: 0 })).toEqual([
      ended,
      lost('expired'),
    ])
  })

  test('at its time, with a Timer N of its own', () => {
    const later = { now: NOW + 2_700_000, fraction: 0 }
    const [state, effects] = run(active, { kind: 'alarm' }, later)
    expect(effects).toBe('SUBSCRIBE within 3600')
    expect(machine.alarmAt(state)).toBe(later.now + 32_000)
    expect(run(state, { kind: 'alarm' }, { now: later.now + 32_000, fraction: 0 })).toEqual([
      ended,
      lost('no-notify'),
    ])
  })

  test('200 and NOTIFY, in either order, make it whole again', () => {
    const whole = { ...active, until: NOW + 3_600_000 }
    const [one] = run(refreshing, response(200, { expires: 3600 }))
    expect(run(one, notify('active', { expires: 3600 }))).toEqual([whole, '200'])
    const [two] = run(refreshing, notify('active', { expires: 3600 }))
    expect(machine.alarmAt(two)).toBe(never)
    expect(run(two, response(200))).toEqual([whole, ''])
  })

  test('RFC 5839: after 204 there will be no NOTIFY', () => {
    expect(run(refreshing, response(204))).toEqual([active, ''])
  })

  test('§4.1.2.2: these end the subscription, with a new Call-ID at once or later', () => {
    for (const status of [404, 410, 416, 481, 482, 483, 484, 485, 604])
      expect(run(refreshing, response(status))).toEqual([ended, `ended(refused ${status}, kept, now)`])
    for (const status of [405, 480, 501])
      expect(run(refreshing, response(status))).toEqual([ended, lost(`refused ${status}`)])
    expect(run(refreshing, response(480, { retryAfter: 9 }))[1]).toBe('ended(refused 480, kept, after 9)')
  })

  test('20. refresh-403-489-603-cancels-authorization', () => {
    for (const status of [403, 489, 603])
      expect(run(refreshing, response(status))).toEqual([ended, `ended(refused ${status}, lost, never)`])
  })

  test('21. refresh-423-481-keeps-authorization', () => {
    expect(run(refreshing, response(481))[1]).toBe('ended(refused 481, kept, now)')
    const [raised, effects] = run(refreshing, response(423, { minExpires: 7200 }))
    expect([raised, effects]).toEqual([{ ...refreshing, asked: 7200, raised: true }, 'SUBSCRIBE within 7200'])
    expect(run(raised, response(423, { minExpires: 9000 }))[0].kind).toBe('established')
  })

  test('§4.1.2.2: others leave it valid as long as it was; another try halfway, or when told', () => {
    for (const status of [400, 401, 407, 408, 423, 486, 500, 503, 600])
      expect(run(refreshing, response(status))).toEqual([
        { ...active, until: refreshing.until, refreshAt: NOW + 300_000 },
        '',
      ])
    const told = run(refreshing, response(503, { retryAfter: 60 }))[0]
    expect(machine.alarmAt(told)).toBe(NOW + 60_000)
    const tooLate = run(refreshing, response(503, { retryAfter: 6000 }))[0]
    expect(machine.alarmAt(tooLate)).toBe(refreshing.until)
  })

  test('left meanwhile: Expires 0 once the response is there', () => {
    const [left] = run(refreshing, { kind: 'leave' })
    expect(run(left, response(200))).toEqual([ending, 'SUBSCRIBE within 0'])
    expect(run(left, response(503))).toEqual([ending, 'SUBSCRIBE within 0'])
    expect(run(left, response(481))).toEqual([ended, 'ended(left, kept, never)'])
    expect(run(left, notify('active', { body: true }))[1]).toBe('200')
    expect(run(left, notify('terminated', { reason: 'rejected' }))[1]).toBe('200; ended(left, kept, never)')
    expect(run(left, { kind: 'alarm' }, { now: NOW + 32_000, fraction: 0 })[1]).toBe(
      'ended(left, kept, never)',
    )
  })
})

describe('NOTIFY', () => {
  test('18. pending-notify-is-answered, and said once', () => {
    expect(run(pending, notify('pending', { expires: 3600 }))).toEqual([pending, '200'])
  })

  test('RFC 3856 §6.6: what it says while nobody has decided is not the state', () => {
    expect(run(pending, notify('pending', { body: true }))[1]).toBe('200')
    expect(run(confirmed, notify('pending', { body: true }))[1]).toBe('200; pending')
    expect(run({ ...refreshing, status: 'pending' }, notify('pending', { body: true }))[1]).toBe('200')
    expect(run(fetching, notify('pending', { body: true }))[1]).toBe('200; ended(fetched, kept, never)')
    expect(run(pending, notify('terminated', { reason: 'rejected', body: true }))[1]).toBe(
      '200; ended(terminated rejected, lost, never)',
    )
    expect(run(pending, notify('active', { body: true }))[1]).toBe('200; active; body')
  })

  test('RFC 8048 §5.2.1: whether the first active one has a body is told', () => {
    const reports = (body: boolean) =>
      machine
        .step(pending, notify('active', { body }), at)[1]
        .flatMap((effect) => (effect.kind === 'report' ? [effect.report] : []))
    expect(reports(false)).toEqual([{ kind: 'active', body: false }])
    expect(reports(true)).toEqual([{ kind: 'active', body: true }, { kind: 'body' }])
  })

  test('what the notifier says of a new attempt is told as its word', () => {
    const notBefore = (state: SubscriberState, event: SubscriberEvent): unknown => {
      const last = machine.step(state, event, at)[1].at(-1)
      return last?.kind === 'report' && last.report.kind === 'ended' ? last.report.end.notBefore : 'no end'
    }
    expect(notBefore(active, notify('terminated', { reason: 'probation', retryAfter: 60 }))).toBe(60)
    expect(notBefore(active, notify('terminated', { reason: 'probation' }))).toBeUndefined()
    expect(notBefore(active, notify('terminated', { reason: 'timeout', retryAfter: 60 }))).toBeUndefined()
    expect(notBefore(waiting, response(503, { retryAfter: 7 }))).toBe(7)
  })

  test('§4.1.3: expires is authoritative, and may only shorten', () => {
    const [state] = run(active, notify('active', { expires: 600 }))
    expect(state).toEqual({ ...active, until: NOW + 600_000, refreshAt: NOW + 450_000 })
    expect(run(active, notify('active', { expires: 99_999 }))[0]).toEqual(active)
    expect(run(active, notify('active'))[0]).toEqual(active)
    // Seconds are whole: 3599 of 3600 is no shortening.
    expect(run(active, notify('active', { expires: 3599 }))[0]).toEqual(active)
  })

  test('RFC 3856 §6.8: without a body the last state stays', () => {
    expect(run(active, notify('active', { expires: 3600 }))[1]).toBe('200')
  })

  test('a value of some extension changes nothing; as the first it is as good as pending', () => {
    expect(run(active, notify(undefined))).toEqual([active, '200'])
    expect(run(confirmed, notify(undefined))[1]).toBe('200; pending')
  })

  test('RFC 3856 §6.9: one dialog for each SUBSCRIBE, others get 481', () => {
    for (const state of [waiting, active, refreshing, ending, ended])
      expect(run(state, notify('active', { dialog: 'fork' }))).toEqual([state, '481'])
  })

  test.for([
    ['deactivated', 'kept, now'],
    ['probation', 'kept, after 300'],
    ['rejected', 'lost, never'],
    ['timeout', 'kept, now'],
    ['giveup', 'kept, after 300'],
    ['noresource', 'lost, never'],
    ['invariant', 'kept, never'],
    ['weather', 'kept, after 300'],
    [undefined, 'kept, after 300'],
  ] as const)('§4.1.3: terminated;reason=%s', ([reason, what]) => {
    const [next, effects] = run(active, notify('terminated', { reason, body: true }))
    expect([next, effects]).toEqual([ended, `200; body; ended(terminated ${reason ?? ''}, ${what})`])
  })

  test.for([
    ['deactivated', 'kept, now'],
    ['probation', 'kept, after 60'],
    ['rejected', 'lost, never'],
    ['timeout', 'kept, now'],
    ['giveup', 'kept, after 60'],
    ['noresource', 'lost, never'],
    ['invariant', 'kept, never'],
    [undefined, 'kept, after 60'],
  ] as const)('§4.1.3: terminated;reason=%s;retry-after=60', ([reason, what]) => {
    expect(run(active, notify('terminated', { reason, retryAfter: 60 }))[1]).toBe(
      `200; ended(terminated ${reason ?? ''}, ${what})`,
    )
  })
})

test('23. unsubscribe-sends-expires-zero-in-dialog-and-no-notify', () => {
  const [state, effects] = run(active, { kind: 'leave' })
  expect([state, effects]).toEqual([ending, 'SUBSCRIBE within 0'])
  expect(run(state, response(200))).toEqual([ending, 'left'])
  expect(run(state, notify('terminated', { reason: 'timeout', body: true }))).toEqual([
    ended,
    '200; ended(left, kept, never)',
  ])
  expect(run(state, { kind: 'alarm' }, { now: NOW + 32_000, fraction: 0 })).toEqual([
    ended,
    'ended(left, kept, never)',
  ])
})
