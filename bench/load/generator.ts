import { setTimeout as sleep } from 'node:timers/promises'
import { neighbours } from './neighbours.ts'
import { cpuSecondsOf, megabytesOf } from './process-stat.ts'
import type { FromGenerator, Load, Outcome, ToGenerator } from './run.ts'

/** How long what is under way may take after the last message was sent: a little more than timer F. */
const DRAIN_MS = 34_000

const load = JSON.parse(process.argv[2] ?? '') as Load
const tell = (message: FromGenerator): void => {
  process.send?.(message)
}
/** At the end of a turn of the loop: what has room is sent, and all that was written leaves at once. */
let sending = false
let awake = false
const both = await neighbours(load, () => wake())
const running = both.traffic
function wake(): void {
  if (awake) return
  awake = true
  setImmediate(() => {
    awake = false
    if (sending) running.fill()
    both.flush()
  })
}

/**
 * In step with what has crossed: at a rate of their own, peers that are a nuisance would be the more of the load the slower
 * the machine is, and the whole of it in the end.
 */
const EVERY = 75
let annoyed = 0
function annoy(): void {
  for (; annoyed < running.done / EVERY; annoyed++) {
    both.annoy?.()
    for (let n = 0; n < 2; n++) running.disturb?.()
  }
}

async function run(pid: number): Promise<Outcome> {
  await both.connected()
  const repeats = setInterval(() => {
    running.repeat(performance.now())
    if (sending && both.annoy !== undefined) annoy()
    wake()
  }, 50)
  await running.prepare()
  sending = true
  await sleep(load.warmUp * 1000)

  const [startedAt, cpuBefore, ownBefore] = [performance.now(), cpuSecondsOf(pid), process.cpuUsage()]
  const before = running.done
  running.window.clearLatencies()
  for (let left = load.seconds; left > 0; ) {
    const part = load.watch > 0 ? Math.min(left, load.watch) : left
    await sleep(part * 1000)
    left -= part
    if (load.watch > 0)
      tell({
        kind: 'watch',
        seconds: load.seconds - left,
        messages: running.done - before,
        megabytes: megabytesOf(pid, 'VmRSS'),
      })
  }
  const cpu = cpuSecondsOf(pid) - cpuBefore
  const own = process.cpuUsage(ownBefore)
  const messages = running.done - before
  const seconds = (performance.now() - startedAt) / 1000
  const { p50, p99, max } = running.window.latencies()
  const peakMegabytes = megabytesOf(pid, 'VmHWM')
  const residentMegabytes = megabytesOf(pid, 'VmRSS')
  sending = false

  const deadline = performance.now() + DRAIN_MS
  while (running.underWay && performance.now() < deadline) await sleep(20)
  await sleep(100)
  clearInterval(repeats)
  const ownSeconds = (own.user + own.system) / 1e6
  return {
    kind: 'outcome',
    messages,
    seconds,
    messagesPerSecond: messages / seconds,
    cpuUsPerMessage: (cpu * 1e6) / messages,
    gatewayCpuShare: cpu / seconds,
    generatorCpuShare: ownSeconds / seconds,
    generatorCpuUsPerMessage: (ownSeconds * 1e6) / messages,
    p50,
    p99,
    max,
    peakMegabytes,
    residentMegabytes,
    ...running.books(),
  }
}

process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToGenerator) => {
  run(message.pid).then(
    (outcome) => {
      tell(outcome)
      both.close()
      process.disconnect()
    },
    (error: unknown) => {
      process.stderr.write(`load generator: ${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    },
  )
})
tell({ kind: 'listening', ...both.ports })
