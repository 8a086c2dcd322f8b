import type { Clock } from '../../kernel/clock.ts'
import { Delayed, DelayLine } from '../../kernel/delay-line.ts'
import { FadingTable } from '../../kernel/fading-table.ts'
import { Fingerprints } from '../../kernel/fingerprint.ts'
import { PrintTable } from '../../kernel/print-table.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { SipResponse } from '../message.ts'
import { param } from '../scan.ts'
import type { Waiter } from '../transport/connection.ts'
import { InviteClients } from './invite-clients.ts'
import { hasSeveralVias, sentByOf } from './matching.ts'
import {
  type ClientEffect,
  type ClientEvent,
  type ClientMachine,
  type ClientState,
  nonInviteClient,
} from './non-invite-client.ts'
import { type TimerValues, transactionTime } from './timers.ts'

export type Outcome =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'transport-failure'; readonly reason: string }

export interface ClientUse {
  readonly branch: string
  readonly method: string
  /** What our Via says, to tell our responses from strays. */
  readonly sentBy: string
  readonly reliable: boolean
  /** Passed on for another client, whose Vias stand below ours. */
  readonly forwarded?: boolean
  /** Hands the bytes to the transport; failures go to `transportFailed`. */
  send(transaction: ClientTransaction, again: boolean): void
  /** Exactly once. */
  done(outcome: Outcome): void
}

export class ClientTransaction extends Delayed implements Waiter {
  readonly use: ClientUse
  readonly machine: ClientMachine
  readonly #table: ClientTransactions
  state: ClientState
  timerE: Timer | undefined
  timerF: Timer | undefined
  /** In the table of those that are active. */
  place = 0
  seat = -1

  constructor(table: ClientTransactions, use: ClientUse, machine: ClientMachine) {
    super()
    this.#table = table
    this.use = use
    this.machine = machine
    this.state = machine.start[0]
  }

  transportFailed(reason: string): void {
    this.#table.step(this, 'transport-error', undefined, reason)
  }
}

export type Match = 'taken' | 'absorbed' | 'unmatched'

/** The client transactions of an endpoint (RFC 3261 §17.1.2), found by branch and CSeq method (§17.1.3). */
export class ClientTransactions {
  /** RFC 3261 §17.1.1. */
  readonly invites: InviteClients
  readonly #timers: Timers
  readonly #unreliable: ClientMachine
  readonly #reliable: ClientMachine
  readonly #active = new PrintTable<ClientTransaction>()
  /** State Completed: nothing but the branch, for Timer K. */
  readonly #completed: FadingTable<true>
  readonly #prints: Fingerprints
  /** Nearly every response comes before Timer E fires first: until then no transaction has timers of its own. */
  readonly #fresh: DelayLine<ClientTransaction>
  /** What is left of Timer F then. */
  readonly #rest: number

  constructor(deps: { clock: Clock; timers: Timers; values: TimerValues; random: Random }) {
    this.#timers = deps.timers
    this.invites = new InviteClients(deps)
    this.#unreliable = nonInviteClient(deps.values, false)
    this.#reliable = nonInviteClient(deps.values, true)
    this.#completed = new FadingTable({ timers: deps.timers, lifetime: deps.values.t4 })
    this.#prints = new Fingerprints(deps.random.token(24))
    this.#fresh = new DelayLine({
      clock: deps.clock,
      timers: deps.timers,
      delay: deps.values.t1,
      over: (transaction) => this.#unanswered(transaction),
    })
    this.#rest = transactionTime(deps.values) - deps.values.t1
  }

  get active(): number {
    return this.#active.size
  }

  get completed(): number {
    return this.#completed.size
  }

  begin(use: ClientUse): void {
    const machine = use.reliable ? this.#reliable : this.#unreliable
    const transaction = new ClientTransaction(this, use, machine)
    transaction.place = this.#active.add(this.#prints.of(use.branch), transaction)
    this.#fresh.join(transaction)
    use.send(transaction, false)
  }

  /** Timer E has fired first, and Timer F goes on. */
  #unanswered(transaction: ClientTransaction): void {
    transaction.timerF = this.#timers.set(this.#rest, () => this.step(transaction, 'timer-f'))
    if (!transaction.use.reliable) this.step(transaction, 'timer-e')
  }

  receive(response: SipResponse): Match {
    const via = response.headers.topVia()
    const branch = via === undefined ? undefined : param(via.params, 'branch')
    if (via === undefined || branch === undefined) return 'unmatched'
    const from = sentByOf(via)
    const answered = response.headers.cseq()?.method
    if (answered === 'INVITE') return this.invites.receive(response, branch, from)
    const print = this.#prints.of(branch)
    const transaction = this.#active.get(print)
    if (transaction?.use.branch !== branch) return this.#completed.get(print) ? 'absorbed' : 'unmatched'
    const { method, sentBy, forwarded } = transaction.use
    if (forwarded !== true && hasSeveralVias(response)) return 'unmatched'
    // §18.1.2
    if (from !== sentBy || answered !== method) return 'unmatched'
    this.step(transaction, response.status < 200 ? 'provisional' : 'final', response)
    return 'taken'
  }

  /** @internal */
  step(transaction: ClientTransaction, event: ClientEvent, response?: SipResponse, reason = ''): void {
    const [next, effects] = transaction.machine.step(transaction.state, event)
    const before = transaction.state.kind
    transaction.state = next
    if (before !== next.kind && (next.kind === 'completed' || next.kind === 'terminated')) {
      this.#active.remove(transaction.place)
      if (next.kind === 'completed') this.#completed.add(this.#prints.of(transaction.use.branch), true)
    }
    this.#apply(transaction, effects, response, reason)
  }

  /** Ends everything that is under way. */
  clear(reason: string): void {
    // First, since an INVITE that is told so might still want a CANCEL.
    this.invites.clear(reason)
    for (const transaction of this.#active.values()) transaction.transportFailed(reason)
    this.#completed.clear()
    this.#fresh.clear()
  }

  #apply(
    transaction: ClientTransaction,
    effects: readonly ClientEffect[],
    response: SipResponse | undefined,
    reason: string,
  ): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          transaction.use.send(transaction, true)
          break
        case 'set': {
          const { timer, after } = effect
          // Timer K is the table's of what is completed.
          if (timer === 'timer-e')
            transaction.timerE = this.#timers.set(after, () => this.step(transaction, timer))
          break
        }
        case 'cancel-timers':
          this.#fresh.leave(transaction)
          transaction.timerE?.cancel()
          transaction.timerF?.cancel()
          break
        case 'deliver':
          if (response !== undefined && response.status >= 200)
            transaction.use.done({ kind: 'response', response })
          break
        case 'fail':
          transaction.use.done(
            effect.reason === 'timeout' ? { kind: 'timeout' } : { kind: 'transport-failure', reason },
          )
          break
        default:
          effect satisfies never
      }
    }
  }
}
