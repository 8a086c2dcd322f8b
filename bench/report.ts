import type { Direction, Outcome, Transport } from './load/run.ts'

export interface Goal {
  readonly messagesPerSecond: number
  readonly cpuUsPerMessage: number
  /** Kamailio 5.6's xmpp module, pinned to one core of the same kind of machine: quoted, not run here. */
  readonly kamailio: number | undefined
}

/** Over one TCP connection: half as much again. */
export const GOALS: Readonly<Record<`${Direction}/${Transport}`, Goal>> = {
  'xmpp-to-sip/udp': { messagesPerSecond: 25_000, cpuUsPerMessage: 40, kamailio: 22_750 },
  'xmpp-to-sip/tcp': { messagesPerSecond: 37_500, cpuUsPerMessage: 40, kamailio: 46_700 },
  'sip-to-xmpp/udp': { messagesPerSecond: 20_000, cpuUsPerMessage: 40, kamailio: 10_550 },
  'sip-to-xmpp/tcp': { messagesPerSecond: 30_000, cpuUsPerMessage: 40, kamailio: undefined },
}

export type Name = keyof typeof GOALS

/** The run in the middle by messages per second, whole: its figures belong together. */
export function medianOf(outcomes: readonly Outcome[]): Outcome | undefined {
  const sorted = [...outcomes].sort((a, b) => a.messagesPerSecond - b.messagesPerSecond)
  return sorted[(sorted.length - 1) >> 1]
}

/** Why an outcome does not count; empty if all is well. */
export const faultsOf = (outcome: Outcome): readonly string[] =>
  (['lost', 'duplicates', 'outOfOrder', 'refused'] as const)
    .filter((what) => outcome[what] > 0)
    .map((what) => `${what}: ${outcome[what]}`)

/** Enough digits to read, few enough to compare. */
export function rounded(outcome: Outcome): Outcome {
  const entries = Object.entries(outcome).map(([name, value]) => [
    name,
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value,
  ])
  return Object.fromEntries(entries) as Outcome
}

const whole = (value: number): string => Math.round(value).toLocaleString('en')
const tenth = (value: number): string => value.toFixed(1)

export function table(medians: ReadonlyMap<Name, Outcome>, ceilings: ReadonlyMap<Name, Outcome>): string {
  const header = [
    'median of the runs',
    'messages/s',
    'goal',
    'CPU µs',
    'goal',
    'p50 ms',
    'p99 ms',
    'max ms',
    'peak MB',
    'lost',
    'resent',
    'generator',
    'its ceiling',
    'Kamailio',
  ]
  const rows = [...medians].map(([name, outcome]) => {
    const goal = GOALS[name]
    const ceiling = ceilings.get(name)
    return [
      name,
      whole(outcome.messagesPerSecond),
      whole(goal.messagesPerSecond),
      tenth(outcome.cpuUsPerMessage),
      `${goal.cpuUsPerMessage}`,
      tenth(outcome.p50),
      tenth(outcome.p99),
      tenth(outcome.max),
      whole(outcome.peakMegabytes),
      whole(outcome.lost),
      whole(outcome.retransmissions),
      `${whole(outcome.generatorCpuShare * 100)} %`,
      ceiling === undefined ? '-' : whole(ceiling.messagesPerSecond),
      goal.kamailio === undefined ? '-' : whole(goal.kamailio),
    ]
  })
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
  return [header, ...rows].map(line).join('\n')
}
