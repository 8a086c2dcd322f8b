import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** The server's side of a component port, told what to say. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  /** Connections made so far. */
  readonly connections: number
  /** Everything that was read, over all connections. */
  readonly read: string
  readonly socket: Socket | undefined
}

export const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32'>"

/** `reply` gets what came in and answers with what to write. */
export async function scriptedServer(reply: (text: string, socket: Socket) => void): Promise<ScriptedServer> {
  let connections = 0
  let read = ''
  let current: Socket | undefined
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    connections++
    current = socket
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      const text = chunk.toString()
      read += text
      reply(text, socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    get read() {
      return read
    },
    get socket() {
      return current
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Lets every component in. */
export const welcome = (text: string, socket: Socket): void => {
  if (text.includes('<stream:stream')) socket.write(HEADER)
  if (text.includes('<handshake>')) socket.write('<handshake/>')
  if (text.includes('</stream:stream>')) socket.end('</stream:stream>')
}
