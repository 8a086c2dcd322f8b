import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  createEndpoint,
  type Endpoint,
  type EndpointEvent,
  type EndpointOptions,
  type IncomingRequest,
  type Outcome,
} from '../../../src/sip/endpoint/endpoint.ts'
import { Headers } from '../../../src/sip/headers.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { patientClock, until } from '../../support/patient-clock.ts'

export { pause, until } from '../../support/patient-clock.ts'

export interface Bed {
  readonly endpoint: Endpoint
  readonly incoming: IncomingRequest[]
  readonly events: EndpointEvent[]
  readonly udp: number
  readonly tcp: number
}

/** An endpoint on a loopback address, UDP and TCP on free ports, on a patient clock, that answers 200 unless told otherwise. */
export async function bed(
  options: Partial<EndpointOptions> & { address?: string; only?: 'udp' | 'tcp' } = {},
): Promise<Bed> {
  const { address = '127.0.0.1', only, ...rest } = options
  const incoming: IncomingRequest[] = []
  const events: EndpointEvent[] = []
  const endpoint = await createEndpoint({
    listeners: (['udp', 'tcp'] as const)
      .filter((transport) => only === undefined || transport === only)
      .map((transport) => ({
        name: `in-${transport}`,
        transport,
        address,
        port: 0,
        side: 'inside' as const,
      })),
    onEvent: (event) => events.push(event),
    clock: patientClock,
    ...rest,
    onRequest(request) {
      incoming.push(request)
      if (rest.onRequest === undefined) request.respond(200)
      else rest.onRequest(request)
    },
  })
  onTestFinished(() => endpoint.close())
  const port = (transport: string): number =>
    endpoint.listeners.find((listener) => listener.transport === transport)?.port ?? 0
  return { endpoint, incoming, events, udp: port('udp'), tcp: port('tcp') }
}

export interface UdpPeer {
  readonly port: number
  readonly received: string[]
  send(text: string | Uint8Array, port: number): void
  /** The next message that has not been taken yet. */
  next(): Promise<string>
}

export async function udpPeer(address = '127.0.0.1'): Promise<UdpPeer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const received: string[] = []
  let taken = 0
  socket.on('message', (bytes) => received.push(bytes.toString('latin1')))
  socket.bind(0, address)
  await once(socket, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  return {
    port: socket.address().port,
    received,
    send: (text, port) => socket.send(text, port, address),
    async next() {
      await until(() => received.length > taken)
      return received[taken++] as string
    },
  }
}

export interface TcpPeer {
  readonly socket: Socket
  text(): string
  closed(): boolean
}

export function watch(socket: Socket): TcpPeer {
  let text = ''
  let closed = false
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {
    closed = true
  })
  socket.on('close', () => {
    closed = true
  })
  onTestFinished(() => {
    socket.destroy()
  })
  return { socket, text: () => text, closed: () => closed }
}

export async function tcpPeer(port: number, address = '127.0.0.1'): Promise<TcpPeer> {
  const peer = watch(connect(port, address))
  await once(peer.socket, 'connect')
  return peer
}

export async function tcpServer(
  onConnection: (peer: TcpPeer) => void,
  port = 0,
  address = '127.0.0.1',
): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => onConnection(watch(socket)))
  server.listen(port, address)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return { port: bound.port, server }
}

let serial = 0
export interface Shape {
  method?: string
  branch?: string
  via?: string
  extra?: string
  body?: string
  callId?: string
  toTag?: string
  uri?: string
}

/** A request as a peer sends it. */
export function requestText(port: number, shape: Shape = {}): string {
  const n = ++serial
  const { method = 'MESSAGE', body = 'hello', branch = `z9hG4bKpeer${n}`, callId = `call-${n}@peer` } = shape
  const via = shape.via ?? `SIP/2.0/UDP 127.0.0.1:${port};branch=${branch};rport`
  return [
    `${method} ${shape.uri ?? 'sip:romeo@example.com'} SIP/2.0`,
    `Via: ${via}`,
    'Max-Forwards: 70',
    'From: <sip:juliet@example.com>;tag=j1',
    `To: <sip:romeo@example.com>${shape.toTag === undefined ? '' : `;tag=${shape.toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    ...(shape.extra === undefined ? [] : [shape.extra]),
    'Content-Type: text/plain',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** A request as the transaction user gives it. */
export function outgoing(body = 'hello', method = 'MESSAGE'): SipRequest {
  const uri = parseUri('sip:romeo@127.0.0.1')
  if (!uri.ok) throw new Error('bad URI')
  const n = ++serial
  return {
    kind: 'request',
    method,
    uri: uri.value,
    headers: new Headers([
      ['Max-Forwards', '70'],
      ['From', '<sip:juliet@example.com>;tag=j1'],
      ['To', '<sip:romeo@example.com>'],
      ['Call-ID', `out-${n}`],
      ['CSeq', `1 ${method}`],
      ['Content-Type', 'text/plain'],
    ]),
    body: Buffer.from(body),
  }
}

export const header = (text: string, name: string): string | undefined =>
  new RegExp(`^${name}: *(.*)\r$`, 'm').exec(text)?.[1]

/** The answer that a peer gives to a request text. */
export const answerText = (
  request: string,
  status: number,
  change: (via: string) => string = (v) => v,
): string =>
  [
    `SIP/2.0 ${status} Whatever`,
    `Via: ${change(header(request, 'Via') ?? '')}`,
    ...['From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(request, name)}`),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

export function outcomes(): { list: Outcome[]; on: (outcome: Outcome) => void } {
  const list: Outcome[] = []
  return { list, on: (outcome) => list.push(outcome) }
}
