/** Milliseconds of the processor that work takes; waiting for the processor does not count. */
function cost(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e3
}

const MEASUREMENTS = 3
/** Less than this cannot be told from a collection of garbage. */
const FLOOR = 5
/** What disturbs a measurement may triple it; the square of eight or more does not. */
const SLACK = 3

/**
 * True when work on `factor` times as much costs no more than `factor` times as much, thrice over: what a linear algorithm
 * keeps on any machine and a quadratic one on none. The least of a few measurements counts, for whatever disturbs one only
 * adds to it.
 *
 * @param work takes a size; what it makes for its work counts too, unless made before
 * @param size the smaller one, for which linear work takes some milliseconds at most
 * @param factor 8 or more
 */
export function isLinear(work: (size: number) => void, size: number, factor = 8): boolean {
  const times = Array.from({ length: MEASUREMENTS }, () => cost(() => work(size)))
  const most = SLACK * factor * Math.max(Math.min(...times), FLOOR)
  for (let i = 0; i < MEASUREMENTS; i++) if (cost(() => work(size * factor)) <= most) return true
  return false
}
