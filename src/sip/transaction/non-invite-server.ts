import { provisionalTime, type TimerValues, transactionTime } from './timers.ts'

/** RFC 3261 §17.2.2, figure 8. */
export type ServerState = 'trying' | 'proceeding' | 'completed' | 'terminated'

export type ServerEvent =
  /** A retransmission of the request. */
  | 'request'
  /** The transaction user gives its final answer. */
  | 'respond'
  /** The transaction user was silent for as long as a client takes to reach T2 (RFC 4320 §4.1). */
  | 'timer-100'
  /** The transaction user was silent for 64*T1: the client's Timer F has fired. */
  | 'timer-silent'
  | 'timer-j'
  | 'transport-error'

export type ServerEffect =
  /** Send 100, the only provisional response allowed (RFC 4320 §4.1). */
  | { readonly kind: 'send-provisional' }
  /** Send the final response, the first time or again. */
  | { readonly kind: 'send-final' }
  | { readonly kind: 'set'; readonly timer: 'timer-100' | 'timer-silent' | 'timer-j'; readonly after: number }
  | { readonly kind: 'cancel-timers' }
  /** A response came that may not be sent: a second one, or a late one (RFC 4320 §4.2). */
  | { readonly kind: 'discard' }
  /** The transaction ends without a final response; 408 would be wrong (RFC 4320 §4.2). */
  | { readonly kind: 'give-up' }
  /** Tell the transaction user that its response could not be sent. */
  | { readonly kind: 'inform' }

export type ServerStep = readonly [next: ServerState, effects: readonly ServerEffect[]]

export interface ServerMachine {
  /** The request has been passed to the transaction user: state Trying. */
  readonly start: ServerStep
  step(state: ServerState, event: ServerEvent): ServerStep
}

const NONE: readonly ServerEffect[] = []

/** The non-INVITE server transaction. Over a reliable transport Timer J is 0. */
export function nonInviteServer(timers: TimerValues, reliable: boolean): ServerMachine {
  const cancel: ServerEffect = { kind: 'cancel-timers' }
  const final: ServerEffect = { kind: 'send-final' }
  const provisional: ServerEffect = { kind: 'send-provisional' }
  const silentFor = provisionalTime(timers)
  const stays = (state: ServerState, ...effects: readonly ServerEffect[]): ServerStep => [state, effects]
  const answer: ServerStep = reliable
    ? ['terminated', [cancel, final]]
    : ['completed', [cancel, final, { kind: 'set', timer: 'timer-j', after: transactionTime(timers) }]]
  const giveUp: ServerStep = ['terminated', [cancel, { kind: 'give-up' }]]
  const quiet = { trying: ['trying', NONE], proceeding: ['proceeding', NONE] } as const
  const discard: ServerEffect = { kind: 'discard' }
  const inform: ServerEffect = { kind: 'inform' }

  /** Total: every state meets every event. */
  const table: Readonly<Record<ServerState, Readonly<Record<ServerEvent, ServerStep>>>> = {
    trying: {
      request: quiet.trying,
      respond: answer,
      'timer-100': [
        'proceeding',
        [provisional, { kind: 'set', timer: 'timer-silent', after: transactionTime(timers) - silentFor }],
      ],
      'timer-silent': giveUp,
      'timer-j': quiet.trying,
      'transport-error': quiet.trying,
    },
    proceeding: {
      request: stays('proceeding', provisional),
      respond: answer,
      'timer-100': quiet.proceeding,
      'timer-silent': giveUp,
      'timer-j': quiet.proceeding,
      // RFC 6026 §8.8 (17.2.4): "inform the TU …, and MUST remain in the current state".
      'transport-error': stays('proceeding', inform),
    },
    completed: {
      request: stays('completed', final),
      respond: stays('completed', discard),
      'timer-100': stays('completed'),
      'timer-silent': stays('completed'),
      'timer-j': ['terminated', NONE],
      'transport-error': stays('completed', inform),
    },
    terminated: {
      request: stays('terminated'),
      respond: stays('terminated', discard),
      'timer-100': stays('terminated'),
      'timer-silent': stays('terminated'),
      'timer-j': stays('terminated'),
      'transport-error': stays('terminated', inform),
    },
  }
  return {
    start: ['trying', [{ kind: 'set', timer: 'timer-100', after: silentFor }]],
    step: (state, event) => table[state][event],
  }
}
