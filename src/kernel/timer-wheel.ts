import type { Clock } from './clock.ts'

/** A timer that was set; `cancel` may be called at any time, any number of times. */
export interface Timer {
  cancel(): void
}

/** Where state machines set their timers. Delays are milliseconds; the callback runs once, not early. */
export interface Timers {
  set(delay: number, fire: () => void): Timer
  /** One function for very many: what differs is given to it when it fires. */
  set<A>(delay: number, fire: (argument: A) => void, argument: A): Timer
}

const SLOTS = 512
const noop = () => {}

/** A timer in its slot's ring; the head of a ring is an entry without a wheel. */
class Entry implements Timer {
  /** The tick at which it fires: whole numbers, so that nothing falls between two ticks. */
  readonly due: number
  readonly fire: (argument: unknown) => void
  readonly argument: unknown
  wheel: TimerWheel | undefined
  previous: Entry = this
  next: Entry = this

  constructor(
    due: number,
    fire: (argument: unknown) => void,
    argument: unknown,
    wheel: TimerWheel | undefined,
  ) {
    this.due = due
    this.fire = fire
    this.argument = argument
    this.wheel = wheel
  }

  cancel(): void {
    if (this.wheel === undefined) return
    this.previous.next = this.next
    this.next.previous = this.previous
    this.next = this
    this.previous = this
    this.wheel.left()
    this.wheel = undefined
  }
}

/**
 * A hashed timer wheel: setting and cancelling are O(1) and allocate one object, where a `setTimeout` for each
 * of a hundred thousand transactions would not. A timer fires at the first tick at or after its time.
 * One real timer drives the wheel, only while something is set.
 */
export class TimerWheel implements Timers {
  readonly #clock: Clock
  readonly #tick: number
  readonly #slots: Entry[] = Array.from({ length: SLOTS }, () => new Entry(0, noop, undefined, undefined))
  readonly #onError: (error: unknown) => void
  #position: number
  #size = 0
  #driver: NodeJS.Timeout | undefined
  readonly #drive: boolean

  /**
   * @param options.tick resolution in milliseconds (10)
   * @param options.drive false: the owner calls `advance` itself, as tests do
   * @param options.onError what a throwing callback is reported to (default: an uncaught exception); the wheel goes on
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
      ((error) =>
        queueMicrotask(() => {
          throw error
        }))
    this.#position = this.#now()
  }

  /** How many timers are set. */
  get size(): number {
    return this.#size
  }

  /** @throws RangeError where the delay is not finite */
  set(delay: number, fire: () => void): Timer
  set<A>(delay: number, fire: (argument: A) => void, argument: A): Timer
  set(delay: number, fire: (argument: unknown) => void, argument?: unknown): Timer {
    if (!Number.isFinite(delay)) throw new RangeError(`a timer of ${delay} ms`)
    if (this.#size === 0) this.#position = Math.max(this.#position, this.#now())
    const due = Math.max(Math.ceil((this.#clock.now() + Math.max(0, delay)) / this.#tick), this.#position + 1)
    const head = this.#slots[due % SLOTS] as Entry
    const entry = new Entry(due, fire, argument, this)
    entry.previous = head.previous
    entry.next = head
    head.previous.next = entry
    head.previous = entry
    this.#size++
    if (this.#drive && this.#driver === undefined)
      this.#driver = setInterval(() => this.advance(), this.#tick)
    return entry
  }

  /** Fires everything that is due now. */
  advance(): void {
    const target = this.#now()
    const turns = Math.min(target - this.#position, SLOTS)
    const from = target - turns
    this.#position = Math.max(this.#position, target)
    for (let i = 1; i <= turns; i++) this.#fireSlot(this.#slots[(from + i) % SLOTS] as Entry, target)
    if (this.#size === 0 && this.#driver !== undefined) {
      clearInterval(this.#driver)
      this.#driver = undefined
    }
  }

  /** An entry has left the wheel. @internal */
  left(): void {
    this.#size--
  }

  #now(): number {
    return Math.floor(this.#clock.now() / this.#tick)
  }

  #fireSlot(head: Entry, target: number): void {
    if (head.next === head) return
    const due: Entry[] = []
    for (let entry = head.next; entry !== head; entry = entry.next) if (entry.due <= target) due.push(entry)
    for (const entry of due) {
      if (entry.wheel === undefined) continue
      entry.cancel()
      try {
        entry.fire(entry.argument)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
