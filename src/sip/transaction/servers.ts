import type { Clock } from '../../kernel/clock.ts'
import { Delayed, DelayLine } from '../../kernel/delay-line.ts'
import { FadingTable } from '../../kernel/fading-table.ts'
import { Fingerprints } from '../../kernel/fingerprint.ts'
import { PrintTable } from '../../kernel/print-table.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { SipRequest } from '../message.ts'
import {
  nonInviteServer,
  type ServerEffect,
  type ServerMachine,
  type ServerState,
} from './non-invite-server.ts'
import { provisionalTime, type TimerValues, transactionTime } from './timers.ts'

export interface ServerHooks<Way, Recipe> {
  /** Write and send a final response, the first time or again. The tag is the transaction's own, for To. */
  sendFinal(request: SipRequest, way: Way, recipe: Recipe, tag: string): void
  sendProvisional(request: SipRequest, way: Way): void
  /** The transaction user was silent for 64*T1. */
  silent(request: SipRequest): void
  /** A second or late answer was thrown away. */
  discarded(): void
}

/** A request that the transaction user has not answered yet, or just now. */
export class ServerTransaction<Way, Recipe> extends Delayed {
  readonly request: SipRequest
  readonly way: Way
  readonly key: string
  readonly merged: string | undefined
  readonly machine: ServerMachine
  readonly #table: ServerTransactions<Way, Recipe>
  state: ServerState = 'trying'
  recipe: Recipe | undefined
  timer: Timer | undefined
  /** In the tables of those that are active; the second only where there is a merged key. */
  place = 0
  mergedPlace = 0

  constructor(
    table: ServerTransactions<Way, Recipe>,
    request: SipRequest,
    way: Way,
    keys: { key: string; merged: string | undefined },
    machine: ServerMachine,
  ) {
    super()
    this.#table = table
    this.request = request
    this.way = way
    this.key = keys.key
    this.merged = keys.merged
    this.machine = machine
  }

  /** The final answer; a second one is thrown away and counted. */
  answer(recipe: Recipe): void {
    if (this.state === 'trying' || this.state === 'proceeding') this.recipe = recipe
    this.#table.step(this, 'respond')
  }
}

/**
 * The server transactions of an endpoint (RFC 3261 §17.2.2). A transaction is an object only until it is answered;
 * for Timer J there is just the recipe of its response under the fingerprint of its key.
 */
export class ServerTransactions<Way, Recipe> {
  readonly #hooks: ServerHooks<Way, Recipe>
  readonly #timers: Timers
  readonly #unreliable: ServerMachine
  readonly #reliable: ServerMachine
  readonly #active = new PrintTable<ServerTransaction<Way, Recipe>>()
  readonly #activeMerged = new PrintTable<ServerTransaction<Way, Recipe>>()
  readonly #completed: FadingTable<Recipe>
  readonly #completedMerged: FadingTable<true>
  readonly #prints: Fingerprints
  readonly #tags: Fingerprints
  /** Nearly every answer comes before a 100 is due: until then no transaction has a timer of its own. */
  readonly #fresh: DelayLine<ServerTransaction<Way, Recipe>>

  constructor(deps: {
    clock: Clock
    hooks: ServerHooks<Way, Recipe>
    timers: Timers
    values: TimerValues
    random: Random
  }) {
    this.#hooks = deps.hooks
    this.#timers = deps.timers
    this.#unreliable = nonInviteServer(deps.values, false)
    this.#reliable = nonInviteServer(deps.values, true)
    const lifetime = transactionTime(deps.values)
    this.#completed = new FadingTable({ timers: deps.timers, lifetime })
    this.#completedMerged = new FadingTable({ timers: deps.timers, lifetime })
    this.#prints = new Fingerprints(deps.random.token(24))
    this.#tags = new Fingerprints(deps.random.token(24))
    this.#fresh = new DelayLine({
      clock: deps.clock,
      timers: deps.timers,
      delay: provisionalTime(deps.values),
      over: (transaction) => this.step(transaction, 'timer-100'),
    })
  }

  /** Not yet answered. */
  get active(): number {
    return this.#active.size
  }

  /** Answered, and waiting for retransmissions. */
  get completed(): number {
    return this.#completed.size
  }

  has(key: string): boolean {
    const print = this.#prints.of(key)
    return this.#active.get(print)?.key === key || this.#completed.get(print) !== undefined
  }

  /** Takes a retransmission and answers it as far as there is an answer; false: the request is new. */
  absorb(key: string, request: SipRequest, way: Way): boolean {
    const print = this.#prints.of(key)
    const active = this.#active.get(print)
    if (active?.key === key) {
      this.step(active, 'request')
      return true
    }
    const recipe = this.#completed.get(print)
    if (recipe === undefined) return false
    // Timer J is the table's; what figure 8 does in Completed needs no object.
    this.#hooks.sendFinal(request, way, recipe, this.#tag(key))
    return true
  }

  /** Another copy of this request is or was here, and came by a different way (RFC 3261 §8.2.2.2). */
  isMerged(merged: string | undefined): boolean {
    if (merged === undefined) return false
    const print = this.#prints.of(merged)
    return this.#activeMerged.get(print)?.merged === merged || this.#completedMerged.get(print) !== undefined
  }

  /** A new transaction in state Trying. */
  begin(
    key: string,
    merged: string | undefined,
    request: SipRequest,
    way: Way,
    reliable: boolean,
  ): ServerTransaction<Way, Recipe> {
    const machine = reliable ? this.#reliable : this.#unreliable
    const transaction = new ServerTransaction(this, request, way, { key, merged }, machine)
    transaction.place = this.#active.add(this.#prints.of(key), transaction)
    if (merged !== undefined)
      transaction.mergedPlace = this.#activeMerged.add(this.#prints.of(merged), transaction)
    this.#fresh.join(transaction)
    return transaction
  }

  /** @internal */
  step(transaction: ServerTransaction<Way, Recipe>, event: Parameters<ServerMachine['step']>[1]): void {
    const [next, effects] = transaction.machine.step(transaction.state, event)
    const before = transaction.state
    transaction.state = next
    if (before !== next && (next === 'completed' || next === 'terminated')) this.#leave(transaction)
    this.#apply(transaction, effects)
  }

  clear(): void {
    for (const transaction of this.#active.values()) {
      transaction.timer?.cancel()
      transaction.state = 'terminated'
    }
    this.#fresh.clear()
    this.#active.clear()
    this.#activeMerged.clear()
    this.#completed.clear()
    this.#completedMerged.clear()
  }

  /** Tells the transactions of this process apart, and a stranger nothing (RFC 3261 §19.3); never stored. */
  #tag(key: string): string {
    return this.#tags.of(key).text()
  }

  #leave(transaction: ServerTransaction<Way, Recipe>): void {
    const { key, merged, recipe } = transaction
    this.#active.remove(transaction.place)
    if (merged !== undefined) this.#activeMerged.remove(transaction.mergedPlace)
    if (transaction.state !== 'completed' || recipe === undefined) return
    this.#completed.add(this.#prints.of(key), recipe)
    if (merged !== undefined) this.#completedMerged.add(this.#prints.of(merged), true)
  }

  #apply(transaction: ServerTransaction<Way, Recipe>, effects: readonly ServerEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send-provisional':
          this.#hooks.sendProvisional(transaction.request, transaction.way)
          break
        case 'send-final':
          if (transaction.recipe !== undefined) {
            const { request, way, recipe, key } = transaction
            this.#hooks.sendFinal(request, way, recipe, this.#tag(key))
          }
          break
        case 'set': {
          const { timer, after } = effect
          if (timer === 'timer-silent')
            transaction.timer = this.#timers.set(after, () => this.step(transaction, timer))
          break
        }
        case 'cancel-timers':
          this.#fresh.leave(transaction)
          transaction.timer?.cancel()
          break
        case 'discard':
          this.#hooks.discarded()
          break
        case 'give-up':
          this.#hooks.silent(transaction.request)
          break
        case 'inform':
          break
        default:
          effect satisfies never
      }
    }
  }
}
