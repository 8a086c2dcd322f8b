import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { HeaderField, Headers } from '../headers.ts'
import type { SipRequest } from '../message.ts'
import { REASONS } from '../reasons.ts'
import { param } from '../scan.ts'
import { checkWritable } from '../serialize.ts'
import { MAGIC_COOKIE, serverKey } from '../transaction/matching.ts'
import { type ServerTransaction, ServerTransactions } from '../transaction/servers.ts'
import type { TimerValues } from '../transaction/timers.ts'
import type { Connections } from '../transport/connections.ts'
import type { Source } from '../transport/place.ts'
import type { Counters, EndpointEvent } from './counters.ts'
import { type Arrival, type Recipe, replyBytes, sendReply } from './reply.ts'
import { checkRequest, type UasSupport } from './uas.ts'

export interface RespondOptions {
  readonly reason?: string
  /** Share one array between answers where you can: it is kept for Timer J. */
  readonly headers?: readonly HeaderField[]
}

/** A request for the transaction user. */
export interface IncomingRequest {
  readonly request: SipRequest
  readonly source: Source
  /**
   * The final answer, 200 to 699, exactly once: a later call is ignored and counted, and so is 1xx (RFC 4320 §4.1).
   * 408 becomes 504 (§4.2). Without an answer the sender gets 100 after 3.5 s and nothing after 64*T1.
   */
  respond(status: number, options?: RespondOptions): void
}

const NO_FIELDS: readonly HeaderField[] = []

/** One for each status: most answers are nothing but that. */
const PLAIN = new Map<number, Recipe>()

function recipeOf(status: number, options: RespondOptions = {}): Recipe {
  const { reason, headers = NO_FIELDS } = options
  if (headers.length > 0 || (reason !== undefined && reason !== REASONS[status]))
    return { status, reason, headers }
  let recipe = PLAIN.get(status)
  if (recipe === undefined) {
    recipe = { status, reason: undefined, headers: NO_FIELDS }
    PLAIN.set(status, recipe)
  }
  return recipe
}

export interface UasCoreDeps {
  readonly connections: Connections
  readonly clock: Clock
  readonly timers: Timers
  readonly values: TimerValues
  readonly random: Random
  readonly counters: Counters
  readonly onEvent: (event: EndpointEvent) => void
  readonly onRequest: (incoming: IncomingRequest) => void
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
  }

  get active(): number {
    return this.#transactions.active
  }

  /** The completed ones included. */
  get size(): number {
    return this.#transactions.active + this.#transactions.completed
  }

  /** From now on new requests get 503. */
  stop(): void {
    this.#stopped = true
  }

  clear(): void {
    this.#transactions.clear()
  }

  receive(request: SipRequest, arrival: Arrival): void {
    const { counters, supports } = this.#deps
    const via = request.headers.topVia()
    if (via === undefined) return
    // RFC 4475 §3.2.1: a branch that is nothing but the cookie names no transaction.
    if (param(via.params, 'branch') === MAGIC_COOKIE && request.method !== 'ACK') {
      counters.malformedAnswered++
      this.refuse(request, arrival, 400, 'Missing Transaction Identifier')
      return
    }
    const verdict = checkRequest(request, supports)
    if (verdict.kind === 'ignore') {
      counters.acks++
      return
    }
    if (verdict.kind === 'answer') {
      counters.answeredByCore++
      // §9.2: a CANCEL that matches a transaction is answered 200, and cancels nothing but INVITE.
      const matches =
        request.method === 'CANCEL' &&
        supports.methods.some((method) => this.#transactions.has(serverKey(request, via, method)))
      this.refuse(request, arrival, matches ? 200 : verdict.status, undefined, verdict.headers)
      return
    }
    const key = serverKey(request, via)
    if (this.#transactions.absorb(key, request, arrival)) {
      counters.retransmissionsIn++
      return
    }
    if (this.#stopped || this.#deps.full()) {
      counters.overloaded++
      if (!this.#stopped) this.#deps.onEvent({ kind: 'overloaded', what: 'transactions' })
      this.refuse(request, arrival, 503, undefined, this.#retryAfter)
      return
    }
    const merged = this.#transactions.mergedKey(request)
    if (this.#transactions.isMerged(merged)) {
      counters.merged++
      this.refuse(request, arrival, 482, 'Request Merged')
      return
    }
    const reliable = arrival.connection !== undefined
    const transaction = this.#transactions.begin(key, merged, request, arrival, reliable)
    try {
      this.#deps.onRequest({
        request,
        source: arrival.source,
        respond: (status, options) => this.#respond(transaction, status, options),
      })
    } catch (error) {
      this.#deps.fault(error)
      if (transaction.recipe === undefined) transaction.answer(recipeOf(500))
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
    const legal = Number.isInteger(status) && status >= 200 && status < 700
    let recipe = recipeOf(legal ? (status === 408 ? 504 : status) : 500, status === 408 ? {} : options)
    if (!legal || status === 408) counters.answersMended++
    // Text that would break the message is found now, while there is another answer to give.
    try {
      checkWritable(recipe.reason, recipe.headers)
    } catch (error) {
      counters.answersMended++
      this.#deps.fault(error)
      recipe = recipeOf(500)
    }
    transaction.answer(recipe)
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
