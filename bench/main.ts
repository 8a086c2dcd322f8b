import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Direction, Outcome } from './load/run.ts'
import { machine, nodeOn } from './machine.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { faultsOf, medianOf, rounded, shares, table } from './report.ts'
import { BARE_PROXY, NULL_GATEWAY, NULL_PROXY, runScenario } from './scenario.ts'
import { type Name, SCENARIOS, scenarioOf } from './scenarios.ts'

const lines: string[] = []
let failed = false

function print(line: string): void {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}

function complain(text: string): void {
  failed = true
  process.stderr.write(`bench: ${text}\n`)
}

const isWanted = (options: Options, name: string): boolean =>
  options.only.length === 0 || options.only.some((only) => name.startsWith(only))

const isProxied = (direction: Direction): boolean =>
  direction === 'home-to-provider' || direction === 'provider-to-home'

/** Every file in `micro/` is a process of its own, on the core that the gateway will have. */
function microBenchmarks(options: Options): void {
  const directory = fileURLToPath(new URL('./micro/', import.meta.url))
  for (const file of readdirSync(directory).sort()) {
    const subject = /^(.+)\.js$/.exec(file)?.[1]
    if (subject === undefined || subject === 'harness' || !isWanted(options, `micro/${subject}`)) continue
    const [command, ...args] = nodeOn(0, directory + file, ...(options.short ? ['--short'] : []))
    const { status, stdout } = spawnSync(command, args, { stdio: ['ignore', 'pipe', 2], encoding: 'utf8' })
    for (const line of stdout.split('\n')) if (line !== '') print(line)
    if (status !== 0) complain(`micro/${subject} failed`)
  }
}

/** With very many subscriptions to presence, or domains: on the core of the load generator, since it starts the gateway itself. */
function atScale(options: Options, name: 'presence/scale' | 's2s/streams'): void {
  if (!isWanted(options, name)) return
  const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  const [command, ...args] = nodeOn(
    1,
    file,
    '--gateway',
    options.gateway,
    ...(options.short ? ['--short'] : []),
  )
  const { status, stdout } = spawnSync(command, args, { stdio: ['ignore', 'pipe', 2], encoding: 'utf8' })
  for (const line of stdout.split('\n')) if (line !== '') print(line)
  if (status !== 0) complain(`${name} failed`)
}

async function measure(
  options: Options,
  kind: 'run' | 'ceiling',
  name: Name,
  run: number,
): Promise<Outcome | undefined> {
  const { direction, transport, outside = 'tls', connections = 1, trouble = 0 } = scenarioOf(name)
  const { behaved = false, bare } = scenarioOf(name)
  const ceiling = isProxied(direction) ? NULL_PROXY : NULL_GATEWAY
  try {
    const outcome = await runScenario({
      load: {
        direction,
        transport,
        conversations: options.targets,
        outstanding: options.outstanding,
        requestBytes: options.bytes,
        warmUp: kind === 'run' ? options.warmUp : 1,
        seconds: kind === 'run' ? options.seconds : 2,
        watch: kind === 'run' ? options.watch : 0,
      },
      outside,
      connections,
      trouble,
      behaved,
      entry: kind === 'ceiling' ? ceiling : bare ? BARE_PROXY : options.gateway,
      nodeFlags: kind === 'run' ? options.nodeFlags : [],
      onWatch: (message) => print(JSON.stringify({ ...message, scenario: name })),
    })
    const { kind: _outcome, ...figures } = rounded(outcome)
    print(JSON.stringify({ kind, scenario: name, run, ...figures }))
    const faults = faultsOf(outcome)
    if (faults.length > 0) complain(`${kind} ${name}: ${faults.join(', ')} ${outcome.refusal ?? ''}`)
    if (outcome.messages > 0) return outcome
    complain(`${kind} ${name}: nothing crossed in the measured time`)
    return undefined
  } catch (error) {
    complain(`${kind} ${name}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

async function scenarios(options: Options): Promise<void> {
  const names = Object.keys(SCENARIOS) as Name[]
  const ceilings = new Map<Name, Outcome>()
  const medians = new Map<Name, Outcome>()
  for (const name of names) {
    const isCeilingWanted =
      scenarioOf(name).comparedWith === undefined &&
      (isWanted(options, `ceiling/${name}`) || isWanted(options, name))
    const ceiling = isCeilingWanted ? await measure(options, 'ceiling', name, 1) : undefined
    if (ceiling !== undefined) ceilings.set(name, ceiling)
  }
  // Each scenario in turn, and all of them again: what is compared was measured at much the same time.
  const outcomes = new Map(
    names.filter((name) => isWanted(options, name)).map((name) => [name, [] as Outcome[]]),
  )
  for (let run = 1; run <= options.runs; run++) {
    for (const [name, those] of outcomes) {
      const outcome = those.length === run - 1 ? await measure(options, 'run', name, run) : undefined
      if (outcome !== undefined) those.push(outcome)
    }
  }
  for (const [name, those] of outcomes) {
    const median = medianOf(those)
    if (median !== undefined) medians.set(name, median)
  }
  for (const line of shares(medians)) print(line)
  if (medians.size > 0 && !options.json) process.stdout.write(`\n${table(medians, ceilings)}\n`)
}

async function main(options: Options): Promise<void> {
  const here = machine(loadavg()[0] ?? 0)
  print(JSON.stringify(here))
  if (!here.pinned)
    process.stderr.write('bench: cannot pin to cores (no taskset, or one core): figures are not comparable\n')
  microBenchmarks(options)
  atScale(options, 'presence/scale')
  atScale(options, 's2s/streams')
  await scenarios(options)
  if (lines.length === 1) complain(`--only ${options.only.join(',')} names nothing that ran`)
  mkdirSync('bench/results', { recursive: true })
  writeFileSync(`bench/results/${here.at.replaceAll(':', '')}.jsonl`, `${lines.join('\n')}\n`)
}

// Ends by `exit`, so that no gateway stays behind on a pinned core.
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(HELP)
  else await main(options)
} catch (error) {
  complain(error instanceof TypeError ? error.message : String(error))
}
if (failed) process.exitCode = 1
