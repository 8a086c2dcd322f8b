import { type Clock, systemClock } from '../../src/kernel/clock.ts'

/** Milliseconds that a turn of the event loop counts for at most. */
const STEP = 10

let now = systemClock.now()
let seen = now
setInterval(() => {
  const real = systemClock.now()
  now += Math.min(real - seen, STEP)
  seen = real
}, STEP).unref()

/**
 * Real time for two sides in one process, on a machine that may stand still: a stall, or a turn of the event loop that
 * takes long, counts for 10 ms. So what lies ready in the sockets is read before a timer can find that it never came.
 */
export const patientClock: Clock = { now: () => now, wall: systemClock.wall }

/** Waits that long by the patient clock; at least a turn of the event loop for every 10 ms. */
export async function pause(ms: number): Promise<void> {
  const until = now + ms
  while (now < until) await new Promise((resolve) => setTimeout(resolve, Math.min(STEP, ms)))
}

/** Resolves once `condition` is true; fails when it is not within that time by the patient clock. */
export async function until(condition: () => boolean, within = 4_000): Promise<void> {
  const end = now + within
  while (!condition()) {
    if (now > end) throw new Error('it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
