import type { Clock } from './clock.ts'

/** A timer that was set; `cancel` may be called at any time, any number of times. */
export interface Timer {
  cancel(): void
}

/** Where state machines set their timers. Delays are milliseconds; the callback runs once, not early. */
export interface Timers {
  set(delay: number, fire: () => void): Timer
}

interface Entry extends Timer {
  due: number
  fire: (() => void) | undefined
  previous: Entry
  next: Entry
}

const SLOTS = 512
const noop = () => {}

/** An empty ring of entries: `next` and `previous` of the head point to itself. */
function ring(): Entry {
  const head = { due: 0, fire: undefined, cancel: noop } as unknown as Entry
  head.next = head
  head.previous = head
  return head
}

function unlink(entry: Entry): void {
  entry.previous.next = entry.next
  entry.next.previous = entry.previous
  entry.next = entry
  entry.previous = entry
}

/**
 * A hashed timer wheel: setting and cancelling are O(1) and allocate one object, where a `setTimeout` for each
 * of a hundred thousand transactions would not. A timer fires at the first tick at or after its time.
 * One real timer drives the wheel, only while something is set.
 */
export class TimerWheel implements Timers {
  readonly #clock: Clock
  readonly #tick: number
  readonly #slots: Entry[] = Array.from({ length: SLOTS }, ring)
  readonly #onError: (error: unknown) => void
  #position: number
  #size = 0
  #driver: NodeJS.Timeout | undefined
  readonly #drive: boolean

  /**
   * @param options.tick resolution in milliseconds (10)
   * @param options.drive false: the owner calls `advance` itself, as tests do
   * @param options.onError what a throwing callback is reported to; the wheel goes on
   */
  constructor(options: {
    clock: Clock
    tick?: number
    drive?: boolean
    onError?: (error: unknown) => void
  }) {
    this.#clock = options.clock
    this.#tick = options.tick ?? 10
    this.#drive = options.drive ?? true
    this.#onError =
      options.onError ??
      ((error) => {
        throw error
      })
    this.#position = Math.floor(this.#clock.now() / this.#tick)
  }

  /** How many timers are set. */
  get size(): number {
    return this.#size
  }

  set(delay: number, fire: () => void): Timer {
    if (this.#size === 0) this.#position = Math.floor(this.#clock.now() / this.#tick)
    const due = this.#clock.now() + Math.max(0, delay)
    const head = this.#slots[Math.max(Math.ceil(due / this.#tick), this.#position + 1) % SLOTS] as Entry
    const wheel = this
    const entry: Entry = {
      due,
      fire,
      previous: head.previous,
      next: head,
      cancel() {
        if (this.fire === undefined) return
        this.fire = undefined
        unlink(this)
        wheel.#size--
      },
    }
    head.previous.next = entry
    head.previous = entry
    this.#size++
    if (this.#drive && this.#driver === undefined)
      this.#driver = setInterval(() => this.advance(), this.#tick)
    return entry
  }

  /** Fires everything that is due now. */
  advance(): void {
    const now = this.#clock.now()
    const target = Math.floor(now / this.#tick)
    const turns = Math.min(target - this.#position, SLOTS)
    const from = target - turns
    this.#position = target
    for (let i = 1; i <= turns; i++) this.#fireSlot(this.#slots[(from + i) % SLOTS] as Entry, now)
    if (this.#size === 0 && this.#driver !== undefined) {
      clearInterval(this.#driver)
      this.#driver = undefined
    }
  }

  #fireSlot(head: Entry, now: number): void {
    const due: Entry[] = []
    for (let entry = head.next; entry !== head; entry = entry.next) if (entry.due <= now) due.push(entry)
    for (const entry of due) {
      const fire = entry.fire
      if (fire === undefined) continue
      entry.cancel()
      try {
        fire()
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
