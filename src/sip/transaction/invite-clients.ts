import type { Timer, Timers } from '../../kernel/timer-wheel.ts'
import type { SipResponse } from '../message.ts'
import type { Waiter } from '../transport/connection.ts'
import type { Match, Outcome } from './clients.ts'
import {
  type InviteClientEvent,
  type InviteClientMachine,
  type InviteClientState,
  inviteClient,
} from './invite-client.ts'
import { hasSeveralVias } from './matching.ts'
import { type TimerValues, transactionTime } from './timers.ts'

const TERMINATED: InviteClientState = { kind: 'terminated' }

export interface InviteUse {
  readonly branch: string
  /** What our Via says, to tell our responses from strays. */
  readonly sentBy: string
  readonly reliable: boolean
  /** Passed on for another client, whose Vias stand below ours. */
  readonly forwarded: boolean
  /** Hands the INVITE to the transport; failures go to `transportFailed`. */
  send(transaction: InviteClientTransaction, again: boolean): void
  /** Sends the ACK for a final response other than 2xx (RFC 3261 §17.1.1.3). */
  ack(response: SipResponse): void
  /** Sends the CANCEL, once (§9.1). */
  cancel(): void
  /** 101 to 199; 100 is for the transaction alone (§16.7). */
  provisional(response: SipResponse): void
  /** Each 2xx, also those sent again and those of other branches of a fork. */
  success(response: SipResponse): void
  /** Exactly once, unless a 2xx came. */
  done(outcome: Outcome): void
}

export class InviteClientTransaction implements Waiter {
  readonly use: InviteUse
  readonly #table: InviteClients
  state: InviteClientState
  /** Asked for; it goes out once a provisional response has come (§9.1). */
  cancelling: 'no' | 'asked' | 'sent' = 'no'
  readonly timers = new Map<string, Timer>()
  seat = -1

  constructor(table: InviteClients, use: InviteUse, state: InviteClientState) {
    this.#table = table
    this.use = use
    this.state = state
  }

  /** No final response yet. */
  get open(): boolean {
    return this.state.kind === 'calling' || this.state.kind === 'proceeding'
  }

  transportFailed(reason: string): void {
    this.#table.step(this, 'transport-error', undefined, reason)
  }

  /** Nobody wants the answer any more. Safe to call at any time. */
  cancel(): void {
    this.#table.cancel(this)
  }
}

/** The INVITE client transactions of an endpoint (RFC 3261 §17.1.1, RFC 6026), found by branch. */
export class InviteClients {
  readonly #timers: Timers
  readonly #values: TimerValues
  readonly #unreliable: InviteClientMachine
  readonly #reliable: InviteClientMachine
  readonly #active = new Map<string, InviteClientTransaction>()
  #open = 0

  constructor(deps: { timers: Timers; values: TimerValues }) {
    this.#timers = deps.timers
    this.#values = deps.values
    this.#unreliable = inviteClient(deps.values, false)
    this.#reliable = inviteClient(deps.values, true)
  }

  /** Those that are over and absorb retransmissions included. */
  get size(): number {
    return this.#active.size
  }

  /** Without a final response. */
  get open(): number {
    return this.#open
  }

  begin(use: InviteUse): InviteClientTransaction {
    const [state, effects] = this.#machine(use).start
    const transaction = new InviteClientTransaction(this, use, state)
    this.#active.set(use.branch, transaction)
    this.#open++
    this.#apply(transaction, effects, undefined, '')
    use.send(transaction, false)
    return transaction
  }

  /** @param sentBy what the response's topmost Via says */
  receive(response: SipResponse, branch: string, sentBy: string): Match {
    const transaction = this.#active.get(branch)
    if (transaction === undefined || transaction.use.sentBy !== sentBy) return 'unmatched'
    if (!transaction.use.forwarded && hasSeveralVias(response)) return 'unmatched'
    const { status } = response
    const before = transaction.state.kind
    this.step(transaction, status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure', response)
    if (transaction.cancelling === 'asked' && transaction.state.kind === 'proceeding')
      this.#sendCancel(transaction)
    return before === 'completed' ? 'absorbed' : 'taken'
  }

  cancel(transaction: InviteClientTransaction): void {
    if (transaction.cancelling !== 'no') return
    transaction.cancelling = 'asked'
    if (transaction.state.kind === 'proceeding') this.#sendCancel(transaction)
  }

  /** @internal */
  step(
    transaction: InviteClientTransaction,
    event: InviteClientEvent,
    response?: SipResponse,
    reason = '',
  ): void {
    const [next, effects] = this.#machine(transaction.use).step(transaction.state, event)
    this.#enter(transaction, next)
    this.#apply(transaction, effects, response, reason)
  }

  /** Ends everything that is under way. */
  clear(reason: string): void {
    const all = [...this.#active.values()]
    const unanswered = all.filter((transaction) => transaction.open)
    // All of them before anyone is told: who hears of one may want to cancel another.
    for (const transaction of all) this.#enter(transaction, TERMINATED)
    for (const { use } of unanswered) use.done({ kind: 'transport-failure', reason })
  }

  #enter(transaction: InviteClientTransaction, next: InviteClientState): void {
    const wasOpen = transaction.open
    transaction.state = next
    if (wasOpen && !transaction.open) this.#open--
    if (next.kind !== 'terminated') return
    this.#active.delete(transaction.use.branch)
    for (const timer of transaction.timers.values()) timer.cancel()
  }

  #machine(use: InviteUse): InviteClientMachine {
    return use.reliable ? this.#reliable : this.#unreliable
  }

  /** §9.1: without a final response within 64*T1 the transaction counts as cancelled. */
  #sendCancel(transaction: InviteClientTransaction): void {
    transaction.cancelling = 'sent'
    transaction.use.cancel()
    this.#set(transaction, 'cancelled', transactionTime(this.#values), () => {
      if (transaction.state.kind !== 'proceeding') return
      this.#enter(transaction, TERMINATED)
      transaction.use.done({ kind: 'timeout' })
    })
  }

  #set(transaction: InviteClientTransaction, name: string, after: number, fire: () => void): void {
    transaction.timers.get(name)?.cancel()
    transaction.timers.set(name, this.#timers.set(after, fire))
  }

  #apply(
    transaction: InviteClientTransaction,
    effects: ReturnType<InviteClientMachine['step']>[1],
    response: SipResponse | undefined,
    reason: string,
  ): void {
    const { use } = transaction
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          use.send(transaction, true)
          break
        case 'set':
          this.#set(transaction, effect.timer, effect.after, () => this.step(transaction, effect.timer))
          break
        case 'cancel-timers':
          for (const timer of transaction.timers.values()) timer.cancel()
          transaction.timers.clear()
          break
        case 'ack':
          if (response !== undefined) use.ack(response)
          break
        case 'deliver':
          if (response !== undefined) deliver(use, response)
          break
        case 'fail':
          use.done(effect.reason === 'timeout' ? { kind: 'timeout' } : { kind: 'transport-failure', reason })
          break
        default:
          effect satisfies never
      }
    }
  }
}

function deliver(use: InviteUse, response: SipResponse): void {
  if (response.status >= 300) use.done({ kind: 'response', response })
  else if (response.status >= 200) use.success(response)
  else if (response.status > 100) use.provisional(response)
}
