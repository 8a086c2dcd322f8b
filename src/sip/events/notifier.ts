import { isFatal } from './ending.ts'
import {
  DEFAULT_NOTIFIER,
  type Ending,
  type Last,
  type Live,
  type NotifierEffect,
  type NotifierEnd,
  type NotifierEvent,
  type NotifierOptions,
  type NotifierState,
  type NotifierStep,
} from './notifier-state.ts'

export interface NotifierMachine {
  step(state: NotifierState, event: NotifierEvent, now: number): NotifierStep
  /** When `alarm` is due; Infinity: never. */
  alarmAt(state: NotifierState): number
}

export const INIT: NotifierState = { kind: 'init' }
const ENDED: NotifierState = { kind: 'ended' }
const LAST_SENT: Ending = { kind: 'ending', last: undefined }
const NONE: readonly NotifierEffect[] = []
const NEVER = Number.POSITIVE_INFINITY
/** Seconds for which a watcher may want to hear nothing. */
const LONGEST_WAIT = 3600
const GONE: NotifierEffect = { kind: 'answer', status: 481 }

const taken = (expires: number): NotifierEffect => ({ kind: 'answer', status: 200, expires })
const ended = (end: NotifierEnd): NotifierEffect => ({ kind: 'ended', end })
const lastNotify = (last: Last): NotifierEffect => ({ kind: 'notify', state: 'terminated', ...last })

/** Every field by its name: a spread keeps some of them in a second object, and very many are kept. */
const live = ({ status, until, giveUpAt, sent, due, notBefore, failures }: Omit<Live, 'kind'>): Live => ({
  kind: 'live',
  status,
  until,
  giveUpAt,
  sent,
  due,
  notBefore,
  failures,
})

/** Whole seconds that remain; never more than there are. */
const remaining = (until: number, now: number): number => Math.max(0, Math.floor((until - now) / 1000 + 1e-6))

/**
 * What a notifier does for one watcher (RFC 6665 §4.2). The document is not its business: whoever sends the NOTIFY puts
 * in what is true then, so that of many changes the last one wins.
 */
export function notifierMachine(options: NotifierOptions = DEFAULT_NOTIFIER): NotifierMachine {
  const { interval, giveUp, giveUpRetry, hold, longestHold } = options

  /** Another NOTIFY is wanted: it goes out, or is remembered. */
  function notify(state: Live, due: Live['due'], now: number, ...before: NotifierEffect[]): NotifierStep {
    const wanted = state.due === 'at-once' ? 'at-once' : due
    const ready = wanted === 'at-once' || (wanted === 'change' && now >= state.notBefore)
    if (state.sent || !ready) return [live({ ...state, due: wanted }), before]
    return [
      live({ ...state, sent: true, due: 'nothing', notBefore: now + interval }),
      [...before, { kind: 'notify', state: state.status, expires: remaining(state.until, now) }],
    ]
  }

  function finish(state: Live, last: Last, end: NotifierEnd, ...before: NotifierEffect[]): NotifierStep {
    return state.sent
      ? [{ kind: 'ending', last }, [...before, ended(end)]]
      : [LAST_SENT, [...before, lastNotify(last), ended(end)]]
  }

  const drop = (end: NotifierEnd): NotifierStep => [ENDED, [ended(end)]]

  function begin(event: NotifierEvent & { kind: 'subscribe' }, now: number): NotifierStep {
    const { expires, status } = event
    if (expires === 0)
      return [LAST_SENT, [taken(0), lastNotify({ reason: 'timeout' }), ended({ kind: 'fetched' })]]
    const state = live({
      status,
      until: now + expires * 1000,
      giveUpAt: status === 'pending' ? now + giveUp * 1000 : undefined,
      sent: false,
      due: 'nothing',
      notBefore: now,
      failures: 0,
    })
    return notify(state, 'at-once', now, taken(expires))
  }

  function running(state: Live, event: NotifierEvent, now: number): NotifierStep {
    switch (event.kind) {
      case 'refresh':
        return event.expires === 0
          ? finish(state, { reason: 'timeout' }, { kind: 'left' }, taken(0))
          : notify({ ...state, until: now + event.expires * 1000 }, 'at-once', now, taken(event.expires))
      case 'granted':
        return state.status === 'active'
          ? [state, NONE]
          : notify({ ...state, status: 'active', giveUpAt: undefined }, 'at-once', now)
      case 'changed':
        // Whoever waits for an authorization learns nothing.
        return state.status === 'active' ? notify(state, 'change', now) : [state, NONE]
      case 'empty':
        return [live({ ...state, notBefore: now }), NONE]
      case 'end': {
        const { reason, retryAfter } = event
        return finish(state, { reason, retryAfter }, { kind: 'by-owner', reason })
      }
      case 'response':
        return answered(state, event.status, event.retryAfter, now)
      case 'no-response':
        // RFC 3261 §8.1.3.1: where it did not get there, that is as good as a 503.
        return event.reason === 'timeout' ? drop({ kind: 'no-answer' }) : held(state, undefined, now)
      case 'alarm':
        if (now >= state.until) return finish(state, { reason: 'timeout' }, { kind: 'expired' })
        if (now >= (state.giveUpAt ?? NEVER))
          return finish(state, { reason: 'giveup', retryAfter: giveUpRetry }, { kind: 'gave-up' })
        return notify(state, state.due, now)
      case 'subscribe':
        return [state, NONE]
      default:
        return event satisfies never
    }
  }

  function answered(state: Live, status: number, retryAfter: number | undefined, now: number): NotifierStep {
    if (isFatal(status)) return drop({ kind: 'refused', status })
    if (status === 408) return drop({ kind: 'no-answer' })
    if (status >= 500) return held(state, retryAfter, now)
    // 3xx and 4xx: a complaint about that one NOTIFY (RFC 5057 §5.1), which would be no better a second time.
    return notify({ ...state, sent: false, failures: 0 }, state.due, now)
  }

  /** What the watcher did not get is said later, as it is by then. */
  function held(state: Live, retryAfter: number | undefined, now: number): NotifierStep {
    const own = Math.min(hold * 2 ** Math.min(state.failures, 20), longestHold)
    const wait = Math.min(retryAfter ?? own, LONGEST_WAIT)
    const notBefore = Math.max(state.notBefore, now + wait * 1000)
    return [live({ ...state, sent: false, due: 'change', notBefore, failures: state.failures + 1 }), NONE]
  }

  function ending(state: Ending, event: NotifierEvent): NotifierStep {
    switch (event.kind) {
      case 'refresh':
        return [state, [GONE]]
      case 'response':
      case 'no-response': {
        const { last } = state
        const reached = event.kind === 'response' && !isFatal(event.status) && event.status !== 408
        return last !== undefined && reached ? [LAST_SENT, [lastNotify(last)]] : [ENDED, NONE]
      }
      default:
        return [state, NONE]
    }
  }

  return {
    step(state, event, now) {
      switch (state.kind) {
        case 'init':
          return event.kind === 'subscribe'
            ? begin(event, now)
            : [state, event.kind === 'refresh' ? [GONE] : NONE]
        case 'live':
          return running(state, event, now)
        case 'ending':
          return ending(state, event)
        case 'ended':
          return [state, event.kind === 'refresh' ? [GONE] : NONE]
        default:
          return state satisfies never
      }
    },
    alarmAt(state) {
      if (state.kind !== 'live') return NEVER
      const { until, giveUpAt, sent, due, notBefore } = state
      return Math.min(until, giveUpAt ?? NEVER, sent || due !== 'change' ? NEVER : notBefore)
    },
  }
}
