import { connect, type Socket } from 'node:net'

export interface ConnectionEvents {
  open(): void
  bytes(chunk: Buffer): void
  /** Once, whatever the reason. */
  closed(reason: string): void
}

/** Milliseconds for what was written last to leave before a connection is cut. */
const LINGER = 1_000

/** A TCP connection that reports its end exactly once and throws nothing. */
export class Connection {
  readonly #socket: Socket
  #reason: string | undefined

  constructor(host: string, port: number, events: ConnectionEvents) {
    this.#socket = connect({ host, port })
    this.#socket.setNoDelay(true)
    this.#socket.on('connect', () => events.open())
    this.#socket.on('data', (chunk) => events.bytes(chunk))
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.code === undefined ? error.message : `${error.code} ${host}:${port}`
    })
    this.#socket.on('close', () => events.closed(this.#reason ?? 'connection closed by the server'))
  }

  /** Octets accepted and not yet taken by the kernel. */
  get waiting(): number {
    return this.#socket.writableLength
  }

  /** IP address and port of the server; undefined: there is no connection. */
  get address(): string | undefined {
    const { remoteAddress: host, remotePort: port } = this.#socket
    return host === undefined ? undefined : `${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  /** Octets, both ways, since the connection was made. */
  get traffic(): { readonly in: number; readonly out: number } {
    return { in: this.#socket.bytesRead, out: this.#socket.bytesWritten }
  }

  write(text: string): void {
    if (this.#socket.writable) this.#socket.write(text)
  }

  /** Writes the last text and says that no more will come. */
  end(text: string): void {
    if (this.#socket.writable) this.#socket.end(text)
  }

  destroy(reason: string): void {
    this.#reason ??= reason
    this.#socket.destroy()
  }

  /** Cuts the connection once what was written has left, or a second later. */
  destroySoon(reason: string): void {
    this.#reason ??= reason
    const limit = setTimeout(() => this.#socket.destroy(), LINGER)
    this.#socket.once('close', () => clearTimeout(limit))
    this.#socket.destroySoon()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }
}
