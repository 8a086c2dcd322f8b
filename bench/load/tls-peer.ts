import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { TlsFiles } from './run.ts'
import { Batch, type OnMessage, readMessages, type SipPeer } from './sip-peer.ts'

export interface TlsPeerOptions {
  readonly files: TlsFiles
  /** The listener of the other side on 127.0.0.1. */
  readonly remotePort: number
  /** Asked for by SNI. */
  readonly servername: string
  /** Connections that `open` makes and that requests go over in turn. */
  readonly connections: number
  /** Where to listen; 0: any free port. */
  readonly port?: number
}

/** A TLS record holds no more. */
const RECORD = 1 << 14
/** Handshakes under way while `open` runs: more would only wait for each other. */
const HANDSHAKES = 10
/** Many connections come from many addresses, as those of many peers do: what one address may have is limited. */
const FEW = 50
const ADDRESSES = 200

export const pem = ({ certificate, key, authorities }: TlsFiles) => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
  ca: readFileSync(authorities),
})

/** Like the TCP peer, with mutual TLS and several connections of its own. Answers go back over the request's connection. */
export async function tlsPeer(options: TlsPeerOptions, onMessage: OnMessage): Promise<SipPeer> {
  const identity = pem(options.files)
  const batches = new Set<Batch>()
  const own: Batch[] = []
  const sockets = new Set<TLSSocket>()
  let turn = 0
  const adopt = (socket: TLSSocket): Batch => {
    const batch = new Batch(socket, RECORD)
    socket.setNoDelay(true)
    batches.add(batch)
    sockets.add(socket)
    socket.on('close', () => {
      batches.delete(batch)
      sockets.delete(socket)
    })
    readMessages(socket, batch.add, onMessage)
    return batch
  }
  const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true }, adopt)
  server.on('tlsClientError', (error) =>
    process.stderr.write(`load generator: TLS handshake: ${error.message}\n`),
  )
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))

  const connection = (number: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const { remotePort: port, servername } = options
      const localAddress = options.connections > FEW ? `127.0.1.${1 + (number % ADDRESSES)}` : '127.0.0.1'
      const socket = connect({ ...identity, ...{ localAddress }, host: '127.0.0.1', port, servername })
      const fail = (error: Error): void => reject(new Error(`TLS connection: ${error.message}`))
      socket.once('error', fail)
      socket.once('secureConnect', () => {
        socket.off('error', fail)
        own.push(adopt(socket))
        resolve()
      })
    })
  return {
    port: (server.address() as AddressInfo).port,
    async open() {
      let left = options.connections
      const open = async (): Promise<void> => {
        while (left > 0) await connection(left--)
      }
      await Promise.all(Array.from({ length: Math.min(HANDSHAKES, left) }, open))
    },
    send(bytes) {
      turn = (turn + 1) % own.length
      ;(own[turn] as Batch).add(bytes)
    },
    flush() {
      for (const batch of batches) batch.flush()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
