/** RFC 3261 appendix A, in milliseconds. */
export interface TimerValues {
  /** Round-trip estimate (500). */
  readonly t1: number
  /** Largest retransmission interval of a non-INVITE request (4000). */
  readonly t2: number
  /** How long a message stays in the network (5000). */
  readonly t4: number
}

export const DEFAULT_TIMERS: TimerValues = { t1: 500, t2: 4000, t4: 5000 }

/** Timer F, and Timer J over an unreliable transport: 64*T1. */
export const transactionTime = (timers: TimerValues): number => 64 * timers.t1

/**
 * How long a client takes until its Timer E is reset to T2: before that time no 100 may be sent over an
 * unreliable transport, from then on one must be (RFC 4320 §4.1). 3.5 s with the default values.
 */
export function provisionalTime(timers: TimerValues): number {
  let interval = timers.t1
  let elapsed = 0
  while (interval < timers.t2) {
    elapsed += interval
    interval = Math.min(2 * interval, timers.t2)
  }
  return elapsed
}
