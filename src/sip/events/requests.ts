import type { Endpoint, Outcome } from '../endpoint/endpoint.ts'
import type { SipRequest } from '../message.ts'
import { carry, type Hops, type Sending } from './carry.ts'
import { type Numbered, numbered, takeNumber } from './numbers.ts'

/** Whoever knows the way of the requests. */
export interface WayOwner<I> {
  hops(request: SipRequest, item: I): Hops
  sending?(item: I): Sending | undefined
}

export interface DialogRequestsOptions<I> {
  readonly endpoint: () => Endpoint
  readonly owner: WayOwner<I>
  /** Whether it is still in its table. */
  readonly isThere: (item: I) => boolean
  /** A block of numbers was reserved, and must be recorded. */
  readonly reserved: (item: I) => void
  /** Told what an owner threw. */
  readonly fault: (error: unknown) => void
}

/** The requests of very many dialogs, each on its owner's way. What an owner throws is told, and the dialog goes on without it. */
export class DialogRequests<I extends Numbered> {
  readonly #options: DialogRequestsOptions<I>

  constructor(options: DialogRequestsOptions<I>) {
    this.#options = options
  }

  /**
   * Takes the next number and sends the request.
   * @param write the request, with the number that was taken
   * @param done exactly once, never before this returns
   * @returns whether a block of numbers was reserved
   */
  send(item: I, write: () => SipRequest, done: (outcome: Outcome) => void): boolean {
    const { endpoint, owner } = this.#options
    const reserved = takeNumber(item)
    const told = (outcome: Outcome): void => this.guarded(() => done(outcome), undefined)
    const request = this.guarded(write, undefined)
    if (request === undefined) {
      queueMicrotask(() => told({ kind: 'transport-failure', reason: 'it could not be written' }))
      return reserved
    }
    const hops = this.guarded(() => owner.hops(request, item), [])
    const sending = this.guarded(() => owner.sending?.(item), undefined)
    carry(endpoint(), { request, hops, sending, again: () => this.#again(item, request) }, told)
    return reserved
  }

  /** After a challenge: the next number, which is recorded like every other. */
  #again(item: I, request: SipRequest): SipRequest | undefined {
    const { isThere, reserved } = this.#options
    if (!isThere(item)) return undefined
    if (takeNumber(item)) reserved(item)
    return numbered(item, request)
  }

  /** What an owner says, or `otherwise` where it throws. */
  guarded<R>(ask: () => R, otherwise: R): R {
    try {
      return ask()
    } catch (error) {
      this.#options.fault(error)
      return otherwise
    }
  }
}
