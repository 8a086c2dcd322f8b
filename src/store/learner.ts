import type { LearnedContacts, LearnedStats } from '../edge/subjects.ts'
import { type Address, textOfAddress } from '../federation/address.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Timer, Timers } from '../kernel/timer-wheel.ts'
import { addressOf, targetOf } from './contact-rows.ts'
import { Outage } from './outage.ts'
import { isStorable } from './subject-record.ts'

/** One entry to be written: `expires` in milliseconds since the epoch. */
export interface Learned {
  readonly owner: string
  readonly target: string
  readonly expires: number
  /** Learned entries that the user may have. */
  readonly perUser: number
}

/** An entry that had to make room. */
export type Gone = Pick<Learned, 'owner' | 'target'>

export interface LearnerOptions {
  /**
   * One transaction; each entry is another one. Entries by others than `learned` stay; the oldest beyond `perUser` go.
   * @returns those that went
   */
  readonly write: (batch: readonly Learned[], now: number) => readonly Gone[] | Promise<readonly Gone[]>
  /** Deletes some of the entries that have expired. */
  readonly sweep: (now: number) => void | Promise<void>
  readonly onFault: (error: unknown) => void
  readonly clock: Clock
  readonly timers: Timers
  /** Entries that may wait (10,000). */
  readonly queue?: number | undefined
  /** Milliseconds between an entry and its being written (100). */
  readonly flushEvery?: number | undefined
}

/** Entries in one transaction: it takes a few milliseconds of the process's one thread on SQLite. */
const BATCH = 64
/** What was written lately is not written again for each message. */
const MEMORY = 50_000
const REMEMBERED = 3_600_000
const SWEEP_EVERY = 600_000
/** Pause after a write that failed. */
const RETRY = 1000

/** Writes learned contact entries in batches, off the way of the messages. */
export class Learner implements LearnedContacts {
  readonly #options: LearnerOptions
  readonly #outage: Outage
  readonly #limit: number
  readonly #delay: number
  readonly #waiting = new Map<string, Learned>()
  #lately = new BoundedMap<string, true>(MEMORY, REMEMBERED)
  readonly #listeners: ((own: Address) => void)[] = []
  #timer: Timer | undefined
  #sweeper: Timer
  #writing: Promise<void> | undefined
  #closed = false
  #written = 0
  #dropped = 0
  #failed = 0

  constructor(options: LearnerOptions) {
    this.#options = options
    this.#outage = new Outage(options.clock, options.onFault)
    this.#limit = options.queue ?? 10_000
    this.#delay = options.flushEvery ?? 100
    this.#sweeper = options.timers.set(SWEEP_EVERY, this.#sweep)
  }

  learn(
    own: Address,
    remote: Address,
    limits: { readonly lifetime: number; readonly perUser: number },
  ): boolean {
    const owner = textOfAddress(own)
    const target = targetOf({ kind: 'address', address: remote })
    const key = keyOf({ owner, target })
    const { clock, timers } = this.#options
    if (this.#lately.get(key, clock.now()) !== undefined) return true
    if (this.#closed || !isStorable(key) || (this.#waiting.size >= this.#limit && !this.#waiting.has(key))) {
      this.#dropped++
      return false
    }
    this.#waiting.set(key, {
      owner,
      target,
      expires: clock.wall() + limits.lifetime,
      perUser: limits.perUser,
    })
    this.#timer ??= timers.set(this.#delay, this.#flush)
    return true
  }

  onLearned(listener: (own: Address) => void): void {
    this.#listeners.push(listener)
  }

  learnedStats(): LearnedStats {
    return {
      waiting: this.#waiting.size,
      written: this.#written,
      dropped: this.#dropped,
      failed: this.#failed,
    }
  }

  /** Somebody has changed the store: an entry written lately may be gone again. */
  forget(): void {
    this.#lately = new BoundedMap(MEMORY, REMEMBERED)
  }

  /** Writes what waits, as far as the store lets it. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#sweeper.cancel()
    await this.#writing
    const before = this.#failed
    while (this.#waiting.size > 0 && this.#failed === before) await this.#writeSome()
  }

  readonly #flush = (): void => {
    this.#writing = this.#writeSome().then((wrote) => {
      this.#writing = undefined
      this.#timer =
        this.#closed || this.#waiting.size === 0
          ? undefined
          : this.#options.timers.set(wrote ? 0 : RETRY, this.#flush)
    })
  }

  async #writeSome(): Promise<boolean> {
    const { write, clock } = this.#options
    const batch = first(this.#waiting, BATCH)
    let gone: readonly Gone[]
    try {
      gone = await write(
        batch.map(([, entry]) => entry),
        clock.wall(),
      )
    } catch (error) {
      this.#failed++
      this.#outage.failed(error)
      return false
    }
    this.#outage.worked()
    for (const [key, entry] of batch) {
      // Learned again while it was being written: that one still waits.
      if (this.#waiting.get(key) === entry) this.#waiting.delete(key)
      this.#lately.set(key, true, clock.now())
    }
    for (const entry of gone) this.#lately.delete(keyOf(entry))
    this.#written += batch.length
    const owners = new Set(batch.map(([, { owner }]) => owner))
    for (const owner of owners) for (const listener of this.#listeners) listener(addressOf(owner))
    return true
  }

  readonly #sweep = (): void => {
    const { sweep, clock, timers, onFault } = this.#options
    void (async () => {
      try {
        await sweep(clock.wall())
      } catch (error) {
        onFault(error)
      }
      if (!this.#closed) this.#sweeper = timers.set(SWEEP_EVERY, this.#sweep)
    })()
  }
}

const keyOf = ({ owner, target }: Gone): string => `${owner} ${target}`

function first<K, V>(map: ReadonlyMap<K, V>, count: number): [K, V][] {
  const found: [K, V][] = []
  for (const entry of map) {
    if (found.length === count) break
    found.push(entry)
  }
  return found
}
