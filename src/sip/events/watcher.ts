import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Dialog } from '../dialog.ts'
import type { Source } from '../endpoint/endpoint.ts'
import type { RespondOptions } from '../endpoint/recipe.ts'
import type { HeaderField } from '../headers.ts'
import type { SipRequest } from '../message.ts'
import type { TerminationReason } from '../subscription-state.ts'
import type { Alarmed } from './alarms.ts'
import type { Hops, Sending } from './carry.ts'
import type { EventField } from './fields.ts'
import { INIT } from './notifier.ts'
import type { NotifierEnd, NotifierEvent, NotifierState } from './notifier-state.ts'
import type { Numbered } from './numbers.ts'
import type { SavedSubscription } from './saved.ts'
import type { Status } from './subscriber-state.ts'

/** The first SUBSCRIBE of somebody; to be accepted or refused, once, and without waiting for a person (RFC 6665 §4.2.1). */
export interface Offer<T> {
  readonly request: SipRequest
  readonly source: Source
  readonly event: EventField
  /** Seconds that it will have; 0: only what the state is now. */
  readonly expires: number
  /** 200, and NOTIFY at once. Undefined: it was answered otherwise, for no dialog can be made with it. */
  accept(status: Status, data: T): Watcher<T> | undefined
  refuse(status: number, options?: RespondOptions): void
}

/** The body of a NOTIFY with the header fields that describe it. */
export interface Content {
  readonly fields: readonly HeaderField[]
  readonly body: Uint8Array
}

/** Whoever knows the state: what it must give, and what it is told. */
export interface WatcherOwner<T> {
  offered(offer: Offer<T>): void
  /** Where a NOTIFY goes. */
  hops(request: SipRequest, watcher: Watcher<T>): Hops
  /** Which of the NOTIFYs go the same way, of which so many are under way at a time; absent: all. */
  lane?(watcher: Watcher<T>): string
  /** How it goes there; absent: as it is, and a challenge is an answer like another. */
  sending?(watcher: Watcher<T>): Sending | undefined
  /** Of each NOTIFY and each 200 to SUBSCRIBE: Contact (a GRUU: RFC 6665 §4.5.1) and the like. */
  fields(watcher: Watcher<T>): readonly HeaderField[]
  /**
   * The state for somebody who may know it, when it is sent: so the last one wins. Undefined where none is known.
   * @param what `last`: the subscription is over, not refreshed or left
   */
  content(watcher: Watcher<T>, what: 'now' | 'last'): Content | undefined
  /** The watcher is still there. */
  refreshed?(watcher: Watcher<T>): void
  /** Exactly once, after it was accepted or resumed. */
  ended(end: NotifierEnd, watcher: Watcher<T>): void
  /** What to keep of it; undefined: no more. Each time that changes. */
  save?(watcher: Watcher<T>, saved: SavedSubscription | undefined): void
}

/** How the table steps it. @internal */
export type StepWatcher = (watcher: Watcher<unknown>, event: NotifierEvent) => void

/** Somebody who watches the state of one of ours. */
export class Watcher<T> implements Alarmed, Numbered {
  /** The owner's. */
  readonly data: T
  readonly event: EventField
  dialog: Dialog
  /** What it may know, as long as it is there. */
  status: Status
  /** @internal */
  state: NotifierState = INIT
  /** @internal */
  reserved = 0
  /** @internal */
  timer: Timer | undefined = undefined
  /** @internal */
  due: number | undefined = undefined
  readonly #step: StepWatcher

  /** @internal */
  constructor(dialog: Dialog, event: EventField, status: Status, data: T, step: StepWatcher) {
    this.dialog = dialog
    this.event = event
    this.status = status
    this.data = data
    this.#step = step
  }

  /** Found again by it: our tag. */
  get id(): string {
    return this.dialog.localTag
  }

  /** It may know the state, from now on. */
  grant(): void {
    this.#step(this, { kind: 'granted' })
  }

  /** There is something new to tell. */
  changed(): void {
    this.#step(this, { kind: 'changed' })
  }

  /** @param retryAfter seconds, where the reason is one after which a watcher comes back */
  end(reason: TerminationReason, retryAfter?: number): void {
    this.#step(this, { kind: 'end', reason, retryAfter })
  }
}
