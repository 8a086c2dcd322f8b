/**
 * The whole gateway federated with very many domains: how fast streams are set up, what they hold, and whether messages go
 * slower beside idle ones. A process of its own, on the core of the load generator; it prints JSON lines.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { messageTemplate } from '../load/message-template.ts'
import { cpuSecondsOf, megabytesOf } from '../load/process-stat.ts'
import { okTo, sipPeer } from '../load/sip-peer.ts'
import { sequenceIn, type Template, textOf } from '../load/template.ts'
import { freePort } from '../machine.ts'
import { GatewayProcess } from '../presence/gateway.ts'
import { OWN, type Ports, peerDomain, writeConfig } from './config.ts'
import { Peers } from './peers.ts'

const {
  short: SHORT,
  domains,
  gateway: entry,
} = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    domains: { type: 'string' },
    gateway: { type: 'string', default: 'dist/main.js' },
  },
}).values
const DOMAINS = Number(domains ?? (SHORT ? 50 : 1_000))
/** Domains that talk while the others are idle, and for how many seconds each way. */
const TALKING = Math.min(10, DOMAINS)
const SECONDS = SHORT ? 0.5 : 5
/** Messages under way. */
const WINDOW = 64
/** Of a request, and milliseconds after which it is sent again. */
const BYTES = 600
const AGAIN = 500
const SETTLE = SHORT ? 200 : 3_000

const directory = mkdtempSync(join(tmpdir(), 'dragoman-bench-s2s-'))
let gateway: GatewayProcess | undefined
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(1))
process.on('exit', () => {
  void gateway?.kill()
  rmSync(directory, { recursive: true, force: true })
})

const sipPort = await freePort()
/** What waits for its answer, by its number. */
const open = new Map<number, { readonly again: () => void; readonly done: () => void; at: number }>()
let number = 0
function arrived(sequence: number): void {
  const waiting = open.get(sequence)
  if (waiting === undefined) return
  open.delete(sequence)
  waiting.done()
}
let refused: string | undefined
const home = await sipPeer('udp', sipPort, (text, from, body, _to, reply) => {
  if (!text.startsWith('SIP/2.0 ', from)) {
    reply(Buffer.from(okTo(text, from, body), 'latin1'))
    arrived(sequenceIn(text, body))
  } else if (text.startsWith('SIP/2.0 2', from)) arrived(sequenceIn(text, from))
  else if (!text.startsWith('SIP/2.0 1', from)) refused ??= text.slice(from, text.indexOf('\r\n', from))
})
const ports: Ports = { sip: sipPort, s2s: await freePort(), home: home.port, peers: await freePort() }
const written = writeConfig(directory, ports, DOMAINS)
const peers = new Peers(DOMAINS, ports, written, () => {})
await peers.start()
gateway = new GatewayProcess(entry, written.file, join(directory, 'gateway.log'))
await gateway.ready
const { pid } = gateway
const repeats = setInterval(() => {
  const now = performance.now()
  for (const waiting of open.values())
    if (now - waiting.at > AGAIN) {
      waiting.at = now
      waiting.again()
    }
}, 100)

const templates: Template[] = Array.from({ length: DOMAINS }, (_, i) =>
  messageTemplate({
    ...{ transport: 'udp', port: home.port, bytes: BYTES },
    ...{ sender: `romeo@${OWN}`, recipient: `juliet@${peerDomain(i)}` },
  }),
)
const text = textOf(200)

type Way = 'out' | 'in'

/** One message to or from that domain; resolves when it has arrived. */
function message(way: Way, domain: number): Promise<void> {
  const sequence = number++
  return new Promise((resolve) => {
    const again = way === 'out' ? () => home.send((templates[domain] as Template).stamp(sequence)) : () => {}
    open.set(sequence, { again, done: resolve, at: performance.now() })
    if (way === 'out') again()
    else {
      const body = text.replace(/##########/, String(sequence).padStart(10, '0'))
      const taken = (by: boolean): void => {
        if (!by) refused ??= 'a message was not acknowledged'
      }
      if (!peers.send(domain, body, taken)) refused ??= 'no room for a message'
    }
  })
}

/** Messages to these domains, a window of them at a time, until `next` says no more. */
async function run(way: Way, next: () => number | undefined): Promise<void> {
  await Promise.all(
    Array.from({ length: WINDOW }, async () => {
      for (let domain = next(); domain !== undefined; domain = next()) await message(way, domain)
    }),
  )
}

async function measured(work: () => Promise<number>): Promise<{ perSecond: number; cpuMicros: number }> {
  const [began, cpu] = [performance.now(), cpuSecondsOf(pid)]
  const count = await work()
  const seconds = (performance.now() - began) / 1000
  return {
    perSecond: Math.round(count / seconds),
    cpuMicros: Math.round(((cpuSecondsOf(pid) - cpu) / count) * 1e7) / 10,
  }
}

const upTo = (from: number, to: number) => {
  let at = from
  return () => (at < to ? at++ : undefined)
}

/** Messages between a few domains for a while. */
const talk = (way: Way): Promise<{ perSecond: number; cpuMicros: number }> =>
  measured(async () => {
    const until = performance.now() + SECONDS * 1000
    let count = 0
    await run(way, () => (performance.now() < until ? count++ % TALKING : undefined))
    return count
  })

const print = (name: string, figures: object): void =>
  console.log(JSON.stringify({ kind: 's2s', name, ...figures }))
const memory = async (): Promise<number> => {
  await gateway?.held()
  await sleep(SETTLE)
  return megabytesOf(pid, 'VmRSS')
}

const bare = await memory()
await run('out', upTo(0, TALKING))
await talk('out')
const alone = { out: await talk('out'), in: await talk('in') }
const before = await memory()
const opened = await measured(async () => {
  await run('out', upTo(TALKING, DOMAINS))
  return DOMAINS - TALKING
})
await talk('out')
const beside = { out: await talk('out'), in: await talk('in') }
const after = await memory()
print('streams', {
  domains: DOMAINS,
  streams: peers.streams,
  setUpsPerSecond: opened.perSecond,
  setUpCpuMillis: Math.round(opened.cpuMicros / 100) / 10,
  megabytesBare: bare,
  megabytesFew: before,
  megabytes: after,
  kilobytesEach: Math.round(((after - before) * 1000) / (DOMAINS - TALKING)),
})
for (const way of ['out', 'in'] as const)
  print(`messages/${way}`, {
    aloneMicros: alone[way].cpuMicros,
    besideMicros: beside[way].cpuMicros,
    ratio: Math.round((beside[way].cpuMicros / alone[way].cpuMicros) * 1000) / 1000,
    alonePerSecond: alone[way].perSecond,
    besidePerSecond: beside[way].perSecond,
  })
clearInterval(repeats)
const failed = refused !== undefined || after > 400
if (refused !== undefined) process.stderr.write(`s2s/streams: ${refused}\n`)
if (after > 400) process.stderr.write(`s2s/streams: ${after} MB are more than 400\n`)
process.exit(failed ? 1 : 0)
