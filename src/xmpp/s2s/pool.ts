import type { Element } from '../xml/element.ts'
import type { Channel, Outward, StreamView } from './channel.ts'
import type { Connections } from './connections.ts'
import type { VerifyAnswer, VerifyRequest } from './dialback.ts'
import { type DomainPair, type PairKey, pairKey } from './domain-pair.ts'
import type { Confirmation, S2sEvent, S2sOptions } from './options.ts'
import { Outgoing, type StreamEnd, type VerifyOutcome } from './outgoing.ts'
import type { TroubledDomain } from './reach.ts'
import { ReachOfPairs } from './reach-of-pairs.ts'
import type { StreamName } from './receiving-state.ts'
import { bounceFor, isLasting, type StreamFailure, unreachableFor } from './stream-failure.ts'
import { type Waiting, WaitingRoom } from './waiting.ts'

export interface PoolOptions {
  readonly s2s: S2sOptions
  readonly connections: Connections
  /** What an authoritative server says on a stream of ours, asked or not. */
  verified(via: StreamName, answer: VerifyAnswer): void
  /** A stream of ours takes and brings nothing more. */
  closed(stream: StreamName): void
}

export interface PoolStats {
  /** Streams now, and of those how many are live. */
  readonly streams: number
  readonly live: number
  /** Ways back of streams that were opened to us (XEP-0288), that may be used. */
  readonly offered: number
  readonly queuedStanzas: number
  readonly queuedBytes: number
  readonly troubledDomains: number
  readonly opened: number
  readonly proved: number
  readonly failed: number
  readonly sent: number
  readonly bounced: number
  /** Had no room in a queue, or a reader that was too slow. */
  readonly refusedSends: number
  /** Verifications that were asked for. */
  readonly verifications: number
}

/** What leads from one domain of ours to another one. */
interface Way {
  readonly pair: DomainPair
  readonly streams: Set<Outgoing>
  /** The one for stanzas, once there was one to send; it is among the streams. */
  main: Outgoing | undefined
  /** Those of others, the oldest first. */
  readonly channels: Set<Channel>
  /** In use: one way as long as it lasts, so that stanzas stay in order (RFC 6120 §10.1). */
  current: Channel | undefined
  readonly queue: Waiting[]
}

/** Milliseconds that a stream has to be live for its domain to count as reachable. */
const SETTLED = 30_000
/** Of all connections, those for verification alone: who has us verify keys cannot keep us from sending. */
const SPARE = 0.25

/**
 * The streams that we open to others: one for each pair of domains, opened when there is something to send, used until it is
 * idle. Where the other domain has a stream to us that goes both ways, that one is used.
 */
export class Pool implements Outward {
  readonly #options: PoolOptions
  readonly #s2s: S2sOptions
  readonly #ways = new Map<PairKey, Way>()
  readonly #byChannel = new Map<Channel, Set<Way>>()
  /** Until their connection is gone. */
  readonly #streams = new Set<Outgoing>()
  readonly #reach: ReachOfPairs
  readonly #waiting: WaitingRoom
  #names = 0
  #closing: Promise<void> | undefined
  #closed = (): void => {}
  #counts = { opened: 0, proved: 0, failed: 0, sent: 0, bounced: 0, refusedSends: 0, verifications: 0 }

  constructor(options: PoolOptions) {
    const { limits, retry, clock, random } = options.s2s
    this.#options = options
    this.#s2s = options.s2s
    this.#reach = new ReachOfPairs({ limit: limits.domains, retry, clock, random })
    this.#waiting = new WaitingRoom({ stanzas: limits.queueStanzas, octets: limits.queueBytes })
  }

  /**
   * Takes a stanza of ours; `pair.sender` is the domain of its from. It leaves at once, or waits for a stream, and leaves with it or
   * is bounced, with `taken(false)`. False: too much waits already; nothing was taken, and nobody is told.
   */
  send(stanza: Element, pair: DomainPair, taken?: Confirmation): boolean {
    if (this.#closing !== undefined) return false
    const way = this.#ways.get(pairKey(pair))
    const told = taken === undefined ? undefined : this.#guarded(taken)
    const current = way === undefined ? undefined : this.#current(way)
    if (current !== undefined) return this.#count(current.send(stanza, told))
    if (way === undefined || way.main === undefined) {
      const failure = this.#refusal(pair)
      if (failure !== undefined) {
        queueMicrotask(() => this.#bounce(stanza, told, failure))
        return true
      }
    }
    return this.#enqueue(way ?? this.#way(pair), stanza, told)
  }

  offer(pair: DomainPair, channel: Channel): void {
    const way = this.#way(pair)
    way.channels.add(channel)
    const ways = this.#byChannel.get(channel) ?? new Set()
    this.#byChannel.set(channel, ways.add(way))
    this.#flush(way)
    this.#event({ kind: 'reachable', domain: pair.target })
  }

  withdraw(channel: Channel, cut = false): void {
    for (const way of this.#byChannel.get(channel) ?? []) {
      way.channels.delete(channel)
      if (way.current === channel) {
        way.current = undefined
        if (cut) this.#event({ kind: 'cut', domain: way.pair.target })
      }
      this.#forget(way)
    }
    this.#byChannel.delete(channel)
  }

  verify(
    { sender, target }: DomainPair,
    request: VerifyRequest,
    except: StreamName,
    tell: (outcome: VerifyOutcome) => void,
  ): void {
    this.#counts.verifications++
    const pair = { sender: target, target: sender }
    const known = this.#ways.get(pairKey(pair))
    const usable = [...(known?.streams ?? [])].filter(({ usable, name }) => usable && name !== except)
    const there = usable.find(({ live }) => live) ?? usable[0]
    if (there !== undefined) {
      there.verify(request, tell)
      return
    }
    const failure = this.#closing === undefined ? this.#refusal(pair) : STOPPING
    if (failure === undefined) this.#spare()
    const stream = failure === undefined ? this.#open(known ?? this.#way(pair)) : failure
    if (stream instanceof Outgoing) stream.verify(request, tell)
    else tell({ unreachable: unreachableFor(stream) })
  }

  /** The rules have changed: what they no longer allow ends. */
  recheck(): void {
    for (const stream of [...this.#streams]) if (stream.usable) stream.recheck()
  }

  pause(): void {
    for (const stream of this.#streams) stream.pause()
  }

  resume(): void {
    for (const stream of this.#streams) stream.resume()
  }

  views(): readonly StreamView[] {
    return [...this.#streams].map((stream) => stream.view())
  }

  /** Where that stream leads; empty where that is not known, or no more. */
  addressOf(stream: StreamName): string {
    for (const each of this.#streams) if (each.name === stream) return each.view().address
    return ''
  }

  troubled(): readonly TroubledDomain[] {
    return this.#reach.troubled()
  }

  stats(): PoolStats {
    return {
      ...this.#counts,
      streams: this.#streams.size,
      live: [...this.#streams].filter(({ live }) => live).length,
      offered: this.#byChannel.size,
      queuedStanzas: this.#waiting.stanzas,
      queuedBytes: this.#waiting.octets,
      troubledDomains: this.#reach.size,
    }
  }

  /** Ends all streams in good order; what waits is bounced. Settles once no connection is left. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    const closing = new Promise<void>((resolve) => {
      this.#closed = resolve
    })
    this.#closing = closing
    for (const stream of [...this.#streams]) stream.end(STOPPING.text)
    this.#checkClosed()
    return closing
  }

  /** There will be one more for verification: the oldest goes where they are too many. */
  #spare(): void {
    const spare = [...this.#streams].filter((stream) => stream.spare)
    if (spare.length + 1 > this.#s2s.limits.connections * SPARE) spare[0]?.end('others needed the room')
  }

  /** Why nothing may be opened for the pair now. */
  #refusal(pair: DomainPair): StreamFailure | undefined {
    const { sender, target } = pair
    const rules = this.#s2s.rulesFor(sender, target)
    if (rules === undefined || rules.accepted.length === 0)
      return { kind: 'unwanted', text: `there are no streams between ${sender} and ${target}` }
    return this.#reach.blocked(pair)
  }

  #enqueue(way: Way, stanza: Element, taken: Confirmation | undefined): boolean {
    if (!this.#waiting.enter(way.queue, stanza, taken)) {
      this.#forget(way)
      return this.#count(false)
    }
    if (way.main === undefined) this.#lead(way)
    return true
  }

  /** A stream for what waits: one that is there for verification, or a new one. */
  #lead(way: Way): void {
    const there = [...way.streams].find(({ usable }) => usable)
    const main = there ?? this.#open(way)
    if (main instanceof Outgoing) {
      way.main = main
      main.want()
    } else queueMicrotask(() => this.#bounceAll(way, main))
  }

  #open(way: Way): Outgoing | StreamFailure {
    const { connections, s2s, verified } = this.#options
    if (!connections.take()) {
      this.#forget(way)
      this.#event({ kind: 'limit', limit: 'connections', address: '' })
      return { kind: 'full', text: 'there are too many connections to other servers' }
    }
    const stream: Outgoing = new Outgoing({
      name: `out-${++this.#names}`,
      pair: way.pair,
      s2s,
      events: {
        live: () => {
          this.#counts.proved++
          this.#reach.proved(way.pair)
          this.#flush(way)
          this.#event({ kind: 'reachable', domain: way.pair.target })
        },
        failed: (failure) => {
          this.#counts.failed++
          this.#left(way, stream)
          this.#failed(way, failure)
        },
        ended: (end) => {
          this.#left(way, stream)
          if (end !== undefined) this.#ended(way, end)
          else if (way.queue.length > 0 && way.main === undefined) this.#lead(way)
          this.#forget(way)
        },
        gone: () => {
          this.#streams.delete(stream)
          connections.release()
          this.#checkClosed()
        },
        verified: (answer) => verified(stream.name, answer),
      },
    })
    this.#counts.opened++
    this.#streams.add(stream)
    way.streams.add(stream)
    stream.start()
    return stream
  }

  /** The stream takes nothing more. */
  #left(way: Way, stream: Outgoing): void {
    way.streams.delete(stream)
    if (way.current === stream) way.current = undefined
    if (way.main === stream) way.main = undefined
    this.#options.closed(stream.name)
  }

  #failed(way: Way, failure: StreamFailure): void {
    const { target } = way.pair
    if (isLasting(failure)) {
      const retryIn = this.#reach.failed(way.pair, failure)
      this.#event({ kind: 'unreachable', domain: target, reason: failure.text, retryIn })
    }
    if (way.main === undefined) this.#bounceAll(way, failure)
    this.#forget(way)
  }

  #ended({ pair: { target } }: Way, { by, lived, reason, cut }: StreamEnd): void {
    if (cut) this.#event({ kind: 'cut', domain: target })
    if (by === 'us' || lived >= SETTLED) {
      this.#reach.lasted(target)
      return
    }
    const failure: StreamFailure = {
      kind: 'refused',
      text: `${target} ended the last stream at once: ${reason}`,
    }
    const retryIn = this.#reach.cutShort(target, failure)
    if (retryIn > 0) this.#event({ kind: 'unreachable', domain: target, reason: failure.text, retryIn })
  }

  /** The way that stanzas take, the same one while it is there. */
  #current(way: Way): Channel | undefined {
    if (way.current === undefined)
      way.current = way.main?.live === true ? way.main : way.channels.values().next().value
    return way.current
  }

  #flush(way: Way): void {
    if (way.queue.length === 0) return
    const current = this.#current(way)
    if (current === undefined) return
    for (const { stanza, taken } of this.#waiting.leave(way.queue)) {
      if (!this.#count(current.send(stanza, taken))) this.#bounce(stanza, taken, TOO_SLOW)
    }
  }

  #bounceAll(way: Way, failure: StreamFailure): void {
    for (const { stanza, taken } of this.#waiting.leave(way.queue)) this.#bounce(stanza, taken, failure)
    this.#forget(way)
  }

  #bounce(stanza: Element, taken: Confirmation | undefined, failure: StreamFailure): void {
    this.#counts.bounced++
    try {
      this.#s2s.onBounce(stanza, bounceFor(failure))
    } catch (error) {
      this.#s2s.onFault(error)
    }
    taken?.(false)
  }

  #way(pair: DomainPair): Way {
    const key = pairKey(pair)
    const known = this.#ways.get(key)
    if (known !== undefined) return known
    const way: Way = {
      pair,
      streams: new Set(),
      main: undefined,
      channels: new Set(),
      current: undefined,
      queue: [],
    }
    this.#ways.set(key, way)
    return way
  }

  #forget(way: Way): void {
    if (way.streams.size + way.channels.size + way.queue.length === 0) this.#ways.delete(pairKey(way.pair))
  }

  #count(taken: boolean): boolean {
    if (taken) this.#counts.sent++
    else this.#counts.refusedSends++
    return taken
  }

  #checkClosed(): void {
    if (this.#closing !== undefined && this.#streams.size === 0) this.#closed()
  }

  #event(event: S2sEvent): void {
    try {
      this.#s2s.onEvent(event)
    } catch (error) {
      this.#s2s.onFault(error)
    }
  }

  /** What is told to others must not cost a stream. */
  #guarded(taken: Confirmation): Confirmation {
    return (whether) => {
      try {
        taken(whether)
      } catch (error) {
        this.#s2s.onFault(error)
      }
    }
  }
}

const STOPPING: StreamFailure = { kind: 'unwanted', text: 'the gateway is stopping' }
const TOO_SLOW: StreamFailure = { kind: 'full', text: 'the other server reads too slowly' }
