import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { TlsIdentity } from './identity.ts'

export interface TlsTunnel extends AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  /** What went wrong on its TLS side, in order. */
  readonly errors: readonly string[]
}

export interface TlsWay {
  /** Without it, it shows no certificate. */
  readonly identity?: TlsIdentity
  /** Where the TLS server is on 127.0.0.1. */
  readonly target: number
  /** Asked for by SNI. The server's certificate is not judged. */
  readonly servername?: string
}

export interface TlsDoor {
  readonly identity: TlsIdentity
  /** Where to listen; any free port unless told. */
  readonly port?: number
  /** Where the plain TCP server is on 127.0.0.1. */
  readonly target: number
}

/** Takes plain TCP connections and makes a TLS connection of each: TLS for a client that has none. */
export async function tlsWay({ identity, target, servername }: TlsWay): Promise<TlsTunnel> {
  const errors: string[] = []
  const pairs = new Pairs(errors)
  const server = createServer((plain) => {
    const socket = connectTls({
      ...{ host: '127.0.0.1', port: target, rejectUnauthorized: false },
      ...(servername !== undefined && { servername }),
      ...identity,
    })
    pairs.join(socket, plain)
  })
  return await listening(server, 0, errors, pairs)
}

/** Takes TLS connections of whoever shows a certificate of the authority, and makes a plain TCP connection of each. */
export async function tlsDoor({ identity, target, port = 0 }: TlsDoor): Promise<TlsTunnel> {
  const errors: string[] = []
  const pairs = new Pairs(errors)
  const server = createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: true }, (socket) =>
    pairs.join(socket, connect({ host: '127.0.0.1', port: target })),
  )
  server.on('tlsClientError', (error) => errors.push(error.message))
  return await listening(server, port, errors, pairs)
}

class Pairs {
  readonly #errors: string[]
  readonly #sockets = new Set<Socket>()

  constructor(errors: string[]) {
    this.#errors = errors
  }

  join(secure: TLSSocket, plain: Socket): void {
    secure.on('error', (error) => this.#errors.push(error.message))
    plain.on('error', () => {})
    for (const [one, other] of [
      [secure, plain],
      [plain, secure],
    ] as const) {
      this.#sockets.add(one)
      one.setNoDelay(true)
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroySoon()
      })
      one.pipe(other)
    }
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

async function listening(
  server: Server,
  port: number,
  errors: readonly string[],
  pairs: Pairs,
): Promise<TlsTunnel> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host: '127.0.0.1', port }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    errors,
    async [Symbol.asyncDispose]() {
      pairs.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
