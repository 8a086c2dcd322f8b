import type { Random } from '../../kernel/random.ts'

/** Milliseconds: the first wait and the longest one. */
export interface ReconnectTimes {
  readonly first: number
  readonly ceiling: number
}

/** The wait before try `attempt` (0 for the first after a loss): doubles up to the ceiling, half of it jitter. */
export function backOff(attempt: number, times: ReconnectTimes, random: Random): number {
  const full = Math.min(times.ceiling, times.first * 2 ** Math.min(attempt, 30))
  return full / 2 + (full / 2) * random.fraction()
}
