import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Random, systemRandom } from '../../kernel/random.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import {
  type Dialog,
  dialogOfRequest,
  isWithin,
  received,
  refreshed,
  requestWithin,
  tagIn,
} from '../dialog.ts'
import type { Endpoint, IncomingRequest } from '../endpoint/endpoint.ts'
import type { HeaderField } from '../headers.ts'
import type { SipRequest } from '../message.ts'
import { subscriptionStateText } from '../subscription-state.ts'
import { Alarms } from './alarms.ts'
import { type EventField, eventText, keptEvent, parseEvent, sameEvent, seconds } from './fields.ts'
import {
  type Asked,
  allowEvents,
  checkSubscribe,
  DEFAULT_INTAKE,
  type EventPackage,
  type IntakeLimits,
} from './intake.ts'
import { Lanes } from './lanes.ts'
import { type NotifierMachine, notifierMachine } from './notifier.ts'
import {
  DEFAULT_NOTIFIER,
  type NotifierEffect,
  type NotifierEnd,
  type NotifierEvent,
  type NotifierOptions,
  type NotifierState,
} from './notifier-state.ts'
import { recorded } from './numbers.ts'
import { DialogRequests } from './requests.ts'
import type { SavedSubscription } from './saved.ts'
import type { Status } from './subscriber-state.ts'
import { Turns } from './turns.ts'
import { type Content, Watcher, type WatcherOwner } from './watcher.ts'

export interface WatchersOptions<T> {
  /** Asked for when it is needed, since it is made with whoever takes its requests. */
  readonly endpoint: () => Endpoint
  readonly owner: WatcherOwner<T>
  readonly packages: readonly EventPackage[]
  readonly timers: Timers
  readonly clock?: Clock
  readonly random?: Random
  readonly machine?: Partial<NotifierOptions>
  readonly intake?: Partial<IntakeLimits>
  /** Watchers at a time (200,000): one more gets 503. */
  readonly limit?: number
  /** NOTIFYs under way at a time, on each lane of the owner's (500). */
  readonly underWay?: number
  /** Seconds in the Retry-After of that 503 (60). */
  readonly retryAfter?: number
  /** Told what an owner threw. */
  readonly fault: (error: unknown) => void
}

/** The watchers of an endpoint (RFC 6665 §4.2), found by our tag. */
export class Watchers<T> {
  readonly #options: WatchersOptions<T>
  readonly #owner: WatcherOwner<T>
  readonly #clock: Clock
  readonly #random: Random
  readonly #machine: NotifierMachine
  readonly #intake: IntakeLimits
  readonly #allow: HeaderField
  readonly #limit: number
  readonly #table = new Map<string, Watcher<T>>()
  readonly #alarms: Alarms<Watcher<T>>
  readonly #turns = new Turns()
  readonly #lanes: Lanes
  readonly #requests: DialogRequests<Watcher<T>>
  readonly #stepOf = (watcher: Watcher<unknown>, event: NotifierEvent): void =>
    this.#step(watcher as Watcher<T>, event)
  #refused = 0
  #unmatched = 0

  constructor(options: WatchersOptions<T>) {
    this.#options = options
    this.#owner = options.owner
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#limit = options.limit ?? 200_000
    this.#lanes = new Lanes(options.underWay ?? 500)
    this.#machine = notifierMachine({ ...DEFAULT_NOTIFIER, ...options.machine })
    this.#intake = { ...DEFAULT_INTAKE, ...options.intake }
    this.#allow = allowEvents(options.packages)
    this.#alarms = new Alarms({
      clock: this.#clock,
      timers: options.timers,
      atOf: ({ state }) => this.#machine.alarmAt(state),
      ring: (watcher) => this.#step(watcher, { kind: 'alarm' }),
    })
    this.#requests = new DialogRequests({
      endpoint: options.endpoint,
      owner: options.owner,
      isThere: (watcher) => this.#table.get(watcher.id) === watcher,
      reserved: (watcher) => this.#save(watcher, watcher.state, true),
      fault: options.fault,
    })
  }

  get size(): number {
    return this.#table.size
  }

  /**
   * `refused`: 503, since the table was full; `unmatched`: SUBSCRIBEs within dialogs that nobody knows; `waiting`: NOTIFYs that
   * wait for others to be answered.
   */
  stats(): Readonly<Record<'size' | 'refused' | 'unmatched' | 'waiting', number>> {
    const { size } = this
    return { size, refused: this.#refused, unmatched: this.#unmatched, waiting: this.#lanes.waiting }
  }

  get(id: string): Watcher<T> | undefined {
    return this.#table.get(id)
  }

  values(): IterableIterator<Watcher<T>> {
    return this.#table.values()
  }

  /** Takes a SUBSCRIBE. */
  receive(incoming: IncomingRequest): void {
    const { request } = incoming
    const tag = tagIn(request.headers.to())
    const watcher = tag === undefined ? undefined : this.#table.get(tag)
    if (tag !== undefined && (watcher === undefined || !isWithin(watcher.dialog, request))) {
      this.#unmatched++
      incoming.respond(481)
      return
    }
    const asked = checkSubscribe(request.headers, this.#options.packages, this.#intake)
    if (!asked.ok) incoming.respond(asked.error.status, { headers: asked.error.headers })
    else if (watcher === undefined) this.#first(incoming, asked.value)
    else this.#again(watcher, incoming, asked.value)
  }

  /** Goes on with a watcher of an earlier process, who does not notice. */
  resume(saved: SavedSubscription, data: T): Result<Watcher<T>, 'full' | 'expired'> {
    const now = this.#now()
    const since = now - Math.round(this.#clock.wall())
    const event = parseEvent(saved.event)
    if (saved.until + since <= now || event === undefined) return err('expired')
    if (this.#table.size >= this.#limit) {
      this.#refused++
      return err('full')
    }
    const watcher = this.#add(saved.dialog, event, saved.status, data)
    watcher.reserved = saved.dialog.localCSeq
    watcher.state = {
      kind: 'live',
      status: saved.status,
      until: saved.until + since,
      giveUpAt: saved.giveUpAt === undefined ? undefined : saved.giveUpAt + since,
      sent: false,
      due: 'nothing',
      notBefore: now,
      failures: 0,
    }
    this.#alarms.set(watcher)
    return ok(watcher)
  }

  /** Undefined where it is over. */
  saved(watcher: Watcher<T>): SavedSubscription | undefined {
    const { state, event } = watcher
    if (state.kind !== 'live') return undefined
    const since = this.#clock.wall() - this.#clock.now()
    const { status, until, giveUpAt } = state
    return {
      version: 1,
      dialog: recorded(watcher),
      event: eventText(event),
      status,
      until: Math.round(until + since),
      ...(giveUpAt === undefined ? {} : { giveUpAt: Math.round(giveUpAt + since) }),
    }
  }

  /** Forgets all, and ends nothing: what is saved may go on. */
  close(): void {
    for (const watcher of this.#table.values()) this.#alarms.drop(watcher)
    this.#table.clear()
    this.#lanes.clear()
  }

  /** Whole milliseconds: what the machine keeps. */
  #now(): number {
    return Math.floor(this.#clock.now())
  }

  #first(incoming: IncomingRequest, { event, expires }: Asked): void {
    const { request, source } = incoming
    if (this.#full(incoming)) return
    let answered = false
    this.#owner.offered({
      request,
      source,
      event,
      expires,
      accept: (status, data) => {
        if (answered) return undefined
        answered = true
        if (this.#full(incoming)) return undefined
        const dialog = dialogOfRequest(request, this.#random.token(22), source.transport === 'tls')
        if (!dialog.ok) {
          incoming.respond(400, { reason: 'No dialog can be made' })
          return undefined
        }
        const watcher = this.#add(dialog.value, event, status, data)
        this.#step(watcher, { kind: 'subscribe', expires, status }, incoming)
        return watcher
      },
      refuse: (status, options) => {
        if (answered) return
        answered = true
        incoming.respond(status, options)
      },
    })
  }

  #full(incoming: IncomingRequest): boolean {
    if (this.#table.size < this.#limit) return false
    this.#refused++
    incoming.respond(503, { headers: [['Retry-After', String(this.#options.retryAfter ?? 60)]] })
    return true
  }

  #again(watcher: Watcher<T>, incoming: IncomingRequest, { event, expires }: Asked): void {
    const { request } = incoming
    const dialog = received(watcher.dialog, request)
    if (dialog === undefined) incoming.respond(500, { reason: 'CSeq out of order' })
    else if (!sameEvent(event, watcher.event)) incoming.respond(481)
    else {
      watcher.dialog = refreshed(dialog, request)
      this.#step(watcher, { kind: 'refresh', expires }, incoming)
      if (watcher.state.kind === 'live')
        this.#requests.guarded(() => this.#owner.refreshed?.(watcher), undefined)
    }
  }

  #add(dialog: Dialog, event: EventField, status: Status, data: T): Watcher<T> {
    const watcher = new Watcher(dialog, keptEvent(event), status, data, this.#stepOf)
    this.#table.set(dialog.localTag, watcher)
    return watcher
  }

  #step(watcher: Watcher<T>, event: NotifierEvent, incoming?: IncomingRequest): void {
    this.#turns.run(() => {
      if (this.#table.get(watcher.id) !== watcher) {
        incoming?.respond(481)
        return
      }
      const before = watcher.state
      const [next, effects] = this.#machine.step(before, event, this.#now())
      watcher.state = next
      if (next.kind === 'live') watcher.status = next.status
      if (next.kind === 'ended') {
        this.#table.delete(watcher.id)
        this.#alarms.drop(watcher)
      } else this.#alarms.set(watcher)
      let reserved = false
      let end: NotifierEnd | undefined
      for (const effect of effects) if (effect.kind === 'ended') end = effect.end
      for (const effect of effects) {
        if (effect.kind === 'answer') this.#answer(watcher, effect, before, incoming)
        else if (effect.kind === 'notify') reserved = this.#notify(watcher, effect, end) || reserved
      }
      this.#save(watcher, before, reserved)
      if (end !== undefined) this.#ended(watcher, end)
    })
  }

  #ended(watcher: Watcher<T>, end: NotifierEnd): void {
    this.#requests.guarded(() => this.#owner.ended(end, watcher), undefined)
  }

  #answer(
    watcher: Watcher<T>,
    effect: NotifierEffect & { readonly kind: 'answer' },
    before: NotifierState,
    incoming: IncomingRequest | undefined,
  ): void {
    if (incoming === undefined) return
    if (effect.status === 481) {
      incoming.respond(481)
      return
    }
    const { headers } = incoming.request
    const own = this.#requests.guarded(() => this.#owner.fields(watcher), [])
    const fields: HeaderField[] = [['Expires', String(effect.expires)], ...own, this.#allow]
    if (before.kind !== 'init') {
      incoming.respond(200, { headers: fields })
      return
    }
    // RFC 3261 §12.1.1
    for (const route of headers.all('Record-Route')) fields.push(['Record-Route', route])
    incoming.respond(200, { headers: fields, to: `${headers.get('To')};tag=${watcher.id}` })
  }

  /** Now, or when others on the same way are answered: with what is true then. True where a block of numbers was reserved. */
  #notify(watcher: Watcher<T>, effect: Notify, end: NotifierEnd | undefined): boolean {
    let reserved = false
    let later = false
    const lane = this.#requests.guarded(() => this.#owner.lane?.(watcher), undefined) ?? ''
    this.#lanes.enter(lane, (leave) => {
      // It has ended while it waited: only its last word is still to be said.
      if (later && effect.state !== 'terminated' && watcher.state.kind !== 'live') {
        leave()
        this.#step(watcher, { kind: 'response', status: 200 })
        return
      }
      const took = this.#send(watcher, effect, end, leave)
      if (!later) reserved = took
      else if (took) this.#save(watcher, watcher.state, true)
    })
    later = true
    return reserved
  }

  #send(watcher: Watcher<T>, effect: Notify, end: NotifierEnd | undefined, leave: () => void): boolean {
    const write = (): SipRequest => {
      const content = this.#content(watcher, effect, end)
      if (content === undefined && effect.state === 'active') this.#step(watcher, { kind: 'empty' })
      const fields: readonly HeaderField[] = [
        ['Event', eventText(watcher.event)],
        ['Subscription-State', stateText(effect)],
        ...this.#owner.fields(watcher),
        ...(content?.fields ?? []),
      ]
      return requestWithin(watcher.dialog, 'NOTIFY', fields, content?.body)
    }
    return this.#requests.send(watcher, write, (outcome) => {
      leave()
      if (outcome.kind !== 'response') {
        this.#step(watcher, { kind: 'no-response', reason: outcome.kind })
        return
      }
      const { status, headers } = outcome.response
      if (status < 300) watcher.dialog = refreshed(watcher.dialog, outcome.response)
      this.#step(watcher, { kind: 'response', status, retryAfter: seconds(headers.get('Retry-After')) })
    })
  }

  /** Only for those who may know it, and not for those who just lost that. */
  #content(watcher: Watcher<T>, effect: Notify, end: NotifierEnd | undefined): Content | undefined {
    if (watcher.status !== 'active') return undefined
    if (effect.state !== 'terminated') return this.#owner.content(watcher, 'now')
    if (effect.reason !== 'timeout') return undefined
    return this.#owner.content(watcher, end?.kind === 'fetched' ? 'now' : 'last')
  }

  #save(watcher: Watcher<T>, before: NotifierState, reserved: boolean): void {
    if (this.#owner.save === undefined) return
    const was = before.kind === 'live' ? before : undefined
    const is = watcher.state.kind === 'live' ? watcher.state : undefined
    const same = was?.status === is?.status && was?.until === is?.until
    if (same && !(reserved && is !== undefined)) return
    this.#requests.guarded(() => this.#owner.save?.(watcher, this.saved(watcher)), undefined)
  }
}

type Notify = NotifierEffect & { readonly kind: 'notify' }

const stateText = (effect: Notify): string =>
  effect.state === 'terminated'
    ? subscriptionStateText({ kind: 'terminated', reason: effect.reason, retryAfter: effect.retryAfter })
    : subscriptionStateText({ kind: effect.state, expires: effect.expires })
