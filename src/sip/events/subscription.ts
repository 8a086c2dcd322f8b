import type { Result } from '../../kernel/result.ts'
import type { Timer } from '../../kernel/timer-wheel.ts'
import type { Dialog } from '../dialog.ts'
import type { RespondOptions } from '../endpoint/recipe.ts'
import type { HeaderField } from '../headers.ts'
import type { SipRequest } from '../message.ts'
import type { Alarmed } from './alarms.ts'
import type { Hops, Sending } from './carry.ts'
import type { End } from './ending.ts'
import type { EventField } from './fields.ts'
import type { Numbered } from './numbers.ts'
import type { SavedSubscription } from './saved.ts'
import { IDLE } from './subscriber.ts'
import type { Status, SubscriberEvent, SubscriberState } from './subscriber-state.ts'

/** What a NOTIFY is refused with whose body cannot be taken; its Subscription-State counts all the same. */
export interface Unread extends RespondOptions {
  readonly status: number
}

/** Whoever wants to know: what it must give, and what it is told. */
export interface SubscriptionOwner<T, D> {
  /** Where a SUBSCRIBE goes. */
  hops(request: SipRequest, subscription: Subscription<T>): Hops
  /** How it goes there; absent: as it is, and a challenge is an answer like another. */
  sending?(subscription: Subscription<T>): Sending | undefined
  /** Of each SUBSCRIBE: Contact (a GRUU: RFC 6665 §4.5.1), Accept and the like. */
  fields(subscription: Subscription<T>): readonly HeaderField[]
  /** Reads the body of a NOTIFY that has one. */
  read(notify: SipRequest, subscription: Subscription<T>): Result<D, Unread>
  /** The state now. */
  state(document: D, subscription: Subscription<T>): void
  /** It was answered, and nobody has decided yet. */
  pending(subscription: Subscription<T>): void
  /** @param known `state` follows: the NOTIFY that says so has it */
  active(subscription: Subscription<T>, known: boolean): void
  /** The notifier knows that we leave; `ended` still follows. */
  left?(subscription: Subscription<T>): void
  /** Exactly once. Whoever asks for a new one as `retry` says must do so less and less often. */
  ended(end: End, subscription: Subscription<T>): void
  /** What to keep of it; undefined: no more. Each time that changes. */
  save?(subscription: Subscription<T>, saved: SavedSubscription | undefined): void
}

/** How the table steps it. @internal */
export type StepSubscription = (subscription: Subscription<unknown>, event: SubscriberEvent) => void

/** Our end of a subscription to somebody's state. */
export class Subscription<T> implements Alarmed, Numbered {
  /** The owner's. */
  readonly data: T
  readonly event: EventField
  dialog: Dialog
  /** @internal */
  state: SubscriberState = IDLE
  /** @internal */
  reserved = 0
  /** @internal */
  timer: Timer | undefined = undefined
  /** @internal */
  due: number | undefined = undefined
  readonly #step: StepSubscription

  /** @internal */
  constructor(dialog: Dialog, event: EventField, data: T, step: StepSubscription) {
    this.dialog = dialog
    this.event = event
    this.data = data
    this.#step = step
  }

  /** Found again by it: our tag. */
  get id(): string {
    return this.dialog.localTag
  }

  /** Undefined: no NOTIFY came yet, or it is over. */
  get status(): Status | undefined {
    return 'status' in this.state ? this.state.status : undefined
  }

  /** We want no more. `ended` follows. */
  leave(): void {
    this.#step(this, { kind: 'leave' })
  }

  /** The whole state anew. */
  refresh(): void {
    this.#step(this, { kind: 'fetch' })
  }
}
