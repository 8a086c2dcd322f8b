import type { Outcome } from './load/run.ts'
import { type Name, scenarioOf } from './scenarios.ts'

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
const goalOf = (value: number | undefined): string => (value === undefined ? '-' : whole(value))
const tenth = (value: number): string => value.toFixed(1)

/** What is left of the throughput, and of the messages for the same CPU time, as a line of JSON each; empty where the scenario to compare with did not run. */
export function shares(medians: ReadonlyMap<Name, Outcome>): readonly string[] {
  return [...medians].flatMap(([scenario, outcome]) => {
    const other = scenarioOf(scenario).comparedWith as Name | undefined
    const without = other === undefined ? undefined : medians.get(other)
    if (without === undefined) return []
    const messages = outcome.messagesPerSecond / without.messagesPerSecond
    const cpu = without.cpuUsPerMessage / outcome.cpuUsPerMessage
    const [share, cpuShare] = [Number(messages.toFixed(3)), Number(cpu.toFixed(3))]
    return [JSON.stringify({ kind: 'share', scenario, comparedWith: other, share, cpuShare })]
  })
}

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
    'RSS MB',
    'goal',
    'lost',
    'resent',
    'generator',
    'its ceiling',
    'Kamailio',
  ]
  const rows = [...medians].map(([name, outcome]) => {
    const { goal } = scenarioOf(name)
    const ceiling = ceilings.get(name)
    return [
      name,
      whole(outcome.messagesPerSecond),
      goalOf(goal.messagesPerSecond),
      tenth(outcome.cpuUsPerMessage),
      goalOf(goal.cpuUsPerMessage),
      tenth(outcome.p50),
      tenth(outcome.p99),
      tenth(outcome.max),
      whole(outcome.peakMegabytes),
      whole(outcome.residentMegabytes),
      goalOf(goal.residentMegabytes),
      whole(outcome.lost),
      whole(outcome.retransmissions),
      `${whole(outcome.generatorCpuShare * 100)} %`,
      ceiling === undefined ? '-' : whole(ceiling.messagesPerSecond),
      goalOf(goal.kamailio),
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
