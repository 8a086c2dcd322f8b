import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSecondsOf, megabytesOf } from './process-stat.ts'
import { type FromGenerator, type Load, type Outcome, SIP_DOMAIN, type ToGenerator } from './run.ts'
import { sipPeer } from './sip-peer.ts'
import { sipToXmpp } from './sip-to-xmpp.ts'
import type { Traffic } from './traffic.ts'
import { XmppServer } from './xmpp-server.ts'
import { xmppToSip } from './xmpp-to-sip.ts'

/** How long what is under way may take after the last message was sent: a little more than timer F. */
const DRAIN_MS = 34_000
/** How long the gateway may take to attach itself. */
const ATTACH_MS = 15_000

const load = JSON.parse(process.argv[2] ?? '') as Load
const tell = (message: FromGenerator): void => {
  process.send?.(message)
}

let attach = (): void => {}
const attached = new Promise<void>((resolve) => {
  attach = resolve
})
let traffic: Traffic | undefined
const xmpp = new XmppServer(SIP_DOMAIN, {
  up: () => attach(),
  message(text, from, to) {
    traffic?.stanza(text, from, to)
    wake()
  },
})
const sip = await sipPeer(load.transport, load.gatewayPort, (text, from, body, to, reply) => {
  traffic?.sip(text, from, body, to, reply)
  wake()
})
traffic = load.direction === 'xmpp-to-sip' ? xmppToSip(load, xmpp) : sipToXmpp(load, sip)
const running: Traffic = traffic

/** At the end of a turn of the loop: what has room is sent, and all that was written leaves at once. */
let sending = false
let awake = false
function wake(): void {
  if (awake) return
  awake = true
  setImmediate(() => {
    awake = false
    if (sending) running.fill()
    xmpp.flush()
    sip.flush()
  })
}

async function run(pid: number): Promise<Outcome> {
  await Promise.race([
    attached,
    sleep(ATTACH_MS).then(() => {
      throw new Error('the gateway did not attach itself to the XMPP server')
    }),
  ])
  const repeats = setInterval(() => {
    running.repeat(performance.now())
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
    ...running.books(),
  }
}

process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToGenerator) => {
  run(message.pid).then(
    (outcome) => {
      tell(outcome)
      xmpp.close()
      sip.close()
      process.disconnect()
    },
    (error: unknown) => {
      process.stderr.write(`load generator: ${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    },
  )
})
tell({ kind: 'listening', xmppPort: await xmpp.listen(), sipPort: sip.port })
