import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

export interface UdpOptions {
  readonly address: string
  readonly port: number
  /** Kernel buffers in bytes; the system may give less. */
  readonly receiveBuffer: number
  readonly sendBuffer: number
  /** Bytes that may wait for the kernel; beyond, sending fails. */
  readonly queue: number
}

export interface UdpEvents {
  datagram(bytes: Uint8Array, address: string, port: number): void
  /** The socket is unusable. */
  broken(reason: string): void
}

export interface UdpSocket {
  readonly port: number
  /** `failed` is called at most once, later, with an error code such as `ENETUNREACH`. */
  send(bytes: Uint8Array, address: string, port: number, failed: (reason: string) => void): void
  close(): Promise<void>
}

/** @throws the system's error where the address cannot be bound */
export async function openUdp(options: UdpOptions, events: UdpEvents): Promise<UdpSocket> {
  const family = isIPv6(options.address) ? 6 : 4
  const socket: Socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Only IP literals come here: without this, each datagram makes a trip through the resolver's threads.
    lookup: (address, _options, done) => done(null, address, family),
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(options.port, options.address, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  socket.setRecvBufferSize(options.receiveBuffer)
  socket.setSendBufferSize(options.sendBuffer)

  let queued = 0
  let open = true
  socket.on('message', (bytes, from) => events.datagram(bytes, from.address, from.port))
  socket.on('error', (error) => events.broken(reasonOf(error)))
  return {
    port: socket.address().port,
    send(bytes, address, port, failed) {
      if (!open) return queueMicrotask(() => failed('closed'))
      if (queued + bytes.length > options.queue) return queueMicrotask(() => failed('send queue full'))
      queued += bytes.length
      try {
        socket.send(bytes, port, address, (error) => {
          queued -= bytes.length
          if (error !== null && error !== undefined) failed(reasonOf(error))
        })
      } catch (error) {
        queued -= bytes.length
        queueMicrotask(() => failed(reasonOf(error)))
      }
    },
    close() {
      if (!open) return Promise.resolve()
      open = false
      return new Promise((resolve) => socket.close(() => resolve()))
    },
  }
}

/** The system's code where there is one: `ECONNREFUSED`. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error)
    return 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return String(error)
}
