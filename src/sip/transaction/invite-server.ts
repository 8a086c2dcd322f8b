import { type TimerValues, transactionTime } from './timers.ts'

/** RFC 6026 §8.7 (figure 7 of RFC 3261 as corrected there). `interval` is what Timer G was last set to. */
export type InviteServerState =
  | { readonly kind: 'proceeding' }
  /** A final response other than 2xx waits for its ACK. */
  | { readonly kind: 'completed'; readonly interval: number }
  /** A 2xx was sent: more of them may follow, and retransmissions of the request are absorbed. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'terminated' }

export type InviteServerEvent =
  /** A retransmission of the request. */
  | 'request'
  /** The transaction user gives a 1xx, a 2xx, or another final response. */
  | 'provisional'
  | 'success'
  | 'failure'
  /** An ACK with the branch of the request. */
  | 'ack'
  | 'timer-g'
  | 'timer-h'
  | 'timer-i'
  | 'timer-l'
  | 'transport-error'

export type InviteServerEffect =
  /** Send the response that the transaction user gives now. */
  | { readonly kind: 'send' }
  /** Send the last response again. */
  | { readonly kind: 'send-again' }
  | {
      readonly kind: 'set'
      readonly timer: 'timer-g' | 'timer-h' | 'timer-i' | 'timer-l'
      readonly after: number
    }
  | { readonly kind: 'cancel-timers' }
  /** A response came that may not be sent: a final one was. */
  | { readonly kind: 'discard' }
  /** The ACK is the transaction user's. */
  | { readonly kind: 'pass-ack' }
  /** Tell the transaction user that its response could not be sent, or that no ACK came. */
  | { readonly kind: 'inform' }

export type InviteServerStep = readonly [next: InviteServerState, effects: readonly InviteServerEffect[]]

export interface InviteServerMachine {
  /** The request has been passed to the transaction user: state Proceeding. */
  readonly start: InviteServerState
  step(state: InviteServerState, event: InviteServerEvent): InviteServerStep
}

const PROCEEDING: InviteServerState = { kind: 'proceeding' }
const ACCEPTED: InviteServerState = { kind: 'accepted' }
const CONFIRMED: InviteServerState = { kind: 'confirmed' }
const TERMINATED: InviteServerState = { kind: 'terminated' }
const NONE: readonly InviteServerEffect[] = []
const SEND: InviteServerEffect = { kind: 'send' }
const AGAIN: InviteServerEffect = { kind: 'send-again' }
const CANCEL: InviteServerEffect = { kind: 'cancel-timers' }
const DISCARD: InviteServerEffect = { kind: 'discard' }
const INFORM: InviteServerEffect = { kind: 'inform' }

/** The INVITE server transaction. Over a reliable transport Timer G is not set and Timer I is 0. */
export function inviteServer(timers: TimerValues, reliable: boolean): InviteServerMachine {
  const long = transactionTime(timers)
  const timerG = (after: number): InviteServerEffect => ({ kind: 'set', timer: 'timer-g', after })
  const timerH: InviteServerEffect = { kind: 'set', timer: 'timer-h', after: long }
  const completed = (interval: number): InviteServerState => ({ kind: 'completed', interval })
  const refused: InviteServerStep = [
    completed(timers.t1),
    reliable ? [SEND, timerH] : [SEND, timerG(timers.t1), timerH],
  ]
  const accepted: InviteServerStep = [ACCEPTED, [SEND, { kind: 'set', timer: 'timer-l', after: long }]]
  const confirmed: InviteServerStep = reliable
    ? [TERMINATED, [CANCEL]]
    : [CONFIRMED, [CANCEL, { kind: 'set', timer: 'timer-i', after: timers.t4 }]]

  function inCompleted(
    state: InviteServerState & { kind: 'completed' },
    event: InviteServerEvent,
  ): InviteServerStep {
    switch (event) {
      case 'request':
        return [state, [AGAIN]]
      case 'timer-g': {
        if (reliable) return [state, NONE]
        const interval = Math.min(2 * state.interval, timers.t2)
        return [completed(interval), [AGAIN, timerG(interval)]]
      }
      case 'ack':
        return confirmed
      case 'timer-h':
        return [TERMINATED, [CANCEL, INFORM]]
      case 'provisional':
      case 'success':
      case 'failure':
        return [state, [DISCARD]]
      case 'transport-error':
        return [state, [INFORM]]
      case 'timer-i':
      case 'timer-l':
        return [state, NONE]
      default:
        return event satisfies never
    }
  }

  return {
    start: PROCEEDING,
    step(state, event) {
      const answer = event === 'provisional' || event === 'success' || event === 'failure'
      switch (state.kind) {
        case 'proceeding':
          if (event === 'request') return [state, [AGAIN]]
          if (event === 'provisional') return [state, [SEND]]
          if (event === 'success') return accepted
          if (event === 'failure') return refused
          return [state, event === 'transport-error' ? [INFORM] : NONE]
        case 'completed':
          return inCompleted(state, event)
        case 'accepted':
          if (event === 'success') return [state, [SEND]]
          if (answer) return [state, [DISCARD]]
          if (event === 'ack') return [state, [{ kind: 'pass-ack' }]]
          if (event === 'timer-l') return [TERMINATED, NONE]
          return [state, event === 'transport-error' ? [INFORM] : NONE]
        case 'confirmed':
          if (event === 'timer-i') return [TERMINATED, NONE]
          return [state, answer ? [DISCARD] : NONE]
        case 'terminated':
          return [state, answer ? [DISCARD] : NONE]
        default:
          return state satisfies never
      }
    },
  }
}
