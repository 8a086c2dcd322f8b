import { BoundedMap } from '../kernel/bounded-map.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Learned } from './learner.ts'

interface Trial {
  /** Messages that have taught the entry and have not failed. */
  open: number
  /** As it stands in the store; undefined: not yet written. */
  written: Learned | undefined
}

const TRIALS = 20_000
/** Milliseconds: longer than an error can come late. */
const LONGEST = 120_000

/** Entries that were learned a moment ago, from messages that may still fail. What is not among them stays. */
export class Trials {
  readonly #clock: Clock
  readonly #trials = new BoundedMap<string, Trial>(TRIALS, LONGEST)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A message has taught what is not known to be in the store. */
  begin(key: string): void {
    if (!this.again(key)) this.#trials.set(key, { open: 1, written: undefined }, this.#clock.now())
  }

  /** Another message has taught it. False: it is not on trial. */
  again(key: string): boolean {
    const trial = this.#of(key)
    if (trial === undefined) return false
    trial.open++
    return true
  }

  /** One of the messages has failed. True: it was the last of them. */
  failed(key: string): boolean {
    const trial = this.#of(key)
    if (trial === undefined || trial.open === 0) return false
    trial.open--
    if (trial.open === 0) return true
    // Those that came later have their full time.
    this.#trials.set(key, trial, this.#clock.now())
    return false
  }

  hasFailed(key: string): boolean {
    return this.#of(key)?.open === 0
  }

  /**
   * It was written. What was there before, other than by this trial, has not been taught by these messages alone.
   * @param before the expiry of the entry that was there, null: without one; undefined: there was none
   * @param now milliseconds since the Unix epoch
   * @returns true: all the messages have failed meanwhile
   */
  written(key: string, entry: Learned, before: number | null | undefined, now: number): boolean {
    const trial = this.#of(key)
    if (trial === undefined) return false
    const ours = before === undefined || before === trial.written?.expires
    const expired = typeof before === 'number' && before <= now
    if (!ours && !expired) {
      this.#trials.delete(key)
      return false
    }
    // An entry is never made to live shorter.
    trial.written = { ...entry, expires: Math.max(entry.expires, before ?? 0) }
    return trial.open === 0
  }

  /** @returns what is to be taken back; undefined: nothing was written */
  end(key: string): Learned | undefined {
    const written = this.#of(key)?.written
    this.#trials.delete(key)
    return written
  }

  #of(key: string): Trial | undefined {
    return this.#trials.get(key, this.#clock.now())
  }
}
