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
  const connection = connections.to(leg, hop.address, hop.port, hop)
  return connection === undefined ? undefined : new OverConnection(leg, hop, connections, connection)
}

/** One object, for there are very many. */
class OverConnection implements Carrier {
  readonly leg: Leg
  readonly transport: 'TCP' | 'TLS'
  readonly reliable = true
  readonly #hop: Hop
  readonly #connections: Connections
  #connection: Connection

  constructor(leg: Leg, hop: Hop, connections: Connections, connection: Connection) {
    this.leg = leg
    this.transport = hop.transport === 'tls' ? 'TLS' : 'TCP'
    this.#hop = hop
    this.#connections = connections
    this.#connection = connection
  }

  send(bytes: Uint8Array, waiter?: Waiter): void {
    // A response that came another way (§18.2.2) wants its ACK all the same, and what rings its CANCEL.
    if (!this.#connection.isOpen) {
      const { address, port } = this.#hop
      this.#connection = this.#connections.to(this.leg, address, port, this.#hop) ?? this.#connection
    }
    if (!this.#connection.write(bytes)) queueMicrotask(() => waiter?.transportFailed('peer does not read'))
    else if (waiter !== undefined) this.#connection.await(waiter)
  }

  leave(waiter: Waiter): void {
    this.#connection.leave(waiter)
  }
}
