import type { Connection, Waiter } from '../transport/connection.ts'
import type { Connections } from '../transport/connections.ts'
import type { Leg } from '../transport/leg.ts'
import type { Hop } from '../transport/place.ts'

/** How octets get to a hop from one of our listeners. */
export interface Carrier {
  readonly leg: Leg
  /** As in Via. */
  readonly transport: 'UDP' | 'TCP' | 'TLS'
  readonly reliable: boolean
  /** A failure is told to the waiter later, never before this returns. */
  send(bytes: Uint8Array, waiter?: Waiter): void
  /** The waiter has what it waited for. */
  leave(waiter: Waiter): void
}

export const overUdp = (leg: Leg, hop: Hop): Carrier => ({
  leg,
  transport: 'UDP',
  reliable: false,
  send: (bytes, waiter) => {
    leg.udp?.send(bytes, hop.address, hop.port, (reason) => waiter?.transportFailed(reason))
  },
  leave: () => {},
})

/** Undefined: too many connections. */
export function overConnection(leg: Leg, hop: Hop, connections: Connections): Carrier | undefined {
  const open = (): Connection | undefined => connections.to(leg, hop.address, hop.port, hop)
  const opened = open()
  if (opened === undefined) return undefined
  let connection = opened
  return {
    leg,
    transport: hop.transport === 'tls' ? 'TLS' : 'TCP',
    reliable: true,
    send: (bytes, waiter) => {
      // A response that came another way (§18.2.2) wants its ACK all the same, and what rings its CANCEL.
      if (!connection.isOpen) connection = open() ?? connection
      if (!connection.write(bytes)) queueMicrotask(() => waiter?.transportFailed('peer does not read'))
      else if (waiter !== undefined) connection.waiting.add(waiter)
    },
    leave: (waiter) => connection.waiting.delete(waiter),
  }
}
