import { createServer, type Server, type Socket } from 'node:net'
import { DEFAULT_LIMITS } from '../limits.ts'
import type { ConnectionLimits } from './connection.ts'
import type { ListenerOptions } from './place.ts'

export interface TcpLimits extends ConnectionLimits {
  /** Open connections of all listeners; as many incoming as outgoing, so that who comes in cannot keep us from going out. */
  readonly connections: number
  /** Of those that came in, from one address (IPv6: from one /64). */
  readonly connectionsPerAddress: number
  /** TLS handshakes of peers under way, all together and from one address. */
  readonly handshakes: number
  readonly handshakesPerAddress: number
  /** How long such a handshake may take. */
  readonly handshake: number
  /** Octets of unfinished messages, of all connections that came in together; beyond, the longest is cut off. */
  readonly buffered: number
}

export const DEFAULT_TCP: TcpLimits = {
  message: DEFAULT_LIMITS,
  output: 4 * 1024 * 1024,
  pauseAt: 256 * 1024,
  idle: 600_000,
  partial: 30_000,
  connect: 10_000,
  ping: 0,
  pong: 10_000,
  connections: 1000,
  connectionsPerAddress: 100,
  handshakes: 200,
  handshakesPerAddress: 20,
  handshake: 10_000,
  buffered: 64 * 1024 * 1024,
}

/** @throws the system's error where the address cannot be bound */
export async function openTcp(
  options: ListenerOptions,
  accept: (socket: Socket) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ pauseOnConnect: false }, accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(
      { port: options.port, host: options.address, ipv6Only: options.address.includes(':') },
      () => {
        server.off('error', reject)
        resolve()
      },
    )
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string')
    throw new Error(`listener ${options.name} is not on a port`)
  return { server, port: bound.port }
}
