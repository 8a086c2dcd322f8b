import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Transport } from 'sip.js/lib/core/index.js'

export type Protocol = 'udp' | 'tcp'

export interface Hop {
  readonly host: string
  readonly port: number
  readonly transport: Protocol
}

/** One SIP message as it came from the wire. */
export interface Frame {
  readonly transport: Protocol
  readonly bytes: Buffer
  readonly text: string
  readonly from: { readonly host: string; readonly port: number }
}

/** Requests whose way back is remembered. */
const REMEMBERED = 10_000

/**
 * UDP and TCP for sip.js, which brings WebSocket alone. Responses go back where the request came from
 * (RFC 3261 §18.2.2: the same connection; RFC 3581: the source port). Requests go to the hop set beforehand.
 */
export class SipSockets implements AsyncDisposable {
  readonly port: number
  readonly #udp: UdpSocket
  readonly #tcp: Server
  readonly #onFrame: (frame: Frame) => void
  readonly #onError: (error: Error) => void
  readonly #wayBack = new Map<string, (bytes: Buffer) => Promise<void>>()
  readonly #sockets = new Set<Socket>()
  readonly #connections = new Map<string, Promise<Socket>>()

  private constructor(
    udp: UdpSocket,
    tcp: Server,
    port: number,
    onFrame: (frame: Frame) => void,
    onError: (error: Error) => void,
  ) {
    this.#udp = udp
    this.#tcp = tcp
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
    tcp.on('connection', (socket) => this.#adopt(socket))
  }

  static async listen(
    address: string,
    port: number,
    onFrame: (frame: Frame) => void,
    onError: (error: Error) => void,
  ): Promise<SipSockets> {
    const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject).bind({ address, port }, resolve)
    })
    const tcp = createServer()
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', reject).listen({ host: address, port }, resolve)
    })
    return new SipSockets(udp, tcp, port, onFrame, onError)
  }

  /** What sip.js calls a transport: one protocol, and `hop()` asked at every request. */
  transport(protocol: Protocol, hop: () => Hop): Transport {
    return {
      protocol: protocol.toUpperCase(),
      send: async (message) => {
        const bytes = Buffer.from(message)
        if (!message.startsWith('SIP/2.0 ')) return await this.send(bytes, hop())
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

  /** Ends every TCP connection; the next request opens a new one. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropConnections()
    await new Promise<void>((resolve) => this.#udp.close(resolve))
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()))
  }

  #sendUdp(bytes: Buffer, host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#udp.send(bytes, port, host, (error) => (error ? reject(error) : resolve()))
    })
  }

  #connection(hop: Hop): Promise<Socket> {
    const key = `${hop.host}:${hop.port}`
    const known = this.#connections.get(key)
    if (known) return known
    const opening = new Promise<Socket>((resolve, reject) => {
      const socket = connect({ host: hop.host, port: hop.port })
      this.#adopt(socket)
      socket.once('connect', () => resolve(socket)).once('error', reject)
      socket.once('close', () => this.#connections.delete(key))
    })
    this.#connections.set(key, opening)
    return opening
  }

  #adopt(socket: Socket): void {
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
        this.#received({ transport: 'tcp', bytes: frame, text: frame.toString(), from }, (answer) =>
          write(socket, answer),
        )
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
