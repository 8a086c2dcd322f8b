import { type TimerValues, transactionTime } from './timers.ts'

/** RFC 6026 §8.4 (figure 5 of RFC 3261 as corrected there). `interval` is what Timer A was last set to. */
export type InviteClientState =
  | { readonly kind: 'calling'; readonly interval: number }
  | { readonly kind: 'proceeding' }
  /** A final response other than 2xx was acknowledged. */
  | { readonly kind: 'completed' }
  /** A 2xx came: more of them may follow, sent again or from other branches of a fork. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'terminated' }

export type InviteClientEvent =
  | 'provisional'
  /** 2xx. */
  | 'success'
  /** 300 to 699. */
  | 'failure'
  | 'timer-a'
  | 'timer-b'
  | 'timer-d'
  | 'timer-m'
  | 'transport-error'

export type InviteClientEffect =
  /** Send the request again. */
  | { readonly kind: 'send' }
  | {
      readonly kind: 'set'
      readonly timer: 'timer-a' | 'timer-b' | 'timer-d' | 'timer-m'
      readonly after: number
    }
  /** Timers A and B are of no more use. */
  | { readonly kind: 'cancel-timers' }
  /** Acknowledge this response, hop by hop (§17.1.1.3). */
  | { readonly kind: 'ack' }
  /** Pass this response to the transaction user. */
  | { readonly kind: 'deliver' }
  /** Tell the transaction user that no final response will come. */
  | { readonly kind: 'fail'; readonly reason: 'timeout' | 'transport-failure' }

export type InviteClientStep = readonly [next: InviteClientState, effects: readonly InviteClientEffect[]]

export interface InviteClientMachine {
  /** The request has been sent: state Calling. */
  readonly start: InviteClientStep
  step(state: InviteClientState, event: InviteClientEvent): InviteClientStep
}

/** RFC 3261 §17.1.1.2: at least 32 s over an unreliable transport. */
const TIMER_D = 32_000

const PROCEEDING: InviteClientState = { kind: 'proceeding' }
const COMPLETED: InviteClientState = { kind: 'completed' }
const ACCEPTED: InviteClientState = { kind: 'accepted' }
const TERMINATED: InviteClientState = { kind: 'terminated' }
const NONE: readonly InviteClientEffect[] = []
const CANCEL: InviteClientEffect = { kind: 'cancel-timers' }
const DELIVER: InviteClientEffect = { kind: 'deliver' }
const ACK: InviteClientEffect = { kind: 'ack' }
const SEND: InviteClientEffect = { kind: 'send' }

/** The INVITE client transaction. Over a reliable transport nothing is sent again and Timer D is 0. */
export function inviteClient(timers: TimerValues, reliable: boolean): InviteClientMachine {
  const long = transactionTime(timers)
  const timerA = (after: number): InviteClientEffect => ({ kind: 'set', timer: 'timer-a', after })
  const timerB: InviteClientEffect = { kind: 'set', timer: 'timer-b', after: long }
  const calling = (interval: number): InviteClientState => ({ kind: 'calling', interval })
  const accepted: InviteClientStep = [
    ACCEPTED,
    [CANCEL, DELIVER, { kind: 'set', timer: 'timer-m', after: long }],
  ]
  const failed: InviteClientStep = reliable
    ? [TERMINATED, [CANCEL, ACK, DELIVER]]
    : [COMPLETED, [CANCEL, ACK, DELIVER, { kind: 'set', timer: 'timer-d', after: Math.max(TIMER_D, long) }]]
  const timeout: InviteClientStep = [TERMINATED, [CANCEL, { kind: 'fail', reason: 'timeout' }]]
  const broken: InviteClientStep = [TERMINATED, [CANCEL, { kind: 'fail', reason: 'transport-failure' }]]

  function inCalling(
    state: InviteClientState & { kind: 'calling' },
    event: InviteClientEvent,
  ): InviteClientStep {
    switch (event) {
      case 'provisional':
        return [PROCEEDING, [CANCEL, DELIVER]]
      case 'success':
        return accepted
      case 'failure':
        return failed
      case 'timer-a': {
        const interval = 2 * state.interval
        return reliable ? [state, NONE] : [calling(interval), [SEND, timerA(interval)]]
      }
      case 'timer-b':
        return timeout
      case 'transport-error':
        return broken
      case 'timer-d':
      case 'timer-m':
        return [state, NONE]
      default:
        return event satisfies never
    }
  }

  return {
    start: [calling(timers.t1), reliable ? [timerB] : [timerA(timers.t1), timerB]],
    step(state, event) {
      switch (state.kind) {
        case 'calling':
          return inCalling(state, event)
        case 'proceeding':
          // A connection that ends now is no failure: the response may come over a new one (§18.2.2).
          if (event === 'provisional') return [state, [DELIVER]]
          if (event === 'success') return accepted
          return event === 'failure' ? failed : [state, NONE]
        case 'completed':
          if (event === 'failure') return [state, [ACK]]
          return event === 'timer-d' || event === 'transport-error' ? [TERMINATED, NONE] : [state, NONE]
        case 'accepted':
          if (event === 'success') return [state, [DELIVER]]
          return event === 'timer-m' ? [TERMINATED, NONE] : [state, NONE]
        case 'terminated':
          return [state, NONE]
        default:
          return state satisfies never
      }
    },
  }
}
