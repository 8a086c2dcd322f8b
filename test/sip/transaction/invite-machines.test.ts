import { describe, expect, test } from 'vitest'
import {
  type InviteClientEvent,
  type InviteClientState,
  inviteClient,
} from '../../../src/sip/transaction/invite-client.ts'
import {
  type InviteServerEvent,
  type InviteServerState,
  inviteServer,
} from '../../../src/sip/transaction/invite-server.ts'
import { DEFAULT_TIMERS } from '../../../src/sip/transaction/timers.ts'

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

/** What stays as it is may be left out of an event's cell: `''`. */
type Cell = [next: string, effects: string] | ''

describe('client, RFC 6026 figure 5', () => {
  type Kind = InviteClientState['kind']
  const states: Record<Kind, InviteClientState> = {
    calling: { kind: 'calling', interval: 500 },
    proceeding: { kind: 'proceeding' },
    completed: { kind: 'completed' },
    accepted: { kind: 'accepted' },
    terminated: { kind: 'terminated' },
  }
  const accepted: Cell = ['accepted', 'cancel-timers deliver timer-m=32000']
  const refused: Cell = ['completed', 'cancel-timers ack deliver timer-d=32000']
  const nothing: Record<InviteClientEvent, Cell> = {
    provisional: '',
    success: '',
    failure: '',
    'timer-a': '',
    'timer-b': '',
    'timer-d': '',
    'timer-m': '',
    'transport-error': '',
  }
  const udp: Record<Kind, Record<InviteClientEvent, Cell>> = {
    calling: {
      provisional: ['proceeding', 'cancel-timers deliver'],
      success: accepted,
      failure: refused,
      'timer-a': ['calling', 'send timer-a=1000'],
      'timer-b': ['terminated', 'cancel-timers fail:timeout'],
      'timer-d': '',
      'timer-m': '',
      'transport-error': ['terminated', 'cancel-timers fail:transport-failure'],
    },
    proceeding: { ...nothing, provisional: ['proceeding', 'deliver'], success: accepted, failure: refused },
    completed: {
      ...nothing,
      failure: ['completed', 'ack'],
      'timer-d': ['terminated', ''],
      'transport-error': ['terminated', ''],
    },
    accepted: { ...nothing, success: ['accepted', 'deliver'], 'timer-m': ['terminated', ''] },
    terminated: nothing,
  }
  const refusedTcp: Cell = ['terminated', 'cancel-timers ack deliver']
  const tcp: typeof udp = {
    ...udp,
    calling: { ...udp.calling, failure: refusedTcp, 'timer-a': '' },
    proceeding: { ...udp.proceeding, failure: refusedTcp },
  }

  for (const [name, reliable, rows] of [
    ['UDP', false, udp],
    ['TCP', true, tcp],
  ] as const) {
    for (const [kind, events] of Object.entries(rows)) {
      for (const [event, cell] of Object.entries(events)) {
        test(`${name}, ${kind}: ${event}`, () => {
          const state = states[kind as Kind]
          const [next, effects] = inviteClient(DEFAULT_TIMERS, reliable).step(
            state,
            event as InviteClientEvent,
          )
          expect([next.kind, shown(effects)]).toEqual(cell === '' ? [kind, ''] : cell)
          if (cell === '') expect(next).toEqual(state)
        })
      }
    }
  }

  test('starts Timer B, and Timer A only over UDP', () => {
    const [state, effects] = inviteClient(DEFAULT_TIMERS, false).start
    expect([state, shown(effects)]).toEqual([states.calling, 'timer-a=500 timer-b=32000'])
    expect(shown(inviteClient(DEFAULT_TIMERS, true).start[1])).toBe('timer-b=32000')
  })

  test('Timer A doubles without end, T2 does not hold it: seven requests until Timer B', () => {
    const machine = inviteClient(DEFAULT_TIMERS, false)
    let state = machine.start[0]
    let now = DEFAULT_TIMERS.t1
    const sentAt = [0]
    while (now < 32_000) {
      sentAt.push(now)
      const [next, effects] = machine.step(state, 'timer-a')
      const [, timer] = effects
      if (timer?.kind !== 'set') throw new Error('Timer A is not set again')
      now += timer.after
      state = next
    }
    expect(sentAt).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500])
  })

  test('Timer D is at least 32 s, however short T1 is, and grows with it', () => {
    const after = (t1: number): string =>
      shown(inviteClient({ ...DEFAULT_TIMERS, t1 }, false).step(states.proceeding, 'failure')[1])
    expect(after(10)).toContain('timer-d=32000')
    expect(after(1000)).toContain('timer-d=64000')
  })
})

describe('server, RFC 6026 figure 7', () => {
  type Kind = InviteServerState['kind']
  const states: Record<Kind, InviteServerState> = {
    proceeding: { kind: 'proceeding' },
    completed: { kind: 'completed', interval: 500 },
    accepted: { kind: 'accepted' },
    confirmed: { kind: 'confirmed' },
    terminated: { kind: 'terminated' },
  }
  const over: Record<InviteServerEvent, Cell> = {
    request: '',
    provisional: '',
    success: '',
    failure: '',
    ack: '',
    'timer-g': '',
    'timer-h': '',
    'timer-i': '',
    'timer-l': '',
    'transport-error': '',
  }
  const late = (kind: Kind): Pick<typeof over, 'provisional' | 'success' | 'failure'> => ({
    provisional: [kind, 'discard'],
    success: [kind, 'discard'],
    failure: [kind, 'discard'],
  })
  const udp: Record<Kind, Record<InviteServerEvent, Cell>> = {
    proceeding: {
      ...over,
      request: ['proceeding', 'send-again'],
      provisional: ['proceeding', 'send'],
      success: ['accepted', 'send timer-l=32000'],
      failure: ['completed', 'send timer-g=500 timer-h=32000'],
      'transport-error': ['proceeding', 'inform'],
    },
    completed: {
      ...over,
      ...late('completed'),
      request: ['completed', 'send-again'],
      ack: ['confirmed', 'cancel-timers timer-i=5000'],
      'timer-g': ['completed', 'send-again timer-g=1000'],
      'timer-h': ['terminated', 'cancel-timers inform'],
      'transport-error': ['completed', 'inform'],
    },
    accepted: {
      ...over,
      ...late('accepted'),
      success: ['accepted', 'send'],
      ack: ['accepted', 'pass-ack'],
      'timer-l': ['terminated', ''],
      'transport-error': ['accepted', 'inform'],
    },
    confirmed: { ...over, ...late('confirmed'), 'timer-i': ['terminated', ''] },
    terminated: { ...over, ...late('terminated') },
  }
  const tcp: typeof udp = {
    ...udp,
    proceeding: { ...udp.proceeding, failure: ['completed', 'send timer-h=32000'] },
    completed: { ...udp.completed, ack: ['terminated', 'cancel-timers'], 'timer-g': '' },
  }

  for (const [name, reliable, rows] of [
    ['UDP', false, udp],
    ['TCP', true, tcp],
  ] as const) {
    for (const [kind, events] of Object.entries(rows)) {
      for (const [event, cell] of Object.entries(events)) {
        test(`${name}, ${kind}: ${event}`, () => {
          const state = states[kind as Kind]
          const [next, effects] = inviteServer(DEFAULT_TIMERS, reliable).step(
            state,
            event as InviteServerEvent,
          )
          expect([next.kind, shown(effects)]).toEqual(cell === '' ? [kind, ''] : cell)
          if (cell === '') expect(next).toEqual(state)
        })
      }
    }
  }

  test('starts in Proceeding', () => {
    expect(inviteServer(DEFAULT_TIMERS, false).start).toEqual(states.proceeding)
  })

  test('Timer G doubles up to T2', () => {
    const machine = inviteServer(DEFAULT_TIMERS, false)
    let [state, effects] = machine.step(machine.start, 'failure')
    const seen = [shown(effects)]
    for (let i = 0; i < 5; i++) {
      ;[state, effects] = machine.step(state, 'timer-g')
      seen.push(shown(effects))
    }
    expect(seen).toEqual([
      'send timer-g=500 timer-h=32000',
      'send-again timer-g=1000',
      'send-again timer-g=2000',
      'send-again timer-g=4000',
      'send-again timer-g=4000',
      'send-again timer-g=4000',
    ])
  })
})
