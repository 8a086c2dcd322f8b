import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'

/** Below Linux's range of ephemeral ports, so that no outgoing connection takes one between asking and binding. */
const FIRST = 15_000
const LAST = 32_000
const LOOPBACK = '127.0.0.1'

const given = new Set<number>()

/**
 * `count` consecutive ports, free on 127.0.0.1 for UDP and TCP alike. Never gives the same port twice
 * in one process.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const first = randomInt(FIRST, LAST - count)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    if (ports.some((port) => given.has(port))) continue
    for (const port of ports) given.add(port)
    if (await allFree(ports)) return ports
  }
  throw new Error(`no ${count} consecutive free ports between ${FIRST} and ${LAST} on ${LOOPBACK}`)
}

/** One port that is free on 127.0.0.1 for UDP and TCP. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('freePorts(1) gave none')
  return port
}

/**
 * Resolves once something has bound that port of IPv4. Only looks: to try it by binding it would take it from the one that
 * is waited for.
 */
export async function portTaken(port: number, transport: 'udp' | 'tcp', within = 20_000): Promise<void> {
  const until = Date.now() + within
  while (!(await boundPorts(transport)).has(port)) {
    if (Date.now() > until) throw new Error(`nothing bound ${transport} port ${port} within ${within} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A socket of UDP without a peer, and one of TCP that listens (include/net/tcp_states.h). */
const BOUND = { udp: '07', tcp: '0A' } as const

/** proc(5): `sl: address:port peer:port state …`, numbers in hexadecimal. */
async function boundPorts(transport: 'udp' | 'tcp'): Promise<ReadonlySet<number>> {
  const lines = (await readFile(`/proc/net/${transport}`, 'utf8')).split('\n').slice(1)
  const fields = lines.map((line) => line.trim().split(/ +/))
  return new Set(
    fields
      .filter(([, , , state]) => state === BOUND[transport])
      .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16)),
  )
}

async function allFree(ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    if (!(await tcpFree(port)) || !(await udpFree(port))) return false
  }
  return true
}

function tcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function udpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ address: LOOPBACK, port, exclusive: true }, () => socket.close(() => resolve(true)))
  })
}
