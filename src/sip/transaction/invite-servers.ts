import { Fingerprints } from '../../kernel/fingerprint.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { SipRequest } from '../message.ts'
import {
  type InviteServerEvent,
  type InviteServerMachine,
  type InviteServerState,
  inviteServer,
} from './invite-server.ts'
import type { TimerValues } from './timers.ts'

export interface InviteServerHooks<Way, Recipe> {
  /** Write and send a response. The tag is the transaction's own, for To. */
  send(request: SipRequest, way: Way, recipe: Recipe, tag: string): void
  /** A response after the final one was thrown away. */
  discarded(): void
  /** No ACK came for the final response. */
  unacknowledged(request: SipRequest): void
}

/** An INVITE that came in, until nothing of it can come again. */
export class InviteServerTransaction<Way, Recipe> {
  readonly request: SipRequest
  readonly way: Way
  readonly key: string
  /** What copies of it have in common that come by other ways; undefined where that is no matter. */
  readonly merged: string | undefined
  readonly machine: InviteServerMachine
  readonly #table: InviteServers<Way, Recipe>
  state: InviteServerState
  last: Recipe | undefined
  /** The CANCEL that came first. */
  cancel: SipRequest | undefined
  /** What the transaction user wants done then, once. */
  cancelled: ((cancel: SipRequest) => void) | undefined
  readonly timers = new Map<string, Timer>()

  constructor(
    table: InviteServers<Way, Recipe>,
    request: SipRequest,
    way: Way,
    keys: { key: string; merged: string | undefined },
    machine: InviteServerMachine,
  ) {
    this.#table = table
    this.request = request
    this.way = way
    this.key = keys.key
    this.merged = keys.merged
    this.machine = machine
    this.state = machine.start
  }

  /** No final response yet. */
  get open(): boolean {
    return this.state.kind === 'proceeding'
  }

  respond(status: number, recipe: Recipe): void {
    this.#table.step(this, status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure', recipe)
  }
}

/** The INVITE server transactions of an endpoint (RFC 3261 §17.2.1, RFC 6026). */
export class InviteServers<Way, Recipe> {
  readonly #hooks: InviteServerHooks<Way, Recipe>
  readonly #timers: Timers
  readonly #unreliable: InviteServerMachine
  readonly #reliable: InviteServerMachine
  readonly #active = new Map<string, InviteServerTransaction<Way, Recipe>>()
  readonly #merged = new Set<string>()
  readonly #tags: Fingerprints
  #open = 0

  constructor(deps: {
    hooks: InviteServerHooks<Way, Recipe>
    timers: Timers
    values: TimerValues
    random: Random
  }) {
    this.#hooks = deps.hooks
    this.#timers = deps.timers
    this.#unreliable = inviteServer(deps.values, false)
    this.#reliable = inviteServer(deps.values, true)
    this.#tags = new Fingerprints(deps.random.token(24))
  }

  /** Those that absorb retransmissions included. */
  get size(): number {
    return this.#active.size
  }

  /** Without a final response. */
  get open(): number {
    return this.#open
  }

  find(key: string): InviteServerTransaction<Way, Recipe> | undefined {
    return this.#active.get(key)
  }

  /** Another copy of this request is here, and came by a different way (RFC 3261 §8.2.2.2). */
  isMerged(merged: string | undefined): boolean {
    return merged !== undefined && this.#merged.has(merged)
  }

  begin(
    key: string,
    merged: string | undefined,
    request: SipRequest,
    way: Way,
    reliable: boolean,
  ): InviteServerTransaction<Way, Recipe> {
    const machine = reliable ? this.#reliable : this.#unreliable
    const transaction = new InviteServerTransaction(this, request, way, { key, merged }, machine)
    this.#active.set(key, transaction)
    if (merged !== undefined) this.#merged.add(merged)
    this.#open++
    return transaction
  }

  /**
   * An ACK with this key.
   * @returns `absorbed`: it was for a refusal, or for nothing that was said; `pass`: it is the transaction user's, as is
   * one that matches nothing
   */
  ack(key: string): 'absorbed' | 'pass' {
    const transaction = this.#active.get(key)
    if (transaction === undefined) return 'pass'
    const { kind } = transaction.state
    this.step(transaction, 'ack')
    return kind === 'accepted' ? 'pass' : 'absorbed'
  }

  clear(): void {
    for (const transaction of this.#active.values()) this.#enter(transaction, { kind: 'terminated' })
  }

  /** Tells the transactions of this process apart, and a stranger nothing (RFC 3261 §19.3). */
  tagOf(transaction: InviteServerTransaction<Way, Recipe>): string {
    return this.#tags.of(transaction.key).text()
  }

  #enter(transaction: InviteServerTransaction<Way, Recipe>, next: InviteServerState): void {
    const wasOpen = transaction.open
    transaction.state = next
    if (wasOpen && !transaction.open) this.#open--
    if (next.kind !== 'terminated') return
    this.#active.delete(transaction.key)
    if (transaction.merged !== undefined) this.#merged.delete(transaction.merged)
    for (const timer of transaction.timers.values()) timer.cancel()
  }

  /** @internal */
  step(transaction: InviteServerTransaction<Way, Recipe>, event: InviteServerEvent, recipe?: Recipe): void {
    const [next, effects] = transaction.machine.step(transaction.state, event)
    this.#enter(transaction, next)
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          transaction.last = recipe
          this.#sendLast(transaction)
          break
        case 'send-again':
          this.#sendLast(transaction)
          break
        case 'set': {
          const { timer, after } = effect
          transaction.timers.set(
            timer,
            this.#timers.set(after, () => this.step(transaction, timer)),
          )
          break
        }
        case 'cancel-timers':
          for (const timer of transaction.timers.values()) timer.cancel()
          transaction.timers.clear()
          break
        case 'discard':
          this.#hooks.discarded()
          break
        case 'inform':
          if (event === 'timer-h') this.#hooks.unacknowledged(transaction.request)
          break
        case 'pass-ack':
          break
        default:
          effect satisfies never
      }
    }
  }

  #sendLast(transaction: InviteServerTransaction<Way, Recipe>): void {
    const { request, way, last } = transaction
    if (last !== undefined) this.#hooks.send(request, way, last, this.tagOf(transaction))
  }
}
