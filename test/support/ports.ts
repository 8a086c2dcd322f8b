import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
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

/** Resolves once something has bound that port; does not connect. */
export async function portTaken(port: number, transport: 'udp' | 'tcp', within = 5000): Promise<void> {
  const free = transport === 'udp' ? udpFree : tcpFree
  const until = Date.now() + within
  while (await free(port)) {
    if (Date.now() > until) throw new Error(`nothing bound ${transport} port ${port} within ${within} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
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
