import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Sends bytes to where a message came from. Over TCP they may wait for `flush`. */
export type Reply = (bytes: Buffer) => void

/** A whole SIP message: `text[from]` to `text[to - 1]`, its head ending (after the empty line) at `body`. */
export type OnMessage = (text: string, from: number, body: number, to: number, reply: Reply) => void

export interface SipPeer {
  /** Where the other side reaches us. */
  readonly port: number
  /** To the remote listener. Over UDP at once; over TCP a copy, with the next `flush`. */
  send(bytes: Buffer): void
  flush(): void
  /** Opens the connections that it keeps, once the other side is there. */
  open?(): Promise<void>
  close(): void
}

/**
 * The peer of whoever listens on `remotePort`, both on 127.0.0.1.
 * @param port where to listen; 0: any free one
 */
export const sipPeer = (
  transport: 'udp' | 'tcp',
  remotePort: number,
  onMessage: OnMessage,
  port = 0,
): Promise<SipPeer> =>
  transport === 'udp' ? udpPeer(remotePort, onMessage, port) : tcpPeer(remotePort, onMessage, port)

/** Kernel buffers for bursts; Linux grants up to its net.core.rmem_max. */
const BUFFER = 4 << 20

async function udpPeer(remotePort: number, onMessage: OnMessage, own: number): Promise<SipPeer> {
  const socket: DatagramSocket = createSocket({
    type: 'udp4',
    // The address is always a literal: no resolver, no extra turn of the loop.
    lookup: (host, _options, done) => done(null, host, 4),
  })
  await new Promise<void>((resolve) => socket.bind(own, '127.0.0.1', resolve))
  socket.setRecvBufferSize(BUFFER)
  socket.setSendBufferSize(BUFFER)
  let port = remotePort
  const reply: Reply = (bytes) => socket.send(bytes, port, '127.0.0.1')
  socket.on('message', (bytes, source) => {
    port = source.port
    const text = bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end >= 0) onMessage(text, 0, end + 4, text.length, reply)
  })
  return {
    port: socket.address().port,
    send: (bytes) => socket.send(bytes, remotePort, '127.0.0.1'),
    flush() {},
    close: () => socket.close(),
  }
}

/** Collects what is written within one turn of the loop. */
export class Batch {
  readonly #socket: Socket
  readonly #bytes: Buffer
  #filled = 0

  constructor(socket: Socket, size = 1 << 18) {
    this.#socket = socket
    this.#bytes = Buffer.allocUnsafeSlow(size)
  }

  readonly add: Reply = (bytes) => {
    if (this.#filled + bytes.length > this.#bytes.length) this.flush()
    bytes.copy(this.#bytes, this.#filled)
    this.#filled += bytes.length
  }

  flush(): void {
    if (this.#filled === 0) return
    this.#socket.write(Buffer.from(this.#bytes.subarray(0, this.#filled)))
    this.#filled = 0
  }
}

/** Frames by Content-Length (RFC 3261 §18.3); what is not finished waits for the next bytes. */
export function readMessages(socket: Socket, reply: Reply, onMessage: OnMessage): void {
  let rest = ''
  socket.on('error', (error) => process.stderr.write(`load generator: SIP connection: ${error.message}\n`))
  socket.on('data', (bytes) => {
    const chunk = bytes.toString('latin1')
    const text = rest === '' ? chunk : rest + chunk
    let at = 0
    for (;;) {
      while (text.startsWith('\r\n', at)) at += 2
      const end = text.indexOf('\r\n\r\n', at)
      if (end < 0) break
      const whole = end + 4 + contentLength(text, at, end)
      if (whole > text.length) break
      onMessage(text, at, end + 4, whole, reply)
      at = whole
    }
    rest = text.slice(at)
  })
}

function contentLength(text: string, from: number, end: number): number {
  const at = text.indexOf('\r\nContent-Length: ', from)
  if (at >= 0 && at < end) return Number.parseInt(text.slice(at + 18, at + 26), 10)
  const other = /\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)/i.exec(text.slice(from, end))
  return Number(other?.[1] ?? 0)
}

/**
 * Takes the gateway's connection for the requests it sends, and keeps one of its own for those it is sent; whoever
 * sends requests gets the answers on the same connection.
 */
async function tcpPeer(remotePort: number, onMessage: OnMessage, port: number): Promise<SipPeer> {
  const batches = new Set<Batch>()
  const adopt = (socket: Socket): Batch => {
    const batch = new Batch(socket)
    batches.add(batch)
    socket.on('close', () => batches.delete(batch))
    readMessages(socket, batch.add, onMessage)
    return batch
  }
  const server: Server = createServer({ noDelay: true }, adopt)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  let own: Batch | undefined
  let ownSocket: Socket | undefined
  return {
    port: address.port,
    send(bytes) {
      if (own === undefined) {
        ownSocket = connect({ port: remotePort, host: '127.0.0.1', noDelay: true })
        own = adopt(ownSocket)
      }
      own.add(bytes)
    },
    flush() {
      for (const batch of batches) batch.flush()
    },
    close() {
      ownSocket?.destroy()
      server.close()
    },
  }
}

const CRLF = '\r\n'

/** A 200 with the fields that RFC 3261 §8.2.6.2 wants copied. */
export function okTo(text: string, from: number, body: number): string {
  let response = 'SIP/2.0 200 OK\r\n'
  let start = text.indexOf(CRLF, from) + 2
  while (start < body - 2) {
    const end = text.indexOf(CRLF, start) + 2
    if (text.startsWith('To:', start)) response += `${text.slice(start, end - 2)};tag=bench\r\n`
    else if (
      text.startsWith('Via:', start) ||
      text.startsWith('From:', start) ||
      text.startsWith('Call-ID:', start) ||
      text.startsWith('CSeq:', start)
    )
      response += text.slice(start, end)
    start = end
  }
  return `${response}Content-Length: 0\r\n\r\n`
}
