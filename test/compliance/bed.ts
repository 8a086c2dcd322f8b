import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import type { Store, StoreOptions } from '../../src/store/store.ts'

/** One database, empty at the start. Each `open` stands for a process of its own. */
export interface StoreBed extends AsyncDisposable {
  open(options?: Partial<StoreOptions>): Promise<Store>
  /** One statement by somebody else's hand, into the tables of a store that was opened. */
  execute(statement: string): Promise<void>
}

export type MakeBed = () => Promise<StoreBed>

/** Real time, whose wall clock can be moved on. */
export interface MovedClock extends Clock {
  move(ms: number): void
}

export function movedClock(): MovedClock {
  let moved = 0
  return {
    now: () => systemClock.now(),
    wall: () => systemClock.wall() + moved,
    move(ms) {
      moved += ms
    },
  }
}

/** For a store whose failures are the test's own. */
export const storeOptions = (options: Partial<StoreOptions> = {}): StoreOptions => ({
  clock: systemClock,
  timers: new TimerWheel({ clock: systemClock }),
  onFault: (error) => {
    throw error
  },
  ...options,
})

/** Resolves once `test` is true; fails after twenty seconds. */
export async function until(what: string, test: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await test())) {
    if (Date.now() > end) throw new Error(`not within twenty seconds: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
