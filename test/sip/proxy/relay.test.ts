import { describe, expect, test } from 'vitest'
import type {
  Endpoint,
  Hop,
  IncomingRequest,
  InviteHandlers,
  Outcome,
  RespondOptions,
  SendOptions,
} from '../../../src/sip/endpoint/endpoint.ts'
import type { HeaderField } from '../../../src/sip/headers.ts'
import type { SipRequest, SipResponse } from '../../../src/sip/message.ts'
import { Relays } from '../../../src/sip/proxy/relay.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { request, response, source } from './bed.ts'

const FIRST: Hop = { transport: 'udp', address: '192.0.2.1', port: 5060 }
const SECOND: Hop = { transport: 'udp', address: '192.0.2.2', port: 5060 }

interface Try {
  readonly hop: Hop
  readonly request: SipRequest
  readonly options: SendOptions | undefined
  end(outcome: Outcome): void
  readonly on: InviteHandlers
  readonly cancels: (readonly HeaderField[])[]
}

interface Answer extends RespondOptions {
  readonly status: number
}

/** A relay whose endpoint and both of its sides the test plays. */
function relaying(method: string, hops: readonly Hop[] = [FIRST], timerC?: number) {
  const time = fakeTime()
  const tries: Try[] = []
  const unused = (): never => {
    throw new Error('not asked')
  }
  const endpoint: Endpoint = {
    listeners: [],
    listenerFor: unused,
    send: (sent, hop, end, options) =>
      tries.push({
        hop,
        request: sent,
        options,
        end,
        on: { provisional: unused, success: unused, done: end },
        cancels: [],
      }),
    invite: (sent, hop, on, options) => {
      const cancels: (readonly HeaderField[])[] = []
      tries.push({ hop, request: sent, options, end: (outcome) => on.done(outcome), on, cancels })
      return { cancel: (fields = []) => cancels.push(fields) }
    },
    ack: unused,
    stats: unused,
    drain: unused,
    close: unused,
  }
  const answers: Answer[] = []
  const told: [Hop, Outcome][] = []
  const ends: Outcome[] = []
  let cancelled: ((cancel: SipRequest) => void) | undefined
  const original = request({ method })
  const incoming: IncomingRequest = {
    request: original,
    source: source(),
    respond: (status, options = {}) => answers.push({ status, ...options }),
    onCancel: (then) => {
      cancelled = then
    },
  }
  const relays = new Relays({
    endpoint: () => endpoint,
    timers: time.timers,
    ...(timerC === undefined ? {} : { timerC }),
  })
  relays.begin({
    incoming,
    request: original,
    loop: 'print',
    hops,
    fieldsOf: (from) => [...from.headers.fields().filter(([name]) => name === 'X-Passed'), ['X-Ours', '1']],
    tried: (hop, outcome) => told.push([hop, outcome]),
    ended: (outcome) => ends.push(outcome),
  })
  return {
    time,
    tries,
    answers,
    told,
    ends,
    statuses: () => answers.map(({ status }) => status),
    cancel: (lines: readonly string[] = []) => cancelled?.(request({ method: 'CANCEL', lines })),
    at: (index: number): Try => tries[index] as Try,
  }
}

const answered = (status: number, method = 'MESSAGE', lines: readonly string[] = []): Outcome => ({
  kind: 'response',
  response: response(status, lines, method),
})
const TIMEOUT: Outcome = { kind: 'timeout' }
const BROKEN: Outcome = { kind: 'transport-failure', reason: 'ECONNREFUSED' }

const of = (outcome: Outcome): SipResponse => {
  if (outcome.kind !== 'response') throw new Error(outcome.kind)
  return outcome.response
}

describe('a request other than INVITE', () => {
  test('goes to the first place, and its branch ends with the fingerprint', () => {
    const { tries } = relaying('MESSAGE', [FIRST, SECOND])
    expect(tries.map(({ hop }) => hop)).toEqual([FIRST])
    expect(tries[0]?.options).toEqual({ forwarded: { loop: 'print' } })
  })

  test.for([200, 202, 302, 404, 407, 486, 500, 603])('%i is passed back, and that is the end', (status) => {
    const { at, answers, ends, told, tries } = relaying('MESSAGE', [FIRST, SECOND])
    const outcome = answered(status, 'MESSAGE', ['X-Passed: yes', 'X-Kept-Back: no'])
    at(0).end(outcome)
    expect(answers).toEqual([
      {
        status,
        reason: 'Reason',
        headers: [
          ['X-Passed', 'yes'],
          ['X-Ours', '1'],
        ],
        to: '<sip:romeo@sip.example>;tag=t',
        body: undefined,
      },
    ])
    expect(ends).toEqual([outcome])
    expect(told).toEqual([[FIRST, outcome]])
    expect(tries).toHaveLength(1)
  })

  test('a body is passed back', () => {
    const { at, answers } = relaying('OPTIONS')
    const body = new TextEncoder().encode('v=0')
    at(0).end({ kind: 'response', response: { ...response(200), body } })
    expect(answers[0]?.body).toEqual(body)
  })

  test.for<[string, Outcome]>([
    ['503', answered(503)],
    ['a time-out', TIMEOUT],
    ['a transport failure', BROKEN],
  ])('RFC 3263 §4.3: after %s the next place is tried, and the sender hears nothing yet', ([, outcome]) => {
    const { at, tries, told, statuses, ends } = relaying('MESSAGE', [FIRST, SECOND])
    at(0).end(outcome)
    expect(tries.map(({ hop }) => hop)).toEqual([FIRST, SECOND])
    expect(told).toEqual([[FIRST, outcome]])
    expect(statuses()).toEqual([])
    expect(ends).toEqual([])
    at(1).end(answered(200))
    expect(statuses()).toEqual([200])
    expect(told.map(([hop]) => hop)).toEqual([FIRST, SECOND])
    expect(ends).toHaveLength(1)
  })

  test('§16.7 (6): the last 503 becomes a 500, in our words', () => {
    const { at, answers, ends } = relaying('MESSAGE')
    at(0).end(answered(503))
    expect(answers).toMatchObject([{ status: 500, reason: undefined }])
    expect(ends.map((end) => of(end).status)).toEqual([503])
  })

  test.for<[string, Outcome]>([
    ['a time-out', TIMEOUT],
    ['a transport failure', BROKEN],
  ])('%s at the last place is for the caller to answer', ([, outcome]) => {
    const { at, statuses, ends } = relaying('MESSAGE', [FIRST, SECOND])
    at(0).end(TIMEOUT)
    at(1).end(outcome)
    expect(statuses()).toEqual([])
    expect(ends).toEqual([outcome])
  })
})

describe('an INVITE', () => {
  const inviting = (hops?: readonly Hop[], timerC?: number) => relaying('INVITE', hops, timerC)
  const ringing = (status = 180) => response(status, [], 'INVITE')

  test('its provisional responses are passed back as they come', () => {
    const { at, statuses, ends } = inviting()
    at(0).on.provisional(ringing(180))
    at(0).on.provisional(ringing(183))
    expect(statuses()).toEqual([180, 183])
    expect(ends).toEqual([])
  })

  test('§16.7 (5): every 2xx is passed back at once, those of a fork and those sent again; it ends with the first', () => {
    const { at, answers, ends, told } = inviting()
    const [one, two] = ['a', 'b'].map((tag) => response(200, [`X-Passed: ${tag}`], 'INVITE')) as [
      SipResponse,
      SipResponse,
    ]
    for (const each of [one, two, one]) at(0).on.success(each)
    expect(answers.map(({ status, headers }) => [status, headers?.[0]?.[1]])).toEqual([
      [200, 'a'],
      [200, 'b'],
      [200, 'a'],
    ])
    expect(ends).toEqual([{ kind: 'response', response: one }])
    expect(told).toHaveLength(1)
  })

  test('a refusal is passed back, and that is the end', () => {
    const { at, statuses, ends, tries } = inviting([FIRST, SECOND])
    at(0).end(answered(486, 'INVITE'))
    expect(statuses()).toEqual([486])
    expect(ends).toHaveLength(1)
    expect(tries).toHaveLength(1)
  })

  test('without a word from the first place the second is tried', () => {
    const { at, tries, told } = inviting([FIRST, SECOND])
    at(0).end(TIMEOUT)
    expect(tries.map(({ hop }) => hop)).toEqual([FIRST, SECOND])
    expect(told).toEqual([[FIRST, TIMEOUT]])
  })

  test('once a place has taken it up no other is tried', () => {
    const { at, tries, statuses } = inviting([FIRST, SECOND])
    at(0).on.provisional(ringing())
    at(0).end(answered(503, 'INVITE'))
    expect(tries).toHaveLength(1)
    expect(statuses()).toEqual([180, 500])
  })
})

describe('CANCEL (RFC 3261 §16.10)', () => {
  const inviting = (hops?: readonly Hop[]) => relaying('INVITE', hops)

  test('goes where the INVITE went, with its Reason and nothing else (RFC 3326)', () => {
    const { at, cancel } = inviting()
    at(0).on.provisional(response(180, [], 'INVITE'))
    cancel(['Reason: SIP ;cause=200', 'Reason: Q.850 ;cause=16', 'Subject: secret'])
    expect(at(0).cancels).toEqual([
      [
        ['Reason', 'SIP ;cause=200'],
        ['Reason', 'Q.850 ;cause=16'],
      ],
    ])
  })

  test('the 487 comes back, and it ends once', () => {
    const { at, cancel, statuses, ends } = inviting()
    cancel()
    at(0).end(answered(487, 'INVITE'))
    expect(statuses()).toEqual([487])
    expect(ends).toHaveLength(1)
  })

  test('before any word from the far side there is no second try', () => {
    const { at, cancel, tries, ends } = inviting([FIRST, SECOND])
    cancel()
    at(0).end(TIMEOUT)
    expect(tries).toHaveLength(1)
    expect(ends).toEqual([TIMEOUT])
  })

  test('that crosses a 2xx changes nothing', () => {
    const { at, cancel, statuses } = inviting()
    cancel()
    at(0).on.success(response(200, [], 'INVITE'))
    expect(statuses()).toEqual([200])
  })
})

describe('Timer C (RFC 3261 §16.8)', () => {
  const inviting = (hops?: readonly Hop[]) => relaying('INVITE', hops, 1000)

  test('cancels what was taken up and never answered', () => {
    const { at, time, ends } = inviting()
    at(0).on.provisional(response(180, [], 'INVITE'))
    time.pass(999)
    expect(at(0).cancels).toEqual([])
    time.pass(1)
    expect(at(0).cancels).toEqual([[]])
    at(0).end(answered(487, 'INVITE'))
    expect(ends).toHaveLength(1)
  })

  test('begins anew with each provisional response', () => {
    const { at, time } = inviting()
    for (let i = 0; i < 3; i++) {
      time.pass(900)
      at(0).on.provisional(response(180, [], 'INVITE'))
    }
    time.pass(999)
    expect(at(0).cancels).toEqual([])
    time.pass(1)
    expect(at(0).cancels).toHaveLength(1)
  })

  test('begins anew with the next place', () => {
    const { at, time } = inviting([FIRST, SECOND])
    time.pass(900)
    at(0).end(TIMEOUT)
    time.pass(900)
    expect(at(1).cancels).toEqual([])
    time.pass(100)
    expect(at(1).cancels).toHaveLength(1)
  })

  test.for<[string, (one: Try) => void]>([
    ['a 2xx', ({ on }) => on.success(response(200, [], 'INVITE'))],
    ['a refusal', ({ end }) => end(answered(486, 'INVITE'))],
  ])('stops with %s', ([, finish]) => {
    const { at, time } = inviting()
    at(0).on.provisional(response(180, [], 'INVITE'))
    finish(at(0))
    time.pass(5000)
    expect(at(0).cancels).toEqual([])
  })

  test('is more than three minutes unless told', () => {
    const { at, time } = relaying('INVITE', [FIRST], undefined)
    at(0).on.provisional(response(180, [], 'INVITE'))
    time.pass(180_000)
    expect(at(0).cancels).toEqual([])
    time.pass(1_000)
    expect(at(0).cancels).toHaveLength(1)
  })
})
