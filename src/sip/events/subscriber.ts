import {
  type Cause,
  type End,
  endByReason,
  endByStatus,
  endWithout,
  FETCHED,
  isFatal,
  isUnwanted,
  LEFT,
} from './ending.ts'
import {
  DEFAULT_SUBSCRIBER,
  type Established,
  type Moment,
  type Notify,
  type Refreshing,
  type Report,
  type Status,
  type SubscriberEffect,
  type SubscriberEvent,
  type SubscriberOptions,
  type SubscriberState,
  type SubscriberStep,
  type Waiting,
} from './subscriber-state.ts'

export interface SubscriberMachine {
  step(state: SubscriberState, event: SubscriberEvent, at: Moment): SubscriberStep
  /** When `alarm` is due; Infinity: never. */
  alarmAt(state: SubscriberState): number
}

const NONE: readonly SubscriberEffect[] = []
const ENDED: SubscriberState = { kind: 'ended' }
export const IDLE: SubscriberState = { kind: 'idle' }
const NEVER = Number.POSITIVE_INFINITY

const answer = (status: number): SubscriberEffect => ({ kind: 'answer', status })
const report = (what: Report): SubscriberEffect => ({ kind: 'report', report: what })
const OK = answer(200)
const UNKNOWN = answer(481)
const BODY = report({ kind: 'body' })

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
const isSuccess = (status: number): boolean => status >= 200 && status < 300

export function subscriberMachine(options: SubscriberOptions = DEFAULT_SUBSCRIBER): SubscriberMachine {
  const { timerN, later, shortest, longest } = options

  const subscribe = (within: boolean, expires: number): SubscriberEffect => ({
    kind: 'subscribe',
    within,
    expires,
  })
  const end = (how: End, ...before: readonly SubscriberEffect[]): SubscriberStep => [
    ENDED,
    [...before, report({ kind: 'ended', end: how })],
  ]
  const lost = (cause: Cause): End => endWithout(cause, { kind: 'after', seconds: later })

  /** Early, and not all at once: after 75 to 90 percent. */
  const early = ({ now, fraction }: Moment, until: number): number | undefined =>
    dueBefore(until, now + Math.max(shortest * 1000, (until - now) * (0.75 + 0.15 * fraction)))
  const dueBefore = (until: number, due: number): number | undefined =>
    due < until ? Math.round(due) : undefined
  const establish = (
    { status, asked }: { readonly status: Status; readonly asked: number },
    until: number,
    at: Moment,
  ): Established => ({ kind: 'established', status, asked, until, refreshAt: early(at, until) })

  const refresh = (
    state: { readonly status: Status; readonly asked: number; readonly until: number },
    asked: number,
    { now }: Moment,
    raised = false,
  ): SubscriberStep => [
    {
      kind: 'refreshing',
      status: state.status,
      asked,
      until: state.until,
      timerN: now + timerN,
      answered: false,
      notified: undefined,
      first: false,
      left: false,
      raised,
    },
    [subscribe(true, asked)],
  ]
  const leave = ({ now }: Moment, ...before: readonly SubscriberEffect[]): SubscriberStep => [
    { kind: 'ending', timerN: now + timerN },
    [...before, subscribe(true, 0)],
  ]
  /** The server MAY shorten and MUST NOT lengthen (§4.2.1.1). */
  const granted = (asked: number, expires: number | undefined, now: number): number =>
    now + Math.min(asked, expires ?? asked) * 1000
  /** A 423 is followed once. */
  const raisable = (state: Waiting | Refreshing, minExpires: number | undefined): number | undefined =>
    state.asked > 0 &&
    !state.raised &&
    minExpires !== undefined &&
    minExpires > state.asked &&
    minExpires <= longest
      ? minExpires
      : undefined

  const byReason = ({ reason, retryAfter }: Notify): End => endByReason(reason, retryAfter, later)
  /** What a NOTIFY brings besides its answer. */
  const news = (event: Notify, before: Status | undefined, now: Status): readonly SubscriberEffect[] => [
    OK,
    ...(before === now ? NONE : [report(now === 'active' ? { kind: now, body: event.body } : { kind: now })]),
    ...(event.body && now === 'active' ? [BODY] : NONE),
  ]
  /** Its answer, and the last state, where there was one. */
  const lastNews = (event: Notify, before: Status): readonly SubscriberEffect[] =>
    event.body && before === 'active' ? [OK, BODY] : [OK]

  function waiting(state: Waiting, event: SubscriberEvent, at: Moment): SubscriberStep {
    const { now } = at
    const gone = state.left ? LEFT : undefined
    switch (event.kind) {
      case 'leave':
        return [{ ...state, left: true }, NONE]
      case 'response': {
        if (isSuccess(event.status))
          return [{ ...state, until: granted(state.asked, event.expires, now) }, NONE]
        const raised = event.status === 423 ? raisable(state, event.minExpires) : undefined
        if (gone === undefined && raised !== undefined)
          return [{ ...state, asked: raised, timerN: now + timerN, raised: true }, [subscribe(false, raised)]]
        return end(gone ?? endByStatus(event.status, event.retryAfter, later, false))
      }
      case 'no-response':
        return end(gone ?? lost({ kind: 'no-answer', reason: event.reason }))
      case 'alarm':
        return now < state.timerN ? [state, NONE] : end(gone ?? lost({ kind: 'no-notify' }))
      case 'notify':
        return firstNotify(state, event, at)
      default:
        return [state, NONE]
    }
  }

  function firstNotify(state: Waiting, event: Notify, at: Moment): SubscriberStep {
    const { asked, until, left } = state
    if (event.state === 'terminated') {
      const how = byReason(event)
      const body = event.body && !left ? [OK, BODY] : [OK]
      if (left) return end(LEFT, ...body)
      if (asked === 0 && how.authorization === 'kept') return end(FETCHED, ...body)
      // Nothing came of it: "now" would be a loop.
      return end(
        how.retry.kind === 'now' ? { ...how, retry: { kind: 'after', seconds: shortest } } : how,
        ...body,
      )
    }
    if (asked === 0) return end(FETCHED, OK, ...(event.body && event.state === 'active' ? [BODY] : NONE))
    const status = event.state ?? 'pending'
    const effects = left ? [OK] : news(event, undefined, status)
    const notified =
      event.expires === undefined ? Number.POSITIVE_INFINITY : granted(asked, event.expires, at.now)
    if (until === undefined)
      return [
        {
          kind: 'refreshing',
          status,
          asked,
          until: at.now + asked * 1000,
          timerN: state.timerN,
          answered: false,
          notified,
          first: true,
          left,
          raised: state.raised,
        },
        effects,
      ]
    return left
      ? leave(at, ...effects)
      : [establish({ status, asked }, Math.min(until, notified), at), effects]
  }

  function established(state: Established, event: SubscriberEvent, at: Moment): SubscriberStep {
    const { now } = at
    switch (event.kind) {
      case 'leave':
        return leave(at)
      case 'fetch':
        return refresh(state, state.asked, at)
      case 'alarm':
        if (now >= state.until) return end(lost({ kind: 'expired' }))
        return now >= (state.refreshAt ?? NEVER) ? refresh(state, state.asked, at) : [state, NONE]
      case 'notify': {
        if (event.state === 'terminated') return end(byReason(event), ...lastNews(event, state.status))
        const status = event.state ?? state.status
        const until = Math.min(state.until, granted(state.asked, event.expires, now))
        // Whole seconds on their way are no shortening.
        const isShortened = until <= state.until - 2000
        const next: Established = {
          kind: 'established',
          status,
          asked: state.asked,
          until: isShortened ? until : state.until,
          refreshAt: isShortened ? earlier(state.refreshAt, early(at, until)) : state.refreshAt,
        }
        return [next, news(event, state.status, status)]
      }
      default:
        return [state, NONE]
    }
  }

  function refreshing(state: Refreshing, event: SubscriberEvent, at: Moment): SubscriberStep {
    const { now } = at
    const { notified } = state
    switch (event.kind) {
      case 'leave':
        return state.answered ? leave(at) : [{ ...state, left: true }, NONE]
      case 'response':
        return isSuccess(event.status)
          ? refreshTaken(state, event.status, granted(state.asked, event.expires, now), at)
          : refreshFailed(state, event, at)
      case 'no-response':
        if (state.left) return leave(at)
        // The notifier is there: only its response got lost.
        if (notified !== undefined) return [establish(state, Math.min(state.until, notified), at), NONE]
        return event.reason === 'timeout'
          ? end(lost({ kind: 'no-answer', reason: event.reason }))
          : [tryAgain(state, undefined, at), NONE]
      case 'alarm':
        return notified !== undefined || now < state.timerN
          ? [state, NONE]
          : end(state.left ? LEFT : lost({ kind: 'no-notify' }))
      case 'notify': {
        if (event.state === 'terminated')
          return state.left ? end(LEFT, OK) : end(byReason(event), ...lastNews(event, state.status))
        const status = event.state ?? state.status
        const effects = state.left ? [OK] : news(event, state.status, status)
        const over =
          event.expires === undefined ? Number.POSITIVE_INFINITY : granted(state.asked, event.expires, now)
        return state.answered
          ? [establish({ ...state, status }, Math.min(state.until, over), at), effects]
          : [{ ...state, status, notified: Math.min(over, notified ?? over) }, effects]
      }
      default:
        return [state, NONE]
    }
  }

  function refreshTaken(state: Refreshing, status: number, until: number, at: Moment): SubscriberStep {
    if (state.left) return leave(at)
    // 204: no NOTIFY will come (§4.1.2.2).
    return state.notified !== undefined || status === 204
      ? [establish(state, Math.min(until, state.notified ?? until), at), NONE]
      : [{ ...state, answered: true, until }, NONE]
  }

  function refreshFailed(
    state: Refreshing,
    { status, minExpires, retryAfter }: SubscriberEvent & { readonly kind: 'response' },
    at: Moment,
  ): SubscriberStep {
    if (state.first) {
      // The NOTIFY has made the subscription, whatever came of other branches (§4.4.1).
      if (state.left) return leave(at)
      return [establish(state, Math.min(state.until, state.notified ?? state.until), at), NONE]
    }
    if (isFatal(status) || isUnwanted(status))
      return end(state.left ? LEFT : endByStatus(status, retryAfter, later, true))
    if (state.left) return leave(at)
    const raised = status === 423 ? raisable(state, minExpires) : undefined
    return raised === undefined ? [tryAgain(state, retryAfter, at), NONE] : refresh(state, raised, at, true)
  }

  /** Valid as long as it was (§4.1.2.2): another try halfway, or when the notifier says. */
  function tryAgain(state: Refreshing, retryAfter: number | undefined, { now }: Moment): Established {
    const { status, asked } = state
    const until = Math.min(state.until, state.notified ?? state.until)
    const due =
      now + Math.max(shortest * 1000, retryAfter === undefined ? (until - now) / 2 : retryAfter * 1000)
    return { kind: 'established', status, asked, until, refreshAt: dueBefore(until, due) }
  }

  function ending(
    state: SubscriberState & { kind: 'ending' },
    event: SubscriberEvent,
    at: Moment,
  ): SubscriberStep {
    switch (event.kind) {
      case 'response':
        return isSuccess(event.status) ? [state, [report({ kind: 'left' })]] : end(LEFT)
      case 'no-response':
        return end(LEFT)
      case 'alarm':
        return at.now < state.timerN ? [state, NONE] : end(LEFT)
      case 'notify':
        return event.state === 'terminated' ? end(LEFT, OK) : [state, [OK]]
      default:
        return [state, NONE]
    }
  }

  function idle(state: SubscriberState, event: SubscriberEvent, { now }: Moment): SubscriberStep {
    switch (event.kind) {
      case 'subscribe':
      case 'fetch': {
        const asked = event.kind === 'fetch' ? 0 : event.expires
        return [
          { kind: 'waiting', asked, timerN: now + timerN, until: undefined, left: false, raised: false },
          [subscribe(false, asked)],
        ]
      }
      case 'leave':
        return end(LEFT)
      case 'notify':
        return [state, [UNKNOWN]]
      default:
        return [state, NONE]
    }
  }

  return {
    step(state, event, at) {
      // RFC 3856 §6.9: one dialog for each SUBSCRIBE.
      if (event.kind === 'notify' && event.dialog === 'fork') return [state, [UNKNOWN]]
      switch (state.kind) {
        case 'idle':
          return idle(state, event, at)
        case 'waiting':
          return waiting(state, event, at)
        case 'established':
          return established(state, event, at)
        case 'refreshing':
          return refreshing(state, event, at)
        case 'ending':
          return ending(state, event, at)
        case 'ended':
          return [state, event.kind === 'notify' ? [UNKNOWN] : NONE]
        default:
          return state satisfies never
      }
    },
    alarmAt(state) {
      switch (state.kind) {
        case 'waiting':
        case 'ending':
          return state.timerN
        case 'established':
          return Math.min(state.until, state.refreshAt ?? NEVER)
        case 'refreshing':
          return state.notified === undefined ? state.timerN : Number.POSITIVE_INFINITY
        case 'idle':
        case 'ended':
          return Number.POSITIVE_INFINITY
        default:
          return state satisfies never
      }
    },
  }
}
