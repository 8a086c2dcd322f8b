import { createServer, type Server, type Socket } from 'node:net'
import type { S2sListener } from './options.ts'

/** A listener that is bound. */
export interface BoundListener {
  readonly name: string
  readonly address: string
  readonly port: number
}

/** Where other servers connect to us. */
export class Listeners {
  readonly #listeners: readonly S2sListener[]
  readonly #accept: (socket: Socket, listener: S2sListener) => void
  readonly #servers: Server[] = []
  readonly #bound: BoundListener[] = []

  constructor(listeners: readonly S2sListener[], accept: (socket: Socket, listener: S2sListener) => void) {
    this.#listeners = listeners
    this.#accept = accept
  }

  get bound(): readonly BoundListener[] {
    return this.#bound
  }

  /** @throws the system's error where an address cannot be bound; then none is */
  async open(): Promise<void> {
    try {
      for (const listener of this.#listeners) await this.#open(listener)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Nobody comes in any more; who is in stays. */
  async close(): Promise<void> {
    this.#bound.length = 0
    await Promise.all(
      this.#servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    )
  }

  async #open(listener: S2sListener): Promise<void> {
    const { name, address, port } = listener
    const server = createServer((socket) => this.#accept(socket, listener))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address, port, ipv6Only: address.includes(':') }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    // The likes of too many open files: the next connection may do.
    server.on('error', () => {})
    this.#servers.push(server)
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error(`listener ${name} is not on a port`)
    this.#bound.push({ name, address, port: bound.port })
  }
}
