import type { Domain } from '../../kernel/domain.ts'
import { type DialbackCondition, partyFor, type ResultAnswer, type ResultRequest } from './dialback.ts'
import { type DomainPair, type PairKey, pairKey } from './domain-pair.ts'

export interface InitiatingLimits {
  /** Domain pairs of one stream (100). */
  readonly pairs: number
  /** Milliseconds until an answer must be here (60,000): the other side may have to open a stream first. */
  readonly timeout: number
}
export const DEFAULT_INITIATING: InitiatingLimits = { pairs: 100, timeout: 60_000 }

type Asked =
  | { readonly kind: 'asked'; readonly pair: DomainPair; readonly until: number }
  | { readonly kind: 'valid'; readonly pair: DomainPair }

/**
 * One stream that we send keys on: one that we opened, or the other way of one that was opened to us (XEP-0288 §2.2).
 */
export type InitiatingState =
  | {
      readonly kind: 'open'
      /** Whom the stream was opened to: pairs to another need `errors`. */
      readonly target: Domain
      /** The other side announced dialback errors (XEP-0220 §2.4.2), or must know them, by bidi. */
      readonly errors: boolean
      readonly pairs: ReadonlyMap<PairKey, Asked>
    }
  | {
      /** A key was called invalid: the other side will close (§2.1.1). What was asked may still be answered. */
      readonly kind: 'leaving'
      readonly pairs: ReadonlyMap<PairKey, Asked>
    }
  | { readonly kind: 'closed' }

export type InitiatingEvent =
  /** There are stanzas for this pair; `key` as `keyFor` makes it. */
  | { readonly kind: 'ask'; readonly pair: DomainPair; readonly key: string }
  | { readonly kind: 'answer'; readonly answer: ResultAnswer }
  | { readonly kind: 'alarm' }
  /** By whomever. */
  | { readonly kind: 'closed' }

/** Why a pair cannot be asked for on this stream; another one may do. */
export type NoRoom = 'target-multiplexing' | 'too-many-pairs' | 'leaving' | 'closed'

/** What becomes of the stanzas that waited (§2.1.1): `invalid` is internal-server-error, the rest remote-server-timeout. */
export type AskFailure =
  | { readonly kind: 'invalid' }
  | { readonly kind: 'error'; readonly condition: DialbackCondition }
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'closed' }

export const bounceOf = (failure: AskFailure): 'internal-server-error' | 'remote-server-timeout' =>
  failure.kind === 'invalid' ? 'internal-server-error' : 'remote-server-timeout'

export type InitiatingEffect =
  | { readonly kind: 'send'; readonly request: ResultRequest }
  /** Stanzas of the pair may go. */
  | { readonly kind: 'valid'; readonly pair: DomainPair }
  | { readonly kind: 'failed'; readonly pair: DomainPair; readonly failure: AskFailure }
  | { readonly kind: 'no-room'; readonly pair: DomainPair; readonly reason: NoRoom }
  /** Nothing more may be sent, for no pair; close once nothing is asked any more. */
  | { readonly kind: 'leave' }
  /** Nobody asked: an attack or a fault of theirs (§3.1). To be counted. */
  | { readonly kind: 'unsolicited'; readonly answer: ResultAnswer }

export type InitiatingStep = readonly [next: InitiatingState, effects: readonly InitiatingEffect[]]

const NONE: readonly InitiatingEffect[] = []
const CLOSED: InitiatingState = { kind: 'closed' }

export const initiating = (target: Domain, errors: boolean): InitiatingState => ({
  kind: 'open',
  target,
  errors,
  pairs: new Map(),
})

export interface InitiatingMachine {
  step(state: InitiatingState, event: InitiatingEvent, now: number): InitiatingStep
  /** When `alarm` is due; Infinity: never. */
  alarmAt(state: InitiatingState): number
}

export function initiatingMachine(limits: InitiatingLimits = DEFAULT_INITIATING): InitiatingMachine {
  function ask(
    state: InitiatingState,
    { pair, key }: InitiatingEvent & { readonly kind: 'ask' },
    now: number,
  ): InitiatingStep {
    const noRoom = (reason: NoRoom): InitiatingStep => [state, [{ kind: 'no-room', pair, reason }]]
    if (state.kind !== 'open') return noRoom(state.kind)
    const name = pairKey(pair)
    // Under way, or done: never twice for a pair on one stream.
    if (state.pairs.has(name)) return [state, NONE]
    if (pair.target !== state.target && !state.errors) return noRoom('target-multiplexing')
    if (state.pairs.size >= limits.pairs) return noRoom('too-many-pairs')
    const pairs = new Map(state.pairs).set(name, { kind: 'asked', pair, until: now + limits.timeout })
    const request: ResultRequest = {
      element: 'result',
      kind: 'request',
      from: partyFor(pair.sender),
      to: partyFor(pair.target),
      key,
    }
    return [{ ...state, pairs }, [{ kind: 'send', request }]]
  }

  return {
    step(state, event, now) {
      switch (event.kind) {
        case 'ask':
          return ask(state, event, now)
        case 'answer':
          return answered(state, event.answer)
        case 'alarm':
          return expired(state, now)
        case 'closed':
          return state.kind === 'closed' ? [state, NONE] : [CLOSED, fail(asked(state), { kind: 'closed' })]
        default:
          return event satisfies never
      }
    },
    alarmAt: (state) => Math.min(Number.POSITIVE_INFINITY, ...asked(state).map(({ until }) => until)),
  }
}

type Waiting = Asked & { readonly kind: 'asked' }

const asked = (state: InitiatingState): readonly Waiting[] =>
  state.kind === 'closed' ? [] : [...state.pairs.values()].filter((one) => one.kind === 'asked')

const fail = (pairs: readonly Waiting[], failure: AskFailure): readonly InitiatingEffect[] =>
  pairs.map(({ pair }) => ({ kind: 'failed', pair, failure }))

function answered(state: InitiatingState, answer: ResultAnswer): InitiatingStep {
  const name = pairKey({ sender: answer.to.domain, target: answer.from.domain })
  const one = state.kind === 'closed' ? undefined : state.pairs.get(name)
  // Also a second answer: what is valid stays valid, what failed stays failed.
  if (state.kind === 'closed' || one?.kind !== 'asked') return [state, [{ kind: 'unsolicited', answer }]]
  const { pair } = one
  const pairs = new Map(state.pairs)
  pairs.delete(name)
  switch (answer.verdict.type) {
    case 'valid':
      // Not to be used any more, though the answer is good: the pair has to be asked for elsewhere.
      if (state.kind === 'leaving') return [{ ...state, pairs }, fail([one], { kind: 'closed' })]
      return [{ ...state, pairs: pairs.set(name, { kind: 'valid', pair }) }, [{ kind: 'valid', pair }]]
    case 'invalid': {
      const effects = fail([one], { kind: 'invalid' })
      if (state.kind === 'leaving') return [{ ...state, pairs }, effects]
      return [{ kind: 'leaving', pairs }, [...effects, { kind: 'leave' }]]
    }
    case 'error':
      return [{ ...state, pairs }, fail([one], { kind: 'error', condition: answer.verdict.condition })]
    default:
      return answer.verdict satisfies never
  }
}

function expired(state: InitiatingState, now: number): InitiatingStep {
  const late = asked(state).filter(({ until }) => until <= now)
  if (state.kind === 'closed' || late.length === 0) return [state, NONE]
  const pairs = new Map(state.pairs)
  for (const { pair } of late) pairs.delete(pairKey(pair))
  return [{ ...state, pairs }, fail(late, { kind: 'no-answer' })]
}
