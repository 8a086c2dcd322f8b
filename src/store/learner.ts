import type { LearnedContacts, LearnedStats, Lesson } from '../edge/subjects.ts'
import { type Address, textOfAddress } from '../federation/address.ts'
import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import { flat } from '../kernel/flat.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import { addressOf, targetOf } from './contact-rows.ts'
import { Outage } from './outage.ts'
import { isStorableKey } from './subject-record.ts'
import { Sweeper } from './sweeper.ts'
import { Trials } from './trials.ts'
import { WriteBehind } from './write-behind.ts'

/** One entry to be written: `expires` in milliseconds since the epoch. */
export interface Learned {
  readonly owner: string
  readonly target: string
  readonly expires: number
  /** Learned entries that the user may have. */
  readonly perUser: number
}

export type Pair = Pick<Learned, 'owner' | 'target'>

/** What one transaction writes: first it takes back, then it learns. */
export interface Batch {
  readonly learned: readonly Learned[]
  /** To be deleted where they are still as they were written: learned, and with the same expiry. */
  readonly unlearned: readonly Learned[]
}

export interface Wrote {
  /** Those of `learned` that were on the Allow list before, by whomever; null: without an expiry. */
  readonly found: readonly (Pair & { readonly expires: number | null })[]
  /** Entries that had to make room. */
  readonly gone: readonly Pair[]
  /** What the transaction has left on its users: one more than the mark of the one before it, of whatever process. */
  readonly mark: number
}

export interface LearnerOptions {
  /** One transaction; each entry is another one. Entries by others than `learned` stay; the oldest beyond `perUser` go. */
  readonly write: (batch: Batch) => Wrote | Promise<Wrote>
  /** Deletes some of what nobody needs any more. True: there is more. */
  readonly sweep: (now: number) => boolean | Promise<boolean>
  /** Told of the mark of each transaction of ours. */
  readonly onMark?: (mark: number) => void
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
const MEMORY = 20_000
const REMEMBERED = 3_600_000

const NONE: ReadonlyMap<string, Learned> = new Map()

/** Writes learned contact entries in batches, off the way of the messages. */
export class Learner implements LearnedContacts {
  readonly #options: LearnerOptions
  readonly #outage: Outage
  readonly #limit: number
  readonly #behind: WriteBehind
  readonly #sweeper: Sweeper
  readonly #waiting = new Map<string, Learned>()
  readonly #leaving = new Map<string, Learned>()
  /** What is being written at this moment. */
  #batch = NONE
  #lately = new BoundedMap<string, true>(MEMORY, REMEMBERED)
  readonly #trials: Trials
  readonly #listeners: ((own: Address | undefined) => void)[] = []
  #closed = false
  #written = 0
  #takenBack = 0
  #dropped = 0
  #failed = 0

  constructor(options: LearnerOptions) {
    this.#options = options
    this.#outage = new Outage(options.clock, options.onFault)
    this.#trials = new Trials(options.clock)
    this.#limit = options.queue ?? 10_000
    this.#behind = new WriteBehind({
      write: () => this.#writeSome(),
      waits: () => this.#waiting.size > 0 || this.#leaving.size > 0,
      timers: options.timers,
      delay: options.flushEvery,
    })
    this.#sweeper = new Sweeper(options)
  }

  learn(
    own: Address,
    remote: Address,
    limits: { readonly lifetime: number; readonly perUser: number },
  ): Lesson {
    const pair = pairOf(own, remote)
    const key = keyOf(pair)
    const { clock } = this.#options
    if (this.#lately.get(key, clock.now()) !== undefined)
      return this.#trials.again(key) ? 'on-trial' : 'known'
    const full = this.#waiting.size >= this.#limit && !this.#waiting.has(key)
    if (this.#closed || full || !isStorableKey(pair.owner, pair.target)) {
      this.#dropped++
      return 'dropped'
    }
    this.#waiting.set(key, { ...pair, expires: clock.wall() + limits.lifetime, perUser: limits.perUser })
    this.#trials.begin(key)
    this.#behind.soon()
    return 'on-trial'
  }

  unlearn(own: Address, remote: Address): void {
    const key = keyOf(pairOf(own, remote))
    if (!this.#trials.failed(key)) return
    this.#lately.delete(key)
    const flying = this.#batch.get(key)
    if (this.#waiting.get(key) !== flying) this.#waiting.delete(key)
    // Else its end will show whether there is something to take back.
    if (flying === undefined) this.#takeBack(key, this.#trials.end(key))
  }

  onLearned(listener: (own: Address | undefined) => void): void {
    this.#listeners.push(listener)
  }

  learnedStats(): LearnedStats {
    return {
      waiting: this.#waiting.size,
      written: this.#written,
      takenBack: this.#takenBack,
      dropped: this.#dropped,
      failed: this.#failed,
    }
  }

  /** Somebody has changed the store: an entry written lately may be gone again. */
  forget(): void {
    this.#lately = new BoundedMap(MEMORY, REMEMBERED)
  }

  /** Learned entries of this user have changed; undefined: of many. */
  tell(own: Address | undefined): void {
    for (const listener of this.#listeners) listener(own)
  }

  /** Writes what waits, as far as the store lets it. */
  async close(): Promise<void> {
    this.#closed = true
    this.#sweeper.close()
    await this.#behind.close()
  }

  async #writeSome(): Promise<boolean> {
    const learned = first(this.#waiting, BATCH)
    const unlearned = first(this.#leaving, BATCH)
    this.#batch = learned
    let wrote: Wrote
    try {
      wrote = await this.#options.write({
        learned: [...learned.values()],
        unlearned: [...unlearned.values()],
      })
    } catch (error) {
      this.#failed++
      this.#outage.failed(error)
      this.#batch = NONE
      for (const key of learned.keys()) this.#dropFailed(key)
      return false
    }
    this.#outage.worked()
    this.#batch = NONE
    for (const [key, entry] of unlearned) if (this.#leaving.get(key) === entry) this.#leaving.delete(key)
    const found = new Map(wrote.found.map((entry) => [keyOf(entry), entry.expires]))
    for (const [key, entry] of learned) this.#settle(key, entry, found.get(key))
    for (const entry of wrote.gone) this.#lately.delete(keyOf(entry))
    this.#written += learned.size
    this.#takenBack += unlearned.size
    this.#options.onMark?.(wrote.mark)
    const owners = new Set([...learned.values(), ...unlearned.values()].map(({ owner }) => owner))
    for (const owner of owners) this.tell(addressOf(owner))
    return true
  }

  /** @param before the expiry of the entry that was there; undefined: there was none */
  #settle(key: string, entry: Learned, before: number | null | undefined): void {
    // Learned again while it was being written: that one still waits.
    if (this.#waiting.get(key) === entry) this.#waiting.delete(key)
    const { clock } = this.#options
    if (this.#trials.written(key, entry, before, clock.wall())) this.#takeBack(key, this.#trials.end(key))
    else this.#lately.set(key, true, clock.now())
  }

  /** What was not written, and has failed meanwhile, is not tried again. */
  #dropFailed(key: string): void {
    if (!this.#trials.hasFailed(key)) return
    this.#waiting.delete(key)
    this.#takeBack(key, this.#trials.end(key))
  }

  #takeBack(key: string, entry: Learned | undefined): void {
    if (entry === undefined) return
    this.#leaving.set(key, entry)
    this.#behind.soon()
  }
}

const pairOf = (own: Address, remote: Address): Pair => ({
  owner: textOfAddress(own),
  target: targetOf({ kind: 'address', address: remote }),
})

/** Flat, since very many are kept. */
const keyOf = ({ owner, target }: Pair): string => flat(`${owner} ${target}`)

function first<K, V>(map: ReadonlyMap<K, V>, count: number): Map<K, V> {
  const found = new Map<K, V>()
  for (const [key, value] of map) {
    if (found.size === count) break
    found.set(key, value)
  }
  return found
}
