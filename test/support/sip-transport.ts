import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls'
import type { Transport } from 'sip.js/lib/core/index.js'
import type { TlsIdentity } from './identity.ts'

export type Protocol = 'udp' | 'tcp' | 'tls'

export interface Hop {
  readonly host: string
  readonly port: number
  readonly transport: Protocol
  /** What is asked for by SNI. */
  readonly name?: string
}

export interface SipAddress {
  readonly address: string
  /** UDP and TCP. */
  readonly port: number
  /** TLS, where there is an identity to show. */
  readonly tlsPort: number
  readonly identity?: TlsIdentity
}

/** One SIP message as it came from the wire. */
export interface Frame {
  readonly transport: Protocol
  readonly bytes: Buffer
  readonly text: string
  readonly from: { readonly host: string; readonly port: number }
  /** Over TLS: subjectAltName of the other side's certificate, as `DNS:edge.provider.example`. */
  readonly peerNames?: string
}

/** Requests whose way back is remembered. */
const REMEMBERED = 10_000

/**
 * UDP, TCP and TLS for sip.js, which brings WebSocket alone. Responses go back where the request came from
 * (RFC 3261 §18.2.2: the same connection; RFC 3581: the source port). Requests go to the hop that is told for each.
 * Whoever connects over TLS needs a certificate of the authority; the certificates of servers are not judged.
 */
export class SipSockets implements AsyncDisposable {
  readonly port: number
  readonly #identity: TlsIdentity | undefined
  readonly #udp: UdpSocket
  readonly #servers: readonly Server[]
  readonly #onFrame: (frame: Frame) => void
  readonly #onError: (error: Error) => void
  readonly #wayBack = new Map<string, (bytes: Buffer) => Promise<void>>()
  readonly #sockets = new Set<Socket>()
  readonly #connections = new Map<string, Promise<Socket>>()

  private constructor(
    udp: UdpSocket,
    tcp: Server,
    { port, tlsPort, address, identity }: SipAddress,
    onFrame: (frame: Frame) => void,
    onError: (error: Error) => void,
  ) {
    const tls =
      identity &&
      createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: true }, (socket) =>
        this.#adopt(socket, 'tls'),
      )
    this.#udp = udp
    this.#servers = tls ? [tcp, tls] : [tcp]
    this.#identity = identity
    this.port = port
    this.#onFrame = onFrame
    this.#onError = onError
    udp.on('error', onError)
    udp.on('message', (bytes, { address, port: source }) => {
      this.#received(
        { transport: 'udp', bytes, text: bytes.toString(), from: { host: address, port: source } },
        (answer) => this.#sendUdp(answer, address, source),
      )
    })
    tcp.on('error', onError)
    tcp.on('connection', (socket) => this.#adopt(socket, 'tcp'))
    tls?.on('error', onError).on('tlsClientError', onError).listen({ host: address, port: tlsPort })
  }

  static async listen(
    place: SipAddress,
    onFrame: (frame: Frame) => void,
    onError: (error: Error) => void,
  ): Promise<SipSockets> {
    const { address, port } = place
    const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject).bind({ address, port }, resolve)
    })
    const tcp = createServer()
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', reject).listen({ host: address, port }, resolve)
    })
    const sockets = new SipSockets(udp, tcp, place, onFrame, onError)
    await sockets.#ready()
    return sockets
  }

  /** What sip.js calls a transport: one protocol, and `hop` asked at every request. */
  transport(protocol: Protocol, hop: (message: string) => Hop): Transport {
    return {
      protocol: protocol.toUpperCase(),
      send: async (message) => {
        const bytes = Buffer.from(message)
        if (!message.startsWith('SIP/2.0 ')) return await this.send(bytes, hop(message))
        const back = this.#wayBack.get(branchOf(message))
        if (back === undefined) throw new Error(`no way back for\n${message}`)
        await back(bytes)
      },
    }
  }

  async send(bytes: Buffer, hop: Hop): Promise<void> {
    if (hop.transport === 'udp') return await this.#sendUdp(bytes, hop.host, hop.port)
    const socket = await this.#connection(hop)
    await write(socket, bytes)
  }

  /** Ends every TCP and TLS connection; the next request opens a new one. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropConnections()
    await new Promise<void>((resolve) => this.#udp.close(resolve))
    for (const server of this.#servers) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  #sendUdp(bytes: Buffer, host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#udp.send(bytes, port, host, (error) => (error ? reject(error) : resolve()))
    })
  }

  #connection(hop: Hop): Promise<Socket> {
    const key = `${hop.transport} ${hop.host}:${hop.port}`
    const known = this.#connections.get(key)
    if (known) return known
    const opening = new Promise<Socket>((resolve, reject) => {
      const to = { host: hop.host, port: hop.port }
      const name = hop.name === undefined ? {} : { servername: hop.name }
      const socket =
        hop.transport === 'tls'
          ? connectTls({ ...to, ...name, ...this.#identity, rejectUnauthorized: false })
          : connect(to)
      this.#adopt(socket, hop.transport)
      socket.once(hop.transport === 'tls' ? 'secureConnect' : 'connect', () => resolve(socket))
      socket.once('error', reject)
      socket.once('close', () => this.#connections.delete(key))
    })
    this.#connections.set(key, opening)
    return opening
  }

  async #ready(): Promise<void> {
    for (const server of this.#servers)
      if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  }

  #adopt(socket: Socket, transport: Protocol): void {
    this.#sockets.add(socket)
    const from = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    let pending: Buffer = Buffer.alloc(0)
    socket.setNoDelay(true)
    socket.on('error', this.#onError)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (bytes) => {
      const [frames, rest] = split(Buffer.concat([pending, bytes]))
      pending = rest
      for (const frame of frames) {
        const peerNames = socket instanceof TLSSocket ? socket.getPeerCertificate().subjectaltname : undefined
        const received = {
          transport,
          bytes: frame,
          text: frame.toString(),
          from,
          ...(peerNames && { peerNames }),
        }
        this.#received(received, (answer) => write(socket, answer))
      }
    })
  }

  #received(frame: Frame, back: (bytes: Buffer) => Promise<void>): void {
    if (!frame.text.startsWith('SIP/2.0 ')) {
      this.#wayBack.set(branchOf(frame.text), back)
      const [oldest] = this.#wayBack.keys()
      if (this.#wayBack.size > REMEMBERED && oldest !== undefined) this.#wayBack.delete(oldest)
    }
    try {
      this.#onFrame(frame)
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())))
}

/** The branch of the topmost Via; empty when there is none. */
function branchOf(message: string): string {
  return /^(?:via|v)\s*:[^\r\n]*?;\s*branch=([^;,\s]+)/im.exec(message)?.[1] ?? ''
}

/** RFC 3261 §18.3: over a stream, Content-Length says where a message ends; CR LF between messages is skipped. */
function split(bytes: Buffer): readonly [frames: readonly Buffer[], rest: Buffer] {
  const frames: Buffer[] = []
  let at = 0
  for (;;) {
    while (bytes[at] === 0x0d || bytes[at] === 0x0a) at += 1
    const head = bytes.indexOf('\r\n\r\n', at)
    if (head < 0) break
    const length = /^(?:content-length|l)\s*:\s*(\d+)/im.exec(bytes.toString('latin1', at, head))?.[1] ?? '0'
    const end = head + 4 + Number(length)
    if (end > bytes.length) break
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return [frames, bytes.subarray(at)]
}
