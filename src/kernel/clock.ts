/** Time as an argument, so that every state machine is tested without waiting. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start; never goes back. */
  now(): number
  /** Milliseconds since the Unix epoch; may jump. */
  wall(): number
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
}
