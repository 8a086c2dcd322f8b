import { type Clock, systemClock } from '../../kernel/clock.ts'
import { type Random, systemRandom } from '../../kernel/random.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import type { Answer, Lookups, NaptrRecord, RecordOf, RecordType, SrvRecord } from './answer.ts'
import { AnswerCache, type Lifetimes } from './cache.ts'
import type { DnsServer } from './exchange.ts'
import { FileView } from './file-view.ts'
import { dnsName } from './name.ts'
import { Servers, type ServersCounters } from './servers.ts'
import { type Hosts, parseHosts, parseResolvConf } from './system-files.ts'
import { Turnstile } from './turnstile.ts'

export interface ResolverLimits extends Lifetimes {
  /** Milliseconds for one try at one server. */
  readonly timeout: number
  /** How often a server is asked that does not answer at all. */
  readonly rounds: number
  /** Milliseconds for one question with all its tries, aliases, and the time it waits for its turn. */
  readonly deadline: number
  /** Questions that are asked at the same time. */
  readonly underWay: number
  /** Questions that wait for their turn; beyond, the answer is `failed`. */
  readonly waiting: number
  /** Answers that are kept; the oldest goes. */
  readonly answers: number
  /** Records in one answer; with more it is `failed`. */
  readonly records: number
}

export const DEFAULT_RESOLVER_LIMITS: ResolverLimits = {
  timeout: 2_000,
  rounds: 2,
  deadline: 10_000,
  underWay: 100,
  waiting: 1_000,
  answers: 10_000,
  records: 200,
  floor: 5,
  ceiling: 86_400,
  negativeCeiling: 900,
  failure: 2,
}

export interface ResolverOptions {
  readonly timers: Timers
  readonly clock?: Clock
  readonly random?: Random
  /** Those of /etc/resolv.conf unless given; a change of that file is seen. */
  readonly servers?: readonly DnsServer[]
  /** /etc/hosts unless given; `false` where names must come from the servers alone. */
  readonly hosts?: Hosts | false
  readonly limits?: Partial<ResolverLimits>
}

export interface ResolverStats extends Readonly<ServersCounters> {
  readonly asked: number
  /** Answered from what was kept, or from /etc/hosts. */
  readonly known: number
  /** Waited for the answer to the same question of somebody else. */
  readonly shared: number
  readonly failed: number
  /** Turned away because too many waited. */
  readonly turnedAway: number
  readonly answers: number
  readonly evicted: number
  readonly underWay: number
  readonly waiting: number
}

/** A stub resolver (RFC 1034 §5.3.1): recursion is the servers' work, and so is whether they can be believed. */
export class Resolver implements Lookups {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #limits: ResolverLimits
  readonly #hosts: Hosts
  readonly #servers: Servers
  readonly #cache: AnswerCache
  readonly #turnstile: Turnstile
  readonly #underWay = new Map<string, Promise<Answer<unknown>>>()
  readonly #open = new Set<AbortController>()
  #closed = false
  readonly #counters: ServersCounters = { queries: 0, tcp: 0, timeouts: 0, faults: 0, foreign: 0 }
  readonly #own = { asked: 0, known: 0, shared: 0, failed: 0, turnedAway: 0 }

  constructor(options: ResolverOptions) {
    this.#clock = options.clock ?? systemClock
    this.#timers = options.timers
    this.#limits = { ...DEFAULT_RESOLVER_LIMITS, ...options.limits }
    this.#hosts = hostsOf(options.hosts, this.#clock)
    this.#servers = new Servers({
      servers: serversOf(options.servers, this.#clock),
      timers: options.timers,
      random: options.random ?? systemRandom,
      timeout: this.#limits.timeout,
      rounds: this.#limits.rounds,
      records: this.#limits.records,
      counters: this.#counters,
    })
    this.#cache = new AnswerCache(this.#limits.answers, this.#limits)
    this.#turnstile = new Turnstile(this.#limits.underWay, this.#limits.waiting)
  }

  srv(name: string, signal?: AbortSignal): Promise<Answer<SrvRecord>> {
    return this.#lookUp('SRV', name, signal)
  }

  naptr(name: string, signal?: AbortSignal): Promise<Answer<NaptrRecord>> {
    return this.#lookUp('NAPTR', name, signal)
  }

  a(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    return this.#lookUp('A', name, signal)
  }

  aaaa(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    return this.#lookUp('AAAA', name, signal)
  }

  stats(): ResolverStats {
    return {
      ...this.#counters,
      ...this.#own,
      answers: this.#cache.size,
      evicted: this.#cache.evicted,
      underWay: this.#turnstile.running,
      waiting: this.#turnstile.waiting,
    }
  }

  /** Whoever waits gets `failed`, and so does whoever asks from now on for what is not known. */
  close(): void {
    this.#closed = true
    for (const question of this.#open) question.abort('closed')
  }

  async #lookUp<T extends RecordType>(
    type: T,
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<Answer<RecordOf[T]>> {
    signal?.throwIfAborted()
    this.#own.asked++
    const name = dnsName(text)
    // No such name can exist.
    if (name === undefined) return { kind: 'none', ttl: this.#limits.negativeCeiling }
    const known = this.#known(type, name)
    if (known !== undefined) {
      this.#own.known++
      return known as Answer<RecordOf[T]>
    }
    const answer = (await unlessAborted(this.#shared(type, name), signal)) as Answer<RecordOf[T]>
    if (answer.kind === 'failed') this.#own.failed++
    return answer
  }

  #known(type: RecordType, name: string): Answer<unknown> | undefined {
    if (type === 'A' || type === 'AAAA') {
      const records = this.#hosts(name)?.[type]
      if (records !== undefined)
        return records.length > 0
          ? { kind: 'records', records, ttl: this.#limits.floor }
          : { kind: 'none', ttl: this.#limits.floor }
    }
    return this.#cache.get(keyOf(type, name), this.#clock.now())
  }

  /** Concurrent identical questions are one. */
  #shared(type: RecordType, name: string): Promise<Answer<unknown>> {
    const key = keyOf(type, name)
    const open = this.#underWay.get(key)
    if (open !== undefined) {
      this.#own.shared++
      return open
    }
    const answer = this.#ask(type, name)
    if (answer === undefined) {
      this.#own.turnedAway++
      return Promise.resolve({ kind: 'failed', reason: 'too many questions' })
    }
    const kept = answer
      .then((value) => this.#cache.set(key, value, this.#clock.now()))
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, kept)
    return kept
  }

  #ask(type: RecordType, name: string): Promise<Answer<unknown>> | undefined {
    if (this.#closed) return Promise.resolve({ kind: 'failed', reason: 'closed' })
    const question = new AbortController()
    const answer = this.#turnstile.pass(() => this.#servers.ask(name, type, question.signal))
    if (answer === undefined) return undefined
    const timer = this.#timers.set(this.#limits.deadline, () => question.abort('timeout'))
    this.#open.add(question)
    return answer.finally(() => {
      timer.cancel()
      this.#open.delete(question)
    })
  }
}

const keyOf = (type: RecordType, name: string): string => `${type} ${name}`

function hostsOf(hosts: Hosts | false | undefined, clock: Clock): Hosts {
  if (hosts === false) return () => undefined
  if (hosts !== undefined) return hosts
  const view = new FileView('/etc/hosts', parseHosts, clock)
  return (name) => view.value(name)
}

function serversOf(servers: readonly DnsServer[] | undefined, clock: Clock): () => readonly DnsServer[] {
  if (servers !== undefined) return () => servers
  const view = new FileView('/etc/resolv.conf', parseResolvConf, clock)
  return () => view.value
}

/** The question goes on for the others who wait for it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
