import type { Server } from 'node:net'
import { isIPv6 } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import type { Timers } from '../../kernel/timer-wheel.ts'
import { Connections, type ConnectionsEvents } from '../transport/connections.ts'
import type { Leg } from '../transport/leg.ts'
import { type ListenerOptions, sentBy } from '../transport/place.ts'
import { openTcp } from '../transport/tcp.ts'
import { openUdp } from '../transport/udp.ts'
import type { EndpointLimits } from './endpoint.ts'

export interface TransportEvents extends ConnectionsEvents {
  datagram(leg: Leg, bytes: Uint8Array, address: string, port: number): void
  broken(listener: string, reason: string): void
}

export interface Transports {
  readonly legs: readonly Leg[]
  readonly connections: Connections
  close(): Promise<void>
}

/** Milliseconds for peers to close their side at the end. */
const CLOSING = 1_000

/** Binds every listener, or none. @throws the system's error */
export async function openTransports(
  listeners: readonly ListenerOptions[],
  limits: EndpointLimits,
  time: { readonly clock: Clock; readonly timers: Timers },
  events: TransportEvents,
): Promise<Transports> {
  const connections = new Connections({ limits, events, ...time })
  const legs: Leg[] = []
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    const stopped = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    connections.endAll('closing')
    // A connection that is cut with something unread is reset, and the peer loses the answers it was just sent.
    await connections.gone(CLOSING)
    connections.closeAll('closing')
    await Promise.all([...stopped, ...legs.map((leg) => leg.udp?.close())])
  }
  try {
    for (const options of listeners) {
      const family = isIPv6(options.address) ? 6 : 4
      let leg: Leg | undefined
      if (options.transport === 'udp') {
        const udp = await openUdp(
          {
            address: options.address,
            port: options.port,
            receiveBuffer: limits.receiveBuffer,
            sendBuffer: limits.sendBuffer,
            queue: limits.datagramQueue,
          },
          {
            datagram(bytes, address, port) {
              if (leg !== undefined) events.datagram(leg, bytes, address, port)
            },
            broken: (reason) => events.broken(options.name, reason),
          },
        )
        leg = { options, port: udp.port, sentBy: sentBy(options, udp.port), family, udp }
      } else {
        const { server, port } = await openTcp(options, (socket) => {
          if (leg === undefined) socket.destroy()
          else connections.accept(socket, leg)
        })
        servers.push(server)
        server.on('error', (error) => events.broken(options.name, error.message))
        const bound: Leg = { options, port, sentBy: sentBy(options, port), family, udp: undefined }
        if (options.transport === 'tls') connections.secure(bound)
        leg = bound
      }
      legs.push(leg)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { legs, connections, close }
}
