import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Random, systemRandom } from '../../kernel/random.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import {
  type Dialog,
  dialogOfNotify,
  isWithin,
  received,
  refreshed,
  requestWithin,
  tagIn,
} from '../dialog.ts'
import type { Endpoint, IncomingRequest } from '../endpoint/endpoint.ts'
import type { SipRequest } from '../message.ts'
import { parseSubscriptionState, type SubscriptionState } from '../subscription-state.ts'
import { Alarms } from './alarms.ts'
import { type EventField, eventText, keptEvent, parseEvent, sameEvent, seconds } from './fields.ts'
import { recorded } from './numbers.ts'
import { DialogRequests } from './requests.ts'
import type { SavedSubscription } from './saved.ts'
import { type SubscriberMachine, subscriberMachine } from './subscriber.ts'
import {
  DEFAULT_SUBSCRIBER,
  type Established,
  type Notify,
  type Refreshing,
  type Report,
  type SubscriberEvent,
  type SubscriberOptions,
  type SubscriberState,
} from './subscriber-state.ts'
import { Subscription, type SubscriptionOwner, type Unread } from './subscription.ts'
import { Turns } from './turns.ts'

export interface SubscriptionsOptions<T, D> {
  /** Asked for when it is needed, since it is made with whoever takes its requests. */
  readonly endpoint: () => Endpoint
  readonly owner: SubscriptionOwner<T, D>
  readonly timers: Timers
  readonly clock?: Clock
  readonly random?: Random
  readonly machine?: Partial<SubscriberOptions>
  /** Subscriptions at a time (200,000). */
  readonly limit?: number
  /** Told what an owner threw. */
  readonly fault: (error: unknown) => void
}

export interface Wanted<T> {
  /** URIs as text, for From and To; kept as they are, so in storage of their own. */
  readonly from: string
  readonly to: string
  /** The Request-URI, where it is not the same as `to`. */
  readonly target?: string
  readonly event: EventField
  /** Seconds; 0: only what the state is now (RFC 6665 §4.4.3). */
  readonly expires: number
  readonly data: T
}

/** What a NOTIFY brought, for the effects of its step. */
interface Brought<D> {
  readonly incoming: IncomingRequest
  readonly read: Result<D, Unread> | undefined
}

/** The subscriptions of an endpoint (RFC 6665 §4.1), found by our tag. */
export class Subscriptions<T, D> {
  readonly #owner: SubscriptionOwner<T, D>
  readonly #clock: Clock
  readonly #random: Random
  readonly #machine: SubscriberMachine
  readonly #limit: number
  readonly #table = new Map<string, Subscription<T>>()
  readonly #alarms: Alarms<Subscription<T>>
  readonly #turns = new Turns()
  readonly #requests: DialogRequests<Subscription<T>>
  readonly #stepOf = (subscription: Subscription<unknown>, event: SubscriberEvent): void =>
    this.#step(subscription as Subscription<T>, event)
  #refused = 0
  #unmatched = 0

  constructor(options: SubscriptionsOptions<T, D>) {
    this.#owner = options.owner
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#limit = options.limit ?? 200_000
    this.#machine = subscriberMachine({ ...DEFAULT_SUBSCRIBER, ...options.machine })
    this.#alarms = new Alarms({
      clock: this.#clock,
      timers: options.timers,
      atOf: ({ state }) => this.#machine.alarmAt(state),
      ring: (subscription) => this.#step(subscription, { kind: 'alarm' }),
    })
    this.#requests = new DialogRequests({
      endpoint: options.endpoint,
      owner: options.owner,
      isThere: (subscription) => this.#table.get(subscription.id) === subscription,
      reserved: (subscription) => this.#save(subscription, subscription.state, true),
      fault: options.fault,
    })
  }

  get size(): number {
    return this.#table.size
  }

  /** `refused`: not begun, since the table was full; `unmatched`: NOTIFYs that got 481. */
  stats(): { readonly size: number; readonly refused: number; readonly unmatched: number } {
    return { size: this.size, refused: this.#refused, unmatched: this.#unmatched }
  }

  get(id: string): Subscription<T> | undefined {
    return this.#table.get(id)
  }

  values(): IterableIterator<Subscription<T>> {
    return this.#table.values()
  }

  subscribe(wanted: Wanted<T>): Result<Subscription<T>, 'full'> {
    const { from, to, expires } = wanted
    const dialog: Dialog = {
      callId: this.#random.token(22),
      localTag: this.#random.token(22),
      remoteTag: '',
      localUri: from,
      remoteUri: to,
      localCSeq: 0,
      routes: [],
      target: wanted.target ?? to,
      secure: false,
    }
    const made = this.#add(dialog, wanted.event, wanted.data)
    if (made.ok) this.#step(made.value, expires === 0 ? { kind: 'fetch' } : { kind: 'subscribe', expires })
    return made
  }

  /**
   * Goes on with a subscription of an earlier process: it is refreshed within `spread` milliseconds, which brings the
   * whole state anew.
   */
  resume(saved: SavedSubscription, data: T, spread: number): Result<Subscription<T>, 'full' | 'expired'> {
    const now = Math.floor(this.#clock.now())
    const until = now + saved.until - Math.round(this.#clock.wall())
    const event = parseEvent(saved.event)
    if (until <= now || event === undefined) return err('expired')
    const made = this.#add(saved.dialog, event, data)
    if (!made.ok) return made
    const { status, asked = 3600 } = saved
    const refreshAt = now + Math.round(Math.min(spread, (until - now) / 2) * this.#random.fraction())
    made.value.reserved = saved.dialog.localCSeq
    made.value.state = { kind: 'established', status, asked, until, refreshAt }
    this.#alarms.set(made.value)
    return made
  }

  /** Undefined while there is nothing that could go on later. */
  saved(subscription: Subscription<T>): SavedSubscription | undefined {
    const state = lasting(subscription.state)
    if (state === undefined) return undefined
    const { status, asked } = state
    const until = Math.round(this.#clock.wall() + state.until - this.#clock.now())
    const { event } = subscription
    return { version: 1, dialog: recorded(subscription), event: eventText(event), status, until, asked }
  }

  /** Takes a NOTIFY; 481 where nobody knows it. */
  receive(incoming: IncomingRequest): void {
    const { request } = incoming
    const { headers } = request
    const event = parseEvent(headers.get('Event'))
    const subscription = this.#table.get(tagIn(headers.to()) ?? '')
    if (subscription === undefined || headers.get('Call-ID') !== subscription.dialog.callId) {
      this.#unmatched++
      incoming.respond(481)
    } else if (event?.package !== subscription.event.package) incoming.respond(489)
    else if (!sameEvent(event, subscription.event)) incoming.respond(481)
    else this.#notify(subscription, incoming)
  }

  /** Forgets all, and ends nothing: what is saved may go on. */
  close(): void {
    for (const subscription of this.#table.values()) this.#alarms.drop(subscription)
    this.#table.clear()
  }

  #add(dialog: Dialog, event: EventField, data: T): Result<Subscription<T>, 'full'> {
    if (this.#table.size >= this.#limit) {
      this.#refused++
      return err('full')
    }
    const subscription = new Subscription(dialog, keptEvent(event), data, this.#stepOf)
    this.#table.set(dialog.localTag, subscription)
    return ok(subscription)
  }

  #notify(subscription: Subscription<T>, incoming: IncomingRequest): void {
    const { request } = incoming
    const said = parseSubscriptionState(request.headers.get('Subscription-State') ?? '')
    if (!said.ok) {
      incoming.respond(400, { reason: 'Bad Subscription-State' })
      return
    }
    const own = isWithin(subscription.dialog, request)
    if (own) {
      const dialog = this.#dialogAfter(subscription, request, said.value)
      if (typeof dialog === 'number') {
        incoming.respond(dialog)
        return
      }
      subscription.dialog = dialog
    }
    const read =
      own && request.body.length > 0
        ? this.#requests.guarded(() => this.#owner.read(request, subscription), UNREAD)
        : undefined
    const event = notifyEvent(said.value, own, read?.ok === true)
    this.#step(subscription, event, { incoming, read })
  }

  /** Of a NOTIFY that belongs to it; a number: the status of the answer. */
  #dialogAfter(
    { dialog, state }: Subscription<T>,
    request: SipRequest,
    said: SubscriptionState,
  ): Dialog | number {
    if (dialog.remoteTag !== '') {
      const next = received(dialog, request)
      return next === undefined ? 500 : refreshed(next, request)
    }
    // One that ends before it begins makes none (§4.4.1).
    if (said.kind === 'terminated' || (state.kind === 'waiting' && state.asked === 0)) return dialog
    const made = dialogOfNotify(dialog, request)
    return made.ok ? made.value : 400
  }

  #step(subscription: Subscription<T>, event: SubscriberEvent, brought?: Brought<D>): void {
    this.#turns.run(() => {
      if (this.#table.get(subscription.id) !== subscription) {
        brought?.incoming.respond(481)
        return
      }
      const before = subscription.state
      const at = { now: Math.floor(this.#clock.now()), fraction: this.#random.fraction() }
      const [next, effects] = this.#machine.step(before, event, at)
      subscription.state = next
      if (next.kind === 'ended') {
        this.#table.delete(subscription.id)
        this.#alarms.drop(subscription)
      } else this.#alarms.set(subscription)
      let reserved = false
      const reports: Report[] = []
      for (const effect of effects) {
        switch (effect.kind) {
          case 'subscribe':
            reserved = this.#send(subscription, effect.expires) || reserved
            break
          case 'answer':
            answerWith(effect.status, brought)
            break
          case 'report':
            reports.push(effect.report)
            break
          default:
            effect satisfies never
        }
      }
      this.#save(subscription, before, reserved)
      for (const report of reports)
        this.#requests.guarded(() => this.#report(subscription, report, brought), undefined)
    })
  }

  #report(subscription: Subscription<T>, report: Report, brought: Brought<D> | undefined): void {
    switch (report.kind) {
      case 'pending':
        this.#owner.pending(subscription)
        break
      case 'active':
        this.#owner.active(subscription, report.body)
        break
      case 'body':
        if (brought?.read?.ok) this.#owner.state(brought.read.value, subscription)
        break
      case 'left':
        this.#owner.left?.(subscription)
        break
      case 'ended':
        this.#owner.ended(report.end, subscription)
        break
      default:
        report satisfies never
    }
  }

  /** True where a block of numbers was reserved. */
  #send(subscription: Subscription<T>, expires: number): boolean {
    const within = subscription.dialog.remoteTag !== ''
    const write = (): SipRequest =>
      requestWithin(subscription.dialog, 'SUBSCRIBE', [
        ['Event', eventText(subscription.event)],
        ['Expires', String(expires)],
        ...this.#owner.fields(subscription),
      ])
    return this.#requests.send(subscription, write, (outcome) => {
      if (outcome.kind !== 'response')
        return this.#step(subscription, { kind: 'no-response', reason: outcome.kind })
      const { status, headers } = outcome.response
      if (within && status < 300) subscription.dialog = refreshed(subscription.dialog, outcome.response)
      this.#step(subscription, {
        kind: 'response',
        status,
        expires: seconds(headers.get('Expires')),
        minExpires: seconds(headers.get('Min-Expires')),
        retryAfter: seconds(headers.get('Retry-After')),
      })
    })
  }

  #save(subscription: Subscription<T>, before: SubscriberState, reserved: boolean): void {
    const was = lasting(before)
    const is = lasting(subscription.state)
    const same = was?.status === is?.status && was?.until === is?.until
    if (this.#owner.save === undefined || (same && !(reserved && is !== undefined))) return
    this.#requests.guarded(() => this.#owner.save?.(subscription, this.saved(subscription)), undefined)
  }
}

const UNREAD: { readonly ok: false; readonly error: Unread } = { ok: false, error: { status: 500 } }

/** What could go on in another process. */
const lasting = (state: SubscriberState): Established | Refreshing | undefined =>
  state.kind === 'established' || state.kind === 'refreshing' ? state : undefined

function answerWith(status: number, brought: Brought<unknown> | undefined): void {
  if (brought === undefined) return
  const { incoming, read } = brought
  if (status === 200 && read?.ok === false) incoming.respond(read.error.status, read.error)
  else incoming.respond(status)
}

function notifyEvent(said: SubscriptionState, own: boolean, body: boolean): Notify {
  const dialog = own ? 'own' : 'fork'
  switch (said.kind) {
    case 'terminated':
      return {
        kind: 'notify',
        dialog,
        state: 'terminated',
        reason: said.reason,
        retryAfter: said.retryAfter,
        body,
      }
    case 'other':
      return { kind: 'notify', dialog, state: undefined, expires: said.expires, body }
    default:
      return { kind: 'notify', dialog, state: said.kind, expires: said.expires, body }
  }
}
