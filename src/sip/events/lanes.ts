/** One that is under way calls `leave` once, when it is over. */
export type Job = (leave: () => void) => void

interface Lane {
  open: number
  readonly waiting: Job[]
  /** The first of `waiting` that has not begun. */
  next: number
}

/**
 * So many at a time on each way, the others in their order: whoever answers slowly gets no more at once than it can take, and does
 * not hold up those who answer fast.
 */
export class Lanes {
  readonly #most: number
  readonly #lanes = new Map<string, Lane>()
  #waiting = 0

  /** @param most under way at a time, on each lane */
  constructor(most: number) {
    this.#most = most
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Begins it now, or when one before it on the same lane leaves. */
  enter(name: string, job: Job): void {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { open: 0, waiting: [], next: 0 }
      this.#lanes.set(name, lane)
    }
    if (lane.open < this.#most) this.#begin(name, lane, job)
    else {
      lane.waiting.push(job)
      this.#waiting++
    }
  }

  /** What waits never begins. */
  clear(): void {
    this.#lanes.clear()
    this.#waiting = 0
  }

  #begin(name: string, lane: Lane, job: Job): void {
    lane.open++
    let left = false
    job(() => {
      if (left) return
      left = true
      lane.open--
      if (this.#lanes.get(name) === lane) this.#next(name, lane)
    })
  }

  #next(name: string, lane: Lane): void {
    const job = lane.waiting[lane.next]
    if (job === undefined) {
      if (lane.open === 0) this.#lanes.delete(name)
      return
    }
    lane.next++
    this.#waiting--
    // Room is made now and then, not for each of very many.
    if (lane.next === lane.waiting.length || lane.next >= 1024) lane.waiting.splice(0, lane.next)
    if (lane.waiting.length === 0 || lane.next >= 1024) lane.next = 0
    this.#begin(name, lane, job)
  }
}
