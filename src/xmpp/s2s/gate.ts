import type { Clock } from '../../kernel/clock.ts'
import { Admission, networkOf } from '../../net/admission.ts'
import type { Connections } from './connections.ts'

/** A connection that came, and has proved nothing yet. */
export interface Stranger {
  readonly address: string
  /** The clock's time when it came. */
  readonly since: number
  /** Room is needed for another. */
  evict(): void
}

export interface GateLimits {
  readonly connections: number
  readonly connectionsPerAddress: number
  readonly handshakes: number
}

/** Milliseconds that everybody has to prove something, however many come. */
const GRACE = 1_000
/** Of all connections, those that came: who comes in cannot keep us from going out. */
const SHARE = 0.75

/**
 * Who may come in: so many in all, so many from one address, and of those so many that have proved nothing yet.
 *
 * Where strangers have taken all their room, refusing the next one would let a few hundred silent connections shut out everybody for as
 * long as set-up may take. So one that had its second goes: of the network that holds most strangers, the one that came first. Whoever
 * fills the room from few addresses pushes out themselves. If none had its second, the next one is refused: a flood from everywhere
 * then lets in as many a second as there are places, whoever comes first, and all of them can finish.
 */
export class Gate {
  readonly #limits: GateLimits
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #admission: Admission
  readonly #strangers = new Set<Stranger>()
  #evicted = 0

  constructor(limits: GateLimits, connections: Connections, clock: Clock) {
    this.#limits = limits
    this.#connections = connections
    this.#clock = clock
    const total = Math.ceil(limits.connections * SHARE)
    this.#admission = new Admission({ total, perAddress: limits.connectionsPerAddress })
  }

  get size(): number {
    return this.#admission.size
  }

  /** Strangers that had to make room. */
  get evicted(): number {
    return this.#evicted
  }

  get strangers(): number {
    return this.#strangers.size
  }

  /** Which limit keeps the next one out; undefined: it is in, `greet` follows, and `leave` is due. */
  enter(address: string): keyof GateLimits | undefined {
    const full = this.#admission.enter(address)
    if (full !== undefined) return full === 'total' ? 'connections' : 'connectionsPerAddress'
    const room = this.#strangers.size < this.#limits.handshakes || this.#makeRoom()
    if (room && this.#connections.take()) return undefined
    this.#admission.leave(address)
    return room ? 'connections' : 'handshakes'
  }

  greet(stranger: Stranger): void {
    this.#strangers.add(stranger)
  }

  /** It has proved something. */
  known(stranger: Stranger): void {
    this.#strangers.delete(stranger)
  }

  leave(stranger: Stranger): void {
    this.#strangers.delete(stranger)
    this.#admission.leave(stranger.address)
    this.#connections.release()
  }

  #makeRoom(): boolean {
    const from = new Map<string, number>()
    for (const { address } of this.#strangers) {
      const network = networkOf(address)
      from.set(network, (from.get(network) ?? 0) + 1)
    }
    const until = this.#clock.now() - GRACE
    let most = 0
    let found: Stranger | undefined
    // They stand in the order in which they came.
    for (const stranger of this.#strangers) {
      if (stranger.since > until) break
      const there = from.get(networkOf(stranger.address)) ?? 0
      if (there <= most) continue
      most = there
      found = stranger
    }
    if (found === undefined) return false
    this.#strangers.delete(found)
    this.#evicted++
    found.evict()
    return true
  }
}
