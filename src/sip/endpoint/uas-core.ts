import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { HeaderField, Headers } from '../headers.ts'
import type { SipRequest } from '../message.ts'
import { checkForwarded } from '../proxy/check.ts'
import { param } from '../scan.ts'
import { checkWritable } from '../serialize.ts'
import { InviteServers, type InviteServerTransaction } from '../transaction/invite-servers.ts'
import { MAGIC_COOKIE, mergedKey, serverKey, tagOf } from '../transaction/matching.ts'
import { type ServerTransaction, ServerTransactions } from '../transaction/servers.ts'
import type { TimerValues } from '../transaction/timers.ts'
import type { Connections } from '../transport/connections.ts'
import type { Source } from '../transport/place.ts'
import type { Via } from '../via.ts'
import type { Counters, EndpointEvent } from './counters.ts'
import { type Recipe, type RespondOptions, recipeOf } from './recipe.ts'
import { type Arrival, replyBytes, sendReply } from './reply.ts'
import { checkRequest, type UasSupport } from './uas.ts'

/** A request for the transaction user. */
export interface IncomingRequest {
  readonly request: SipRequest
  readonly source: Source
  /**
   * The final answer, 200 to 699, exactly once: a later call is ignored and counted, and so is 1xx (RFC 4320 §4.1).
   * 408 becomes 504 (§4.2). Without an answer the sender gets 100 after 3.5 s and nothing after 64*T1.
   *
   * INVITE has its 100 at once, where it has no other answer. It may have 101 to 199 before its final answer, and
   * several 2xx (RFC 6026 §7.1); whoever takes it must answer it, since its sender waits without end.
   */
  respond(status: number, options?: RespondOptions): void
  /**
   * INVITE: what to do, once, when its sender cancels it before it is answered; the CANCEL itself has its 200 (§9.2).
   * May be called late: a CANCEL that was here already is told then.
   */
  onCancel(then: (cancel: SipRequest) => void): void
}

/**
 * What we are to a request: its `server`, which understands it whole (RFC 3261 §8.2), or a `proxy`, which only passes
 * it on (§16.3).
 */
export type Role = 'server' | 'proxy'

const NO_FIELDS: readonly HeaderField[] = []
const nothing = (): void => {}

export interface UasCoreDeps {
  readonly connections: Connections
  readonly clock: Clock
  readonly timers: Timers
  readonly values: TimerValues
  readonly random: Random
  readonly counters: Counters
  readonly onEvent: (event: EndpointEvent) => void
  readonly onRequest: (incoming: IncomingRequest) => void
  /** An ACK that belongs to no transaction here: it is on its way to whoever answered 2xx. */
  readonly onAck: (request: SipRequest, source: Source) => void
  readonly roleOf: (request: SipRequest, source: Source) => Role
  readonly supports: UasSupport
  /** Reports a fault and gives its id. */
  readonly fault: (error: unknown) => string
  readonly full: () => boolean
  readonly retryAfter: number
}

/** From a request to the transaction user and back. */
export class UasCore {
  readonly #deps: UasCoreDeps
  readonly #transactions: ServerTransactions<Arrival, Recipe>
  readonly #invites: InviteServers<Arrival, Recipe>
  /** RFC 3261 §8.2.7: a stateless answer has the same tag each time. */
  readonly #statelessTag: string
  readonly #retryAfter: readonly HeaderField[]
  #stopped = false

  constructor(deps: UasCoreDeps) {
    this.#deps = deps
    this.#statelessTag = deps.random.token(11)
    this.#retryAfter = [['Retry-After', String(deps.retryAfter)]]
    const { counters } = deps
    this.#transactions = new ServerTransactions({
      timers: deps.timers,
      clock: deps.clock,
      values: deps.values,
      random: deps.random,
      hooks: {
        sendFinal: (request, way, recipe, tag) => this.#send(request, way, recipe, tag),
        sendProvisional: (request, way) => {
          counters.provisionals++
          this.#send(request, way, recipeOf(100), undefined)
        },
        silent: (request) => {
          counters.silent++
          deps.onEvent({
            kind: 'silent',
            method: request.method,
            callId: request.headers.get('Call-ID') ?? '',
          })
        },
        discarded: () => {
          counters.answersDiscarded++
        },
      },
    })
    this.#invites = new InviteServers({
      timers: deps.timers,
      values: deps.values,
      random: deps.random,
      hooks: {
        send: (request, way, recipe, tag) => this.#send(request, way, recipe, tag),
        discarded: () => {
          counters.answersDiscarded++
        },
        unacknowledged: () => {
          counters.unacknowledged++
        },
      },
    })
  }

  get active(): number {
    return this.#transactions.active + this.#invites.open
  }

  /** The completed ones included. */
  get size(): number {
    return this.#transactions.active + this.#transactions.completed + this.#invites.size
  }

  /** From now on new requests get 503. */
  stop(): void {
    this.#stopped = true
  }

  clear(): void {
    this.#transactions.clear()
    this.#invites.clear()
  }

  receive(request: SipRequest, arrival: Arrival): void {
    const { counters, supports } = this.#deps
    const { method } = request
    const via = request.headers.topVia()
    if (via === undefined) return
    if (method === 'ACK') {
      this.#ack(request, via, arrival)
      return
    }
    // RFC 4475 §3.2.1: a branch that is nothing but the cookie names no transaction.
    if (param(via.params, 'branch') === MAGIC_COOKIE) {
      counters.malformedAnswered++
      this.refuse(request, arrival, 400, 'Missing Transaction Identifier')
      return
    }
    if (method === 'CANCEL') {
      this.#cancel(request, via, arrival)
      return
    }
    const key = serverKey(request, via)
    if (method === 'INVITE' ? this.#absorbInvite(key) : this.#transactions.absorb(key, request, arrival)) {
      counters.retransmissionsIn++
      return
    }
    const role = this.#role(request, arrival)
    if (role === undefined) return
    const verdict = role === 'proxy' ? checkForwarded(request) : checkRequest(request, supports)
    if (verdict.kind !== 'pass') {
      counters.answeredByCore++
      if (verdict.kind === 'answer') this.refuse(request, arrival, verdict.status, undefined, verdict.headers)
      return
    }
    if (this.#stopped || this.#deps.full()) {
      counters.overloaded++
      if (!this.#stopped) this.#deps.onEvent({ kind: 'overloaded', what: 'transactions' })
      this.refuse(request, arrival, 503, undefined, this.#retryAfter)
      return
    }
    if (method === 'INVITE') this.#beginInvite(key, role, request, arrival)
    else this.#begin(key, role, request, arrival)
  }

  /** Undefined where the transaction user threw: that is answered. */
  #role(request: SipRequest, arrival: Arrival): Role | undefined {
    try {
      return this.#deps.roleOf(request, arrival.source)
    } catch (error) {
      this.#deps.fault(error)
      this.refuse(request, arrival, 500)
      return undefined
    }
  }

  #refuseMerged(request: SipRequest, arrival: Arrival): void {
    this.#deps.counters.merged++
    this.refuse(request, arrival, 482, 'Request Merged')
  }

  #begin(key: string, role: Role, request: SipRequest, arrival: Arrival): void {
    // §8.2.2.2 is for servers: a proxy may well see two branches of one request.
    const merged = role === 'proxy' ? undefined : mergedKey(request)
    if (this.#transactions.isMerged(merged)) {
      this.#refuseMerged(request, arrival)
      return
    }
    const reliable = arrival.connection !== undefined
    const transaction = this.#transactions.begin(key, merged, request, arrival, reliable)
    try {
      this.#deps.onRequest({
        request,
        source: arrival.source,
        respond: (status, options) => this.#respond(transaction, status, options),
        onCancel: nothing,
      })
    } catch (error) {
      this.#deps.fault(error)
      if (transaction.recipe === undefined) transaction.answer(recipeOf(500))
    }
  }

  #absorbInvite(key: string): boolean {
    const transaction = this.#invites.find(key)
    if (transaction === undefined) return false
    this.#invites.step(transaction, 'request')
    return true
  }

  #beginInvite(key: string, role: Role, request: SipRequest, arrival: Arrival): void {
    const merged = role === 'proxy' ? undefined : mergedKey(request)
    if (this.#invites.isMerged(merged)) {
      this.#refuseMerged(request, arrival)
      return
    }
    const reliable = arrival.connection !== undefined
    const transaction = this.#invites.begin(key, merged, request, arrival, reliable)
    try {
      this.#deps.onRequest({
        request,
        source: arrival.source,
        respond: (status, options = {}) => {
          const recipe = this.#writable(status, options)
          transaction.respond(recipe.status, recipe)
        },
        onCancel: (then) => {
          transaction.cancelled = then
          if (transaction.cancel !== undefined) queueMicrotask(() => this.#tellCancelled(transaction))
        },
      })
    } catch (error) {
      this.#deps.fault(error)
      if (transaction.open) transaction.respond(500, recipeOf(500))
    }
    // §17.2.1: unless the transaction user has answered at once.
    if (transaction.last !== undefined) return
    this.#deps.counters.provisionals++
    transaction.respond(100, recipeOf(100))
  }

  /** §17.1.1.3: the ACK for a refusal ends here; the one for a 2xx is a request of its own. */
  #ack(request: SipRequest, via: Via, arrival: Arrival): void {
    const { counters, onAck, roleOf, fault } = this.#deps
    counters.acks++
    if (this.#invites.ack(serverKey(request, via, 'INVITE')) === 'absorbed') return
    // One for a refusal that no transaction remembers; §8.2.7.
    if (tagOf(request, 'to') === this.#statelessTag) return
    if (roleOf(request, arrival.source) !== 'proxy' || checkForwarded(request).kind !== 'pass') return
    try {
      onAck(request, arrival.source)
    } catch (error) {
      fault(error)
    }
  }

  /** §9.2: a CANCEL that matches a transaction is answered 200, and cancels nothing but INVITE. */
  #cancel(request: SipRequest, via: Via, arrival: Arrival): void {
    const { counters, supports } = this.#deps
    counters.answeredByCore++
    const invite = this.#invites.find(serverKey(request, via, 'INVITE'))
    if (invite === undefined) {
      const matches = supports.methods.some((method) =>
        this.#transactions.has(serverKey(request, via, method)),
      )
      this.refuse(request, arrival, matches ? 200 : 481)
      return
    }
    this.#send(request, arrival, recipeOf(200), this.#invites.tagOf(invite))
    invite.cancel ??= request
    this.#tellCancelled(invite)
  }

  #tellCancelled(invite: InviteServerTransaction<Arrival, Recipe>): void {
    const { cancel, cancelled } = invite
    if (!invite.open || cancel === undefined || cancelled === undefined) return
    invite.cancelled = undefined
    try {
      cancelled(cancel)
    } catch (error) {
      this.#deps.fault(error)
    }
  }

  /** A stateless answer (RFC 3261 §8.2.7), also to what was not understood. */
  refuse(
    request: { readonly headers: Headers },
    arrival: Arrival,
    status: number,
    reason?: string,
    headers: readonly HeaderField[] = NO_FIELDS,
  ): void {
    this.#send(request, arrival, { status, reason, headers }, this.#statelessTag)
  }

  #respond(
    transaction: ServerTransaction<Arrival, Recipe>,
    status: number,
    options: RespondOptions = {},
  ): void {
    const { counters } = this.#deps
    if (status >= 100 && status < 200) {
      counters.answersMended++
      return
    }
    if (status === 408) counters.answersMended++
    transaction.answer(status === 408 ? this.#writable(504, {}) : this.#writable(status, options))
  }

  /** The answer as it can be sent: text that would break the message is found now, while there is another to give. */
  #writable(status: number, options: RespondOptions): Recipe {
    const { counters } = this.#deps
    const legal = Number.isInteger(status) && status >= 100 && status < 700
    if (!legal) {
      counters.answersMended++
      return recipeOf(500)
    }
    const recipe = recipeOf(status, options)
    try {
      checkWritable(recipe.reason, recipe.headers)
      if (recipe.to !== undefined) checkWritable(recipe.to, NO_FIELDS)
      return recipe
    } catch (error) {
      counters.answersMended++
      this.#deps.fault(error)
      return recipeOf(500)
    }
  }

  #send(
    request: { readonly headers: Headers },
    arrival: Arrival,
    recipe: Recipe,
    tag: string | undefined,
  ): void {
    const { counters, connections, onEvent } = this.#deps
    let bytes: Uint8Array
    try {
      bytes = replyBytes(request, arrival, recipe, tag)
    } catch (error) {
      this.#deps.fault(error)
      return
    }
    counters.responsesOut++
    sendReply(bytes, request, arrival, connections, (reason) => {
      counters.responsesFailed++
      const { address, port } = arrival.source
      onEvent({ kind: 'response-failed', address, port, reason })
    })
  }
}
