import type { Random } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Answer, RecordOf, RecordType } from './answer.ts'
import { askOverTcp, askOverUdp, type DnsServer, type Exchange, type ExchangeDeps } from './exchange.ts'
import { writeQuery } from './query.ts'
import { type Reading, readReply } from './reply.ts'

/** Aliases that are followed by a question of their own. */
const MOST_QUESTIONS = 5

export interface ServersDeps {
  /** In the order they are asked; read anew for every question. */
  readonly servers: () => readonly DnsServer[]
  readonly timers: Timers
  readonly random: Random
  /** Milliseconds for one try at one server. */
  readonly timeout: number
  /** How often a server is asked that does not answer at all. */
  readonly rounds: number
  /** Records in one answer. */
  readonly records: number
  readonly counters: ServersCounters
}

export interface ServersCounters {
  /** Queries that were sent, over UDP and TCP. */
  queries: number
  tcp: number
  timeouts: number
  /** Answers that said nothing: SERVFAIL, REFUSED, malformed, oversized, or of a server that does not look itself. */
  faults: number
  /** What came in place of an answer and did not belong to the query. */
  foreign: number
}

/** Asks one server after the other until one of them knows. */
export class Servers {
  readonly #deps: ServersDeps
  /** The one that answered last is asked first: a dead one costs its time-out once. */
  #preferred: DnsServer | undefined

  constructor(deps: ServersDeps) {
    this.#deps = deps
  }

  /** Follows aliases. Never rejects; an aborted signal ends it as `failed`. */
  async ask<T extends RecordType>(name: string, type: T, signal: AbortSignal): Promise<Answer<RecordOf[T]>> {
    let next = name
    let ttl = Number.POSITIVE_INFINITY
    for (let asked = 0; asked < MOST_QUESTIONS; asked++) {
      const reading = await this.#overServers(next, type, signal)
      switch (reading.kind) {
        case 'failed':
          return reading
        case 'alias':
          next = reading.name
          ttl = Math.min(ttl, reading.ttl)
          break
        default:
          return { ...reading, ttl: Math.min(ttl, reading.ttl) }
      }
    }
    return { kind: 'failed', reason: 'alias-loop' }
  }

  async #overServers<T extends RecordType>(
    name: string,
    type: T,
    signal: AbortSignal,
  ): Promise<Known<RecordOf[T]>> {
    const all = this.#deps.servers()
    const first = all.find((server) => same(server, this.#preferred))
    let left = first === undefined ? all : [first, ...all.filter((server) => server !== first)]
    let reason = 'no DNS server'
    for (let round = 0; round < this.#deps.rounds; round++) {
      const silent: DnsServer[] = []
      for (const server of left) {
        if (signal.aborted) return { kind: 'failed', reason: String(signal.reason) }
        const reading = await this.#once(server, name, type, signal)
        if (reading.kind !== 'failed') {
          this.#preferred = server
          return reading
        }
        reason = reading.reason
        if (reason === 'timeout') {
          this.#deps.counters.timeouts++
          silent.push(server)
        } else this.#deps.counters.faults++
      }
      left = silent
    }
    return { kind: 'failed', reason }
  }

  async #once<T extends RecordType>(
    server: DnsServer,
    name: string,
    type: T,
    signal: AbortSignal,
  ): Promise<Known<RecordOf[T]>> {
    let edns = true
    let ask = askOverUdp
    // At most: with EDNS, without it, and over TCP.
    for (let tries = 0; tries < 3; tries++) {
      const query = writeQuery(name, type, edns, this.#deps.random)
      this.#deps.counters.queries++
      const result: Exchange = await ask(server, query, this.#exchangeDeps(signal))
      if (result.kind === 'failed') return result
      const reading = readReply(result.bytes, name, type, this.#deps.records)
      if (reading.kind === 'no-edns') {
        if (!edns) return { kind: 'failed', reason: 'refused' }
        edns = false
      } else if (reading.kind === 'truncated') {
        if (ask === askOverTcp) return { kind: 'failed', reason: 'malformed' }
        ask = askOverTcp
        this.#deps.counters.tcp++
      } else return reading
    }
    return { kind: 'failed', reason: 'malformed' }
  }

  #exchangeDeps(signal: AbortSignal): ExchangeDeps {
    const { timers, timeout, counters } = this.#deps
    return { timers, timeout, signal, onForeign: () => counters.foreign++ }
  }
}

type Known<T> =
  | Exclude<Reading<T>, { kind: 'truncated' | 'no-edns' | 'failed' }>
  | { readonly kind: 'failed'; readonly reason: string }

const same = (one: DnsServer, other: DnsServer | undefined): boolean =>
  one.address === other?.address && one.port === other.port
