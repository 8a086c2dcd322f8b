import { BoundedQueue } from '../kernel/bounded-queue.ts'

/** What stands in a line: started when its turn comes, or given up with what stopped the one before it. */
export interface Turn<Failure> {
  /** `done` is called exactly once; a failure says that those behind need not try. */
  start(done: (failure?: Failure) => void): void
  giveUp(failure: Failure): void
}

/**
 * One at a time per key, in order. RFC 3428 §8 forbids two open MESSAGEs to one target, and order within a
 * conversation is kept the same way. When a target does not answer at all, those waiting behind it share its
 * fate at once: each waiting its own 32 s would be silence.
 */
export class TargetQueues<Failure> {
  /** By key, those that wait behind the turn under way; most have nobody waiting. */
  readonly #lines = new Map<string, BoundedQueue<Turn<Failure>> | undefined>()
  readonly #perTarget: number
  readonly #total: number
  #size = 0
  #refused = 0

  /** @param limits.perTarget turns that may wait for one key; @param limits.total in all lines together */
  constructor(limits: { perTarget: number; total: number }) {
    this.#perTarget = limits.perTarget
    this.#total = limits.total
  }

  /** Turns waiting (not counting those that have started). */
  get waiting(): number {
    return this.#size
  }

  /** Keys with a turn under way. */
  get busy(): number {
    return this.#lines.size
  }

  /** Turns refused because a line was full. */
  get refused(): number {
    return this.#refused
  }

  /** False: the line is full, nothing was taken. */
  enter(key: string, turn: Turn<Failure>): boolean {
    if (!this.#lines.has(key)) {
      this.#lines.set(key, undefined)
      this.#run(key, turn)
      return true
    }
    let line = this.#lines.get(key)
    if (line === undefined) {
      line = new BoundedQueue(this.#perTarget)
      this.#lines.set(key, line)
    }
    if (this.#size >= this.#total || !line.push(turn)) {
      this.#refused++
      return false
    }
    this.#size++
    return true
  }

  #run(key: string, turn: Turn<Failure>): void {
    let ended = false
    turn.start((failure) => {
      if (ended) return
      ended = true
      this.#next(key, failure)
    })
  }

  #next(key: string, failure: Failure | undefined): void {
    const line = this.#lines.get(key)
    if (line === undefined) {
      this.#lines.delete(key)
      return
    }
    if (failure !== undefined) {
      this.#lines.delete(key)
      for (let turn = line.shift(); turn !== undefined; turn = line.shift()) {
        this.#size--
        turn.giveUp(failure)
      }
      return
    }
    const turn = line.shift()
    if (turn === undefined) {
      this.#lines.delete(key)
      return
    }
    this.#size--
    this.#run(key, turn)
  }
}
