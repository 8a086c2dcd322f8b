/**
 * The whole gateway with very many subscriptions to presence: what each holds, how long a restart takes, and whether changes
 * reach the watchers. A process of its own, on the core of the load generator; it prints JSON lines.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cpuSecondsOf, megabytesOf } from '../load/process-stat.ts'
import { freePort } from '../machine.ts'
import { presenceConfig } from './config.ts'
import { GatewayProcess } from './gateway.ts'
import { HomeServer } from './home-server.ts'
import { RESOURCES } from './people.ts'
import type { Held } from './probe.ts'
import { XmppUsers } from './xmpp-users.ts'

const {
  short: SHORT,
  pairs,
  rate,
  gateway: entry,
} = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    rate: { type: 'string' },
    gateway: { type: 'string', default: 'dist/main.js' },
  },
}).values
/** In each direction. */
const PAIRS = Number(pairs ?? (SHORT ? 1_000 : 50_000))
/** Changes a second (5,000), and how many of each user follow each other by a second. */
const RATE = Number(rate ?? PAIRS / 10)
const TURNS = 4
/** Seconds until transactions over UDP are forgotten (RFC 3261 timer J), until the store has what waits, and a look at a restart. */
const FORGOTTEN = SHORT ? 1 : 35
const WRITTEN = SHORT ? 2 : 5
const RESUMING = SHORT ? 5 : 15
/** A little more than `presence.interval`. */
const INTERVAL = 6
/** Seconds after which no request is sent again (RFC 3261 timer F), and a little more. */
const LATEST = 40
/** Subscriptions that are being made at a time. */
const WINDOW = 300
const TICK = 20

const directory = mkdtempSync(join(tmpdir(), 'dragoman-bench-presence-'))
const log = join(directory, 'gateway.log')
const config = join(directory, 'gateway.config.yaml')
let gateway: GatewayProcess | undefined
// Ends by `exit`, so that no gateway stays behind.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(1))
process.on('exit', () => {
  void gateway?.kill()
  rmSync(directory, { recursive: true, force: true })
})

let attached = (): void => {}
let toldIn = (_i: number): void => {}
let toldOut = (_i: number): void => {}
let refreshed = (_i: number): void => {}
const gatewayPort = await freePort()
const home = await HomeServer.start(PAIRS, gatewayPort, {
  told: (i) => toldIn(i),
  refreshed: (i) => refreshed(i),
})
const users = new XmppUsers(PAIRS, { up: () => attached(), seen: (i) => toldOut(i) })
writeFileSync(config, presenceConfig(gatewayPort, home.port, await users.listen()))
const repeats = setInterval(() => {
  home.repeat(performance.now())
  users.flush()
}, 50)

const whole = (value: number): number => Math.round(value)
const tenth = (value: number): number => Math.round(value * 10) / 10
const print = (name: string, figures: object): void =>
  console.log(JSON.stringify({ kind: 'presence', name, ...figures }))
let failed = false
function demand(holds: boolean, what: string): void {
  if (holds) return
  failed = true
  process.stderr.write(`presence/scale: ${what}\n`)
}

async function start(): Promise<GatewayProcess> {
  const up = new Promise<void>((resolve) => {
    attached = resolve
  })
  gateway = new GatewayProcess(entry, config, log, process.env.DRAGOMAN_BENCH_FLAGS?.split(' '))
  await gateway.ready
  await up
  return gateway
}

/** Makes the subscriptions of both directions, from one number to another, a window of them at a time. */
async function subscribe(from: number, to: number): Promise<void> {
  const open = new Set<number>()
  let next = from * 2
  await new Promise<void>((resolve) => {
    const fill = (): void => {
      for (; open.size < WINDOW && next < to * 2; next++) {
        open.add(next)
        if (next % 2 === 0) home.subscribe(next >> 1)
        else users.follow(next >> 1)
      }
      users.flush()
      if (open.size === 0) resolve()
    }
    const done = (at: number): void => {
      if (open.delete(at) && (open.size < WINDOW / 2 || next >= to * 2)) fill()
    }
    toldIn = (i) => done(i * 2)
    toldOut = (i) => done(i * 2 + 1)
    fill()
  })
  toldIn = () => {}
  toldOut = () => {}
}

interface Memory extends Held {
  readonly resident: number
}
async function memory(of: GatewayProcess): Promise<Memory> {
  const held = await of.held()
  return { ...held, resident: megabytesOf(of.pid, 'VmRSS') * 1e6 }
}
const octets = (before: Memory, after: Memory, each: number): object => ({
  octetsEach: whole((after.heap + after.external - before.heap - before.external) / each),
  residentEach: whole((after.resident - before.resident) / each),
})

/** Changes for that many seconds; each user changes `turns` times, a second in between. Resolves when all must have been told. */
async function changes(of: GatewayProcess, name: string, seconds: number, turns: number): Promise<void> {
  const [notifies, cpu] = [home.notifies, cpuSecondsOf(of.pid)]
  const own = process.cpuUsage()
  const startedAt = performance.now()
  let sent = 0
  while (sent < seconds * RATE) {
    const due = Math.min(seconds * RATE, ((performance.now() - startedAt) / 1000) * RATE)
    for (; sent < due; sent++) {
      // A block of RATE users changes for `turns` seconds, then the next one.
      const second = Math.floor(sent / RATE)
      const user = (Math.floor(second / turns) * RATE + (sent % RATE)) % PAIRS
      users.change(user, (second % turns) % RESOURCES.length)
    }
    users.flush()
    await sleep(TICK)
  }
  const took = (performance.now() - startedAt) / 1000
  const share = (cpuSecondsOf(of.pid) - cpu) / took
  const { user, system } = process.cpuUsage(own)
  await sleep(INTERVAL * 1000)
  // What the gateway has not come to yet comes in time, and what was dropped on its way over UDP again (timer E), up to timer F.
  const drained = performance.now()
  for (let quiet = 0, last = home.notifies; quiet < LATEST && stale() > 0; last = home.notifies) {
    await sleep(1000)
    quiet = home.notifies === last ? quiet + 1 : 0
  }
  const lost = stale()
  print(name, {
    changes: sent,
    changesPerSecond: whole(sent / took),
    notifies: home.notifies - notifies,
    gatewayCpuShare: tenth(share * 100) / 100,
    cpuUsPerChange: tenth(((cpuSecondsOf(of.pid) - cpu) * 1e6) / sent),
    behindSeconds: tenth((performance.now() - drained) / 1000),
    generatorCpuShare: tenth((user + system) / 1e4 / took) / 100,
    lost,
  })
  demand(lost === 0, `${name}: ${lost} watchers do not have the last state`)
}

/** Watchers whose last document is not what was said last. */
function stale(): number {
  let lost = 0
  const of = (numbers: Float64Array, i: number): string =>
    [...numbers.subarray(i * RESOURCES.length, (i + 1) * RESOURCES.length)].sort((a, b) => a - b).join()
  for (let i = 0; i < PAIRS; i++) if (of(home.documents, i) !== of(users.said, i)) lost++
  return lost
}

async function restart(running: GatewayProcess): Promise<void> {
  await running.kill()
  home.forget()
  const before = { refused: { ...home.refused }, refreshes: home.refreshes, probes: users.came.probe ?? 0 }
  const [startedAt, notifies] = [performance.now(), home.notifies]
  const starting = start()
  let answered = 0
  refreshed = () => {
    answered ||= performance.now() - startedAt
  }
  for (let at = 0; answered === 0 && at < 600; at++) {
    home.subscribe(at % PAIRS)
    await sleep(100)
  }
  const now = await starting
  const ready = await now.ready
  const perSecond: { refreshes: number; probes: number; told: number; hidden: number }[] = []
  const counts = () => ({
    refreshes: home.refreshes,
    probes: users.came.probe ?? 0,
    told: users.came.available ?? 0,
    hidden: users.came.unavailable ?? 0,
  })
  for (let second = 0; second < RESUMING; second++) {
    const last = counts()
    await sleep(1000)
    const is = counts()
    perSecond.push({
      refreshes: is.refreshes - last.refreshes,
      probes: is.probes - last.probes,
      told: is.told - last.told,
      hidden: is.hidden - last.hidden,
    })
  }
  const mean = (of: (each: (typeof perSecond)[number]) => number): number =>
    whole(perSecond.reduce((sum, each) => sum + of(each), 0) / perSecond.length)
  const most = (of: (each: (typeof perSecond)[number]) => number): number => Math.max(...perSecond.map(of))
  const resumed = JSON.parse(now.resumed ?? '{}') as { dialogs?: number; resumed?: number }
  print('presence/restart', {
    readyMilliseconds: whole(ready.milliseconds),
    readyCpuSeconds: ready.cpuSeconds,
    firstRefreshMilliseconds: whole(answered),
    dialogs: resumed.dialogs,
    resumed: resumed.resumed,
    refreshesPerSecond: mean((each) => each.refreshes),
    probesPerSecond: mean((each) => each.probes),
    mostRefreshesPerSecond: most((each) => each.refreshes),
    mostProbesPerSecond: most((each) => each.probes),
    perSecond,
    notifies: home.notifies - notifies,
    peakMegabytes: megabytesOf(now.pid, 'VmHWM'),
    refused: { before: before.refused, after: home.refused },
    ended: home.ended,
  })
  demand(answered > 0, 'no refresh was answered after the restart')
  demand(resumed.resumed === PAIRS * 2, `${resumed.resumed} of ${PAIRS * 2} dialogs were resumed`)
  demand(home.ended === 0, `${home.ended} subscriptions have ended`)
}

try {
  const first = await start()
  await sleep(1000)
  const idle = await memory(first)
  const [startedAt, cpu] = [performance.now(), cpuSecondsOf(first.pid)]
  await subscribe(0, PAIRS / 2)
  const halfway = performance.now() - startedAt
  await sleep(FORGOTTEN * 1000)
  const half = await memory(first)
  const again = performance.now()
  await subscribe(PAIRS / 2, PAIRS)
  const seconds = (halfway + performance.now() - again) / 1000
  await sleep(FORGOTTEN * 1000)
  const full = await memory(first)
  print('presence/memory', {
    subscriptions: PAIRS * 2,
    seconds: tenth(seconds),
    cpuUsPerSubscription: whole(((cpuSecondsOf(first.pid) - cpu) * 1e6) / (PAIRS * 2)),
    idleHeapMegabytes: tenth(idle.heap / 1e6),
    heapMegabytes: tenth(full.heap / 1e6),
    externalMegabytes: tenth(full.external / 1e6),
    residentMegabytes: tenth(full.resident / 1e6),
    ...octets(idle, full, PAIRS * 2),
    /** What one more takes, once the tables that have a limit are full. */
    marginal: octets(half, full, PAIRS),
  })
  demand(stale() === 0, `${stale()} watchers do not have the first state`)
  await changes(first, 'presence/changes', TURNS * (PAIRS / RATE), TURNS)
  await changes(first, 'presence/changes-apart', PAIRS / RATE, 1)
  print('presence/memory-after', octets(idle, await memory(first), PAIRS * 2))
  await sleep(WRITTEN * 1000)
  await restart(first)
} catch (error) {
  failed = true
  const tail = readFileSync(log, 'utf8').split('\n').slice(-12).join('\n')
  process.stderr.write(`presence/scale: ${error instanceof Error ? error.stack : String(error)}\n${tail}\n`)
}
clearInterval(repeats)
process.exit(failed ? 1 : 0)
