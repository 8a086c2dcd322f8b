import { cpuUsage } from 'node:process'

/** What one micro-benchmark found; printed as one JSON line. */
export interface Measurement {
  readonly kind: 'micro'
  readonly name: string
  /** Median over the rounds, wall clock. */
  readonly nsPerOp: number
  /** The fastest and the slowest round: far apart means that the machine was busy. */
  readonly nsPerOpBest: number
  readonly nsPerOpWorst: number
  readonly opsPerSecond: number
  /** Only where the size of one operation's input was given. */
  readonly megabytesPerSecond?: number
  /** CPU time (user and system, all threads: garbage collection too) per operation, over all rounds. */
  readonly cpuNsPerOp: number
  readonly rounds: number
  readonly operations: number
}

export interface MeasureOptions {
  /** Rounds that count. Default 7, with `--short` 3. */
  readonly rounds?: number
  /** Milliseconds per round. Default 250, with `--short` 40. The warm-up takes two rounds. */
  readonly roundMs?: number
  /** Bytes that one operation reads or writes. */
  readonly bytes?: number
}

const SHORT = process.argv.includes('--short')
/** Each result is stored here for a moment, so that the compiler must produce it. */
export const sink: { last: unknown } = { last: undefined }

/**
 * Times one operation and prints a JSON line: warm-up, then rounds of equal length, of which the median counts.
 *
 * @param operation gets a counter, so that it can walk through prepared inputs (`inputs[i % inputs.length]`) and is
 *   not measured on one value that every cache knows; its result is used, so that the compiler cannot drop the work
 */
export function measure(
  name: string,
  operation: (i: number) => unknown,
  options: MeasureOptions = {},
): Measurement {
  const rounds = options.rounds ?? (SHORT ? 3 : 7)
  const roundNs = (options.roundMs ?? (SHORT ? 40 : 250)) * 1e6

  let counter = 0
  const batch = (size: number): number => {
    const before = process.hrtime.bigint()
    for (let n = 0; n < size; n++) sink.last = operation(counter++)
    return Number(process.hrtime.bigint() - before)
  }
  // About half a millisecond a batch: reading the clock costs nothing, and slow operations still end in time.
  let size = 1
  const round = (): readonly [ns: number, operations: number] => {
    let ns = 0
    let operations = 0
    while (ns < roundNs) {
      const took = batch(size)
      ns += took
      operations += size
      if (took < 250_000) size *= 2
      else if (took > 1_000_000 && size > 1) size >>= 1
    }
    return [ns, operations]
  }

  round()
  round()
  const perOp: number[] = []
  let operations = 0
  const cpuBefore = cpuUsage()
  for (let n = 0; n < rounds; n++) {
    const [ns, done] = round()
    perOp.push(ns / done)
    operations += done
  }
  const cpu = cpuUsage(cpuBefore)
  perOp.sort((a, b) => a - b)
  const median = perOp[perOp.length >> 1] ?? Number.NaN

  const result: Measurement = {
    kind: 'micro',
    name,
    nsPerOp: tidy(median),
    nsPerOpBest: tidy(perOp[0] ?? Number.NaN),
    nsPerOpWorst: tidy(perOp[perOp.length - 1] ?? Number.NaN),
    opsPerSecond: Math.round(1e9 / median),
    ...(options.bytes === undefined ? {} : { megabytesPerSecond: tidy((options.bytes * 1e3) / median) }),
    cpuNsPerOp: tidy(((cpu.user + cpu.system) * 1e3) / operations),
    rounds,
    operations,
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  return result
}

function tidy(value: number): number {
  return Number(value.toPrecision(4))
}
