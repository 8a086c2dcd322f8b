import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { Issued } from '../../support/certificates.ts'

/** One connection to a server that says what its script says, octet by octet. */
export interface RawPeer {
  /** Everything that was read, in clear and under TLS. */
  readonly read: string
  /** What was offered to negotiate as protocol, and what name was asked for. */
  readonly tls: { readonly servername: unknown; readonly alpn: unknown; readonly cipher: string } | undefined
  /** Settles with what matches, once it has come; what stood before it is passed over. Fails if the connection ends first. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  write(text: string): void
  /** The TLS handshake, as the server. */
  secure(identity: Issued, options?: { readonly version?: 'TLSv1.2' | 'TLSv1.3' }): Promise<void>
  /** Says that nothing more will come. */
  end(text?: string): void
  destroy(): void
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>
}

export interface RawServer extends AsyncDisposable {
  readonly port: number
  readonly peers: readonly RawPeer[]
  /** What scripts failed of, but for connections that ended. */
  readonly faults: readonly unknown[]
}

export type Script = (peer: RawPeer, at: number) => Promise<void> | void

class Ended extends Error {}

class Connection implements RawPeer {
  read = ''
  tls: RawPeer['tls']
  readonly closed: Promise<void>
  #socket: Socket
  #at = 0
  #gone = false
  #wake: (() => void)[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen(socket)
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#gone = true
        this.#woken()
        resolve()
      })
    })
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.read.slice(this.#at))
      if (found !== null) {
        this.#at += found.index + found[0].length
        return found
      }
      if (this.#gone) throw new Ended(`the connection ended before ${pattern}: ${this.read.slice(this.#at)}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  write(text: string): void {
    if (this.#socket.writable) this.#socket.write(text)
  }

  async secure(identity: Issued, options: { readonly version?: 'TLSv1.2' | 'TLSv1.3' } = {}): Promise<void> {
    const plain = this.#socket
    plain.removeAllListeners('data')
    const { cert, key } = identity
    const { version } = options
    const socket = new TLSSocket(plain, {
      isServer: true,
      secureContext: createSecureContext({
        cert,
        key,
        ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
      }),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['xmpp-server'],
    })
    this.#socket = socket
    socket.on('error', () => socket.destroy())
    await Promise.race([
      once(socket, 'secure').catch((error: unknown) => Promise.reject(new Ended(String(error)))),
      this.closed.then(() => Promise.reject(new Ended('no TLS handshake'))),
    ])
    const { servername } = socket as unknown as { servername: unknown }
    this.tls = { servername, alpn: socket.alpnProtocol, cipher: socket.getCipher().name }
    this.#listen(socket)
  }

  end(text = ''): void {
    if (this.#socket.writable) this.#socket.end(text)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      this.read += chunk.toString()
      this.#woken()
    })
  }

  #woken(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A server on loopback whose connections each follow the script; `at` counts them from 0. */
export async function rawServer(script: Script, address = '127.0.0.1'): Promise<RawServer> {
  const peers: Connection[] = []
  const faults: unknown[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = new Connection(socket)
    peers.push(peer)
    const at = peers.length - 1
    Promise.resolve()
      .then(() => script(peer, at))
      .catch((error: unknown) => {
        if (!(error instanceof Ended)) faults.push(error)
      })
  })
  server.listen(0, address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    peers,
    faults,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const peer of peers) peer.destroy()
      await once(server, 'close')
      if (faults.length > 0) throw faults[0]
    },
  }
}
