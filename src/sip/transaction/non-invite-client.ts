import { type TimerValues, transactionTime } from './timers.ts'

/** RFC 3261 §17.1.2, figure 6. `interval` is what Timer E was last set to. */
export type ClientState =
  | { readonly kind: 'trying'; readonly interval: number }
  | { readonly kind: 'proceeding' }
  | { readonly kind: 'completed' }
  | { readonly kind: 'terminated' }

export type ClientEvent = 'provisional' | 'final' | 'timer-e' | 'timer-f' | 'timer-k' | 'transport-error'

export type ClientEffect =
  /** Send the request, the first time or again. */
  | { readonly kind: 'send' }
  | { readonly kind: 'set'; readonly timer: 'timer-e' | 'timer-f' | 'timer-k'; readonly after: number }
  /** Timers E and F are of no more use. */
  | { readonly kind: 'cancel-timers' }
  /** Pass this response to the transaction user. */
  | { readonly kind: 'deliver' }
  /** Tell the transaction user that no response will come. */
  | { readonly kind: 'fail'; readonly reason: 'timeout' | 'transport-failure' }

export type ClientStep = readonly [next: ClientState, effects: readonly ClientEffect[]]

export interface ClientMachine {
  /** The request is there: state Trying. */
  readonly start: ClientStep
  step(state: ClientState, event: ClientEvent): ClientStep
}

const PROCEEDING: ClientState = { kind: 'proceeding' }
const COMPLETED: ClientState = { kind: 'completed' }
const TERMINATED: ClientState = { kind: 'terminated' }
const NONE: readonly ClientEffect[] = []
const SEND: ClientEffect = { kind: 'send' }
const DELIVER: ClientEffect = { kind: 'deliver' }
const CANCEL: ClientEffect = { kind: 'cancel-timers' }

/**
 * The non-INVITE client transaction. Over a reliable transport nothing is sent again and Timer K is 0.
 * Steps without numbers of their own are made once: the usual exchange allocates nothing.
 */
export function nonInviteClient(timers: TimerValues, reliable: boolean): ClientMachine {
  const timerF: ClientEffect = { kind: 'set', timer: 'timer-f', after: transactionTime(timers) }
  const slowE: ClientEffect = { kind: 'set', timer: 'timer-e', after: timers.t2 }
  const trying = (interval: number): ClientStep => [
    { kind: 'trying', interval },
    [SEND, { kind: 'set', timer: 'timer-e', after: interval }],
  ]
  const start: ClientStep = reliable
    ? [{ kind: 'trying', interval: timers.t1 }, [SEND, timerF]]
    : [{ kind: 'trying', interval: timers.t1 }, [...trying(timers.t1)[1], timerF]]
  const answered: ClientStep = reliable
    ? [TERMINATED, [CANCEL, DELIVER]]
    : [COMPLETED, [CANCEL, DELIVER, { kind: 'set', timer: 'timer-k', after: timers.t4 }]]
  const provisional: ClientStep = [PROCEEDING, [DELIVER]]
  const again: ClientStep = [PROCEEDING, [SEND, slowE]]
  const timeout: ClientStep = [TERMINATED, [CANCEL, { kind: 'fail', reason: 'timeout' }]]
  const broken: ClientStep = [TERMINATED, [CANCEL, { kind: 'fail', reason: 'transport-failure' }]]
  const over: ClientStep = [TERMINATED, NONE]

  function step(state: ClientState, event: ClientEvent): ClientStep {
    if (state.kind === 'terminated') return [state, NONE]
    if (state.kind === 'completed') return event === 'timer-k' ? over : [state, NONE]
    switch (event) {
      case 'provisional':
        return provisional
      case 'final':
        return answered
      case 'timer-e':
        if (reliable) return [state, NONE]
        return state.kind === 'proceeding' ? again : trying(Math.min(2 * state.interval, timers.t2))
      case 'timer-f':
        return timeout
      case 'transport-error':
        return broken
      case 'timer-k':
        return [state, NONE]
      default:
        return event satisfies never
    }
  }
  return { start, step }
}
