import { describe, expect, test } from 'vitest'
import {
  type ClientEvent,
  type ClientState,
  nonInviteClient,
} from '../../../src/sip/transaction/non-invite-client.ts'
import {
  nonInviteServer,
  type ServerEvent,
  type ServerState,
} from '../../../src/sip/transaction/non-invite-server.ts'
import { DEFAULT_TIMERS, provisionalTime } from '../../../src/sip/transaction/timers.ts'

const shown = (
  effects: readonly { kind: string; timer?: string; after?: number; reason?: string }[],
): string =>
  effects
    .map((e) =>
      e.timer !== undefined
        ? `${e.timer}=${e.after}`
        : e.reason !== undefined
          ? `${e.kind}:${e.reason}`
          : e.kind,
    )
    .join(' ')

describe('client, figure 6', () => {
  const trying: ClientState = { kind: 'trying', interval: 500 }
  const late: ClientState = { kind: 'trying', interval: 4000 }
  const proceeding: ClientState = { kind: 'proceeding' }
  const completed: ClientState = { kind: 'completed' }
  const terminated: ClientState = { kind: 'terminated' }

  test.for<[name: string, reliable: boolean, ClientState, ClientEvent, next: string, effects: string]>([
    ['UDP', false, trying, 'provisional', 'proceeding', 'deliver'],
    ['UDP', false, trying, 'final', 'completed', 'cancel-timers deliver timer-k=5000'],
    ['UDP', false, trying, 'timer-e', 'trying', 'send timer-e=1000'],
    ['UDP, at T2', false, late, 'timer-e', 'trying', 'send timer-e=4000'],
    ['UDP', false, trying, 'timer-f', 'terminated', 'cancel-timers fail:timeout'],
    ['UDP', false, trying, 'timer-k', 'trying', ''],
    ['UDP', false, trying, 'transport-error', 'terminated', 'cancel-timers fail:transport-failure'],
    ['UDP', false, proceeding, 'provisional', 'proceeding', 'deliver'],
    ['UDP', false, proceeding, 'final', 'completed', 'cancel-timers deliver timer-k=5000'],
    ['UDP', false, proceeding, 'timer-e', 'proceeding', 'send timer-e=4000'],
    ['UDP', false, proceeding, 'timer-f', 'terminated', 'cancel-timers fail:timeout'],
    ['UDP', false, proceeding, 'timer-k', 'proceeding', ''],
    ['UDP', false, proceeding, 'transport-error', 'terminated', 'cancel-timers fail:transport-failure'],
    ...(['provisional', 'final', 'timer-e', 'timer-f', 'transport-error'] as const).map(
      (event) =>
        ['UDP', false, completed, event, 'completed', ''] as [
          string,
          boolean,
          ClientState,
          ClientEvent,
          string,
          string,
        ],
    ),
    ['UDP', false, completed, 'timer-k', 'terminated', ''],
    ...(['provisional', 'final', 'timer-e', 'timer-f', 'timer-k', 'transport-error'] as const).map(
      (event) =>
        ['UDP', false, terminated, event, 'terminated', ''] as [
          string,
          boolean,
          ClientState,
          ClientEvent,
          string,
          string,
        ],
    ),
    ['TCP', true, trying, 'provisional', 'proceeding', 'deliver'],
    ['TCP', true, trying, 'final', 'terminated', 'cancel-timers deliver'],
    ['TCP', true, trying, 'timer-e', 'trying', ''],
    ['TCP', true, trying, 'timer-f', 'terminated', 'cancel-timers fail:timeout'],
    ['TCP', true, proceeding, 'final', 'terminated', 'cancel-timers deliver'],
    ['TCP', true, proceeding, 'timer-e', 'proceeding', ''],
    ['TCP', true, proceeding, 'transport-error', 'terminated', 'cancel-timers fail:transport-failure'],
  ])('%s %#: %o in %o', ([, reliable, state, event, next, effects]) => {
    const [to, done] = nonInviteClient(DEFAULT_TIMERS, reliable).step(state, event)
    expect(to.kind).toBe(next)
    expect(shown(done)).toBe(effects)
  })

  test('starts by sending; Timer E only over UDP', () => {
    expect(shown(nonInviteClient(DEFAULT_TIMERS, false).start[1])).toBe('send timer-e=500 timer-f=32000')
    expect(shown(nonInviteClient(DEFAULT_TIMERS, true).start[1])).toBe('send timer-f=32000')
  })
})

describe('server, figure 8', () => {
  const rows: Record<ServerState, Record<ServerEvent, [next: ServerState, effects: string]>> = {
    trying: {
      request: ['trying', ''],
      respond: ['completed', 'cancel-timers send-final timer-j=32000'],
      'timer-100': ['proceeding', 'send-provisional timer-silent=28500'],
      'timer-silent': ['terminated', 'cancel-timers give-up'],
      'timer-j': ['trying', ''],
      'transport-error': ['trying', ''],
    },
    proceeding: {
      request: ['proceeding', 'send-provisional'],
      respond: ['completed', 'cancel-timers send-final timer-j=32000'],
      'timer-100': ['proceeding', ''],
      'timer-silent': ['terminated', 'cancel-timers give-up'],
      'timer-j': ['proceeding', ''],
      'transport-error': ['proceeding', 'inform'],
    },
    completed: {
      request: ['completed', 'send-final'],
      respond: ['completed', 'discard'],
      'timer-100': ['completed', ''],
      'timer-silent': ['completed', ''],
      'timer-j': ['terminated', ''],
      'transport-error': ['completed', 'inform'],
    },
    terminated: {
      request: ['terminated', ''],
      respond: ['terminated', 'discard'],
      'timer-100': ['terminated', ''],
      'timer-silent': ['terminated', ''],
      'timer-j': ['terminated', ''],
      'transport-error': ['terminated', 'inform'],
    },
  }
  for (const [state, events] of Object.entries(rows)) {
    for (const [event, [next, effects]] of Object.entries(events)) {
      test(`${state}: ${event}`, () => {
        const machine = nonInviteServer(DEFAULT_TIMERS, false)
        const [to, done] = machine.step(state as ServerState, event as ServerEvent)
        expect([to, shown(done)]).toEqual([next, effects])
      })
    }
  }

  test('over TCP Timer J is 0', () => {
    const [next, effects] = nonInviteServer(DEFAULT_TIMERS, true).step('trying', 'respond')
    expect([next, shown(effects)]).toEqual(['terminated', 'cancel-timers send-final'])
  })

  test('RFC 4320 §4.1: the time a client takes to reach T2', () => {
    expect(provisionalTime(DEFAULT_TIMERS)).toBe(3500)
    expect(provisionalTime({ t1: 1000, t2: 4000, t4: 5000 })).toBe(3000)
    expect(provisionalTime({ t1: 500, t2: 3000, t4: 5000 })).toBe(3500)
    expect(provisionalTime({ t1: 500, t2: 500, t4: 5000 })).toBe(0)
    expect(shown(nonInviteServer(DEFAULT_TIMERS, false).start[1])).toBe('timer-100=3500')
  })
})
