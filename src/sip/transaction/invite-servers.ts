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
  readonly machine: InviteServerMachine
  readonly #table: InviteServers<Way, Recipe>
  state: InviteServerState
  last: Recipe | undefined
  /** What the transaction user wants done when a CANCEL comes. */
  cancelled: ((cancel: SipRequest) => void) | undefined
  readonly timers = new Map<string, Timer>()

  constructor(
    table: InviteServers<Way, Recipe>,
    request: SipRequest,
    way: Way,
    key: string,
    machine: InviteServerMachine,
  ) {
    this.#table = table
    this.request = request
    this.way = way
    this.key = key
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
  readonly #tags: Fingerprints

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
    let open = 0
    for (const transaction of this.#active.values()) if (transaction.open) open++
    return open
  }

  find(key: string): InviteServerTransaction<Way, Recipe> | undefined {
    return this.#active.get(key)
  }

  begin(key: string, request: SipRequest, way: Way, reliable: boolean): InviteServerTransaction<Way, Recipe> {
    const machine = reliable ? this.#reliable : this.#unreliable
    const transaction = new InviteServerTransaction(this, request, way, key, machine)
    this.#active.set(key, transaction)
    return transaction
  }

  /**
   * An ACK with this key.
   * @returns `absorbed`: it was for a refusal; `pass`: it is the transaction user's, as is one that matches nothing
   */
  ack(key: string): 'absorbed' | 'pass' {
    const transaction = this.#active.get(key)
    if (transaction === undefined) return 'pass'
    const { kind } = transaction.state
    this.step(transaction, 'ack')
    return kind === 'accepted' || kind === 'proceeding' ? 'pass' : 'absorbed'
  }

  clear(): void {
    for (const transaction of this.#active.values()) {
      for (const timer of transaction.timers.values()) timer.cancel()
      transaction.state = { kind: 'terminated' }
    }
    this.#active.clear()
  }

  /** @internal */
  step(transaction: InviteServerTransaction<Way, Recipe>, event: InviteServerEvent, recipe?: Recipe): void {
    const [next, effects] = transaction.machine.step(transaction.state, event)
    transaction.state = next
    if (next.kind === 'terminated') {
      this.#active.delete(transaction.key)
      for (const timer of transaction.timers.values()) timer.cancel()
    }
    const { request, way } = transaction
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          transaction.last = recipe
          if (recipe !== undefined) this.#send(transaction, recipe)
          break
        case 'send-again':
          if (transaction.last !== undefined)
            this.#hooks.send(request, way, transaction.last, this.#tag(transaction))
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
          if (event === 'timer-h') this.#hooks.unacknowledged(request)
          break
        case 'pass-ack':
          break
        default:
          effect satisfies never
      }
    }
  }

  #send(transaction: InviteServerTransaction<Way, Recipe>, recipe: Recipe): void {
    this.#hooks.send(transaction.request, transaction.way, recipe, this.#tag(transaction))
  }

  #tag(transaction: InviteServerTransaction<Way, Recipe>): string {
    return this.#tags.of(transaction.key).text()
  }
}
