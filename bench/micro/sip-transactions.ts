import { createEndpoint, type Endpoint, type Hop } from '../../src/sip/endpoint/endpoint.ts'
import { Headers } from '../../src/sip/headers.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'

/**
 * Whole MESSAGE transactions between two endpoints of one process over loopback: both ways of a request and of its
 * response, so twice what one endpoint pays. One JSON line per transport.
 */
const SHORT = process.argv.includes('--short')
const TOTAL = SHORT ? 20_000 : 200_000
const OUTSTANDING = 64

const body = Buffer.alloc(250, 'wherefore art thou ')
function request(i: number): SipRequest {
  const uri = parseUri(`sip:user${i % 1000}@home.example`)
  if (!uri.ok) throw new Error(uri.error)
  return {
    kind: 'request',
    method: 'MESSAGE',
    uri: uri.value,
    headers: new Headers([
      ['Max-Forwards', '70'],
      ['From', `<sip:juliet${i % 1000}@partner.example>;tag=${i}`],
      ['To', `<sip:user${i % 1000}@home.example>`],
      ['Call-ID', `${i}-ab38cd1`],
      ['CSeq', '1 MESSAGE'],
      ['Content-Type', 'text/plain;charset=UTF-8'],
    ]),
    body,
  }
}

function run(client: Endpoint, hop: Hop): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let done = 0
    const next = (): void => {
      if (sent >= TOTAL) return
      client.send(request(sent++), hop, (outcome) => {
        if (outcome.kind !== 'response' || outcome.response.status !== 200) {
          reject(new Error(JSON.stringify(outcome.kind)))
          return
        }
        if (++done === TOTAL) resolve()
        else next()
      })
    }
    for (let i = 0; i < OUTSTANDING; i++) next()
  })
}

for (const transport of ['udp', 'tcp'] as const) {
  const listener = { name: 'bench', transport, address: '127.0.0.1', port: 0, side: 'inside' } as const
  const server = await createEndpoint({
    listeners: [listener],
    onRequest: (incoming) => incoming.respond(200),
  })
  const client = await createEndpoint({
    listeners: [listener],
    onRequest: (incoming) => incoming.respond(200),
  })
  const port = server.listeners[0]?.port as number
  const hop = { transport, address: '127.0.0.1', port }
  const before = process.cpuUsage()
  const start = process.hrtime.bigint()
  await run(client, hop)
  const ns = Number(process.hrtime.bigint() - start)
  const cpu = process.cpuUsage(before)
  process.stdout.write(
    `${JSON.stringify({
      kind: 'micro',
      name: `sip/transaction, client and server, ${transport}`,
      nsPerOp: Math.round(ns / TOTAL),
      opsPerSecond: Math.round((TOTAL * 1e9) / ns),
      cpuNsPerOp: Math.round(((cpu.user + cpu.system) * 1000) / TOTAL),
      operations: TOTAL,
      retransmissions: client.stats().retransmissionsOut,
      completedHeld: server.stats().completedTransactions,
      rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
    })}\n`,
  )
  await client.close()
  await server.close()
}
