import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls, createServer } from 'node:tls'
import { messageTemplate } from './message-template.ts'
import { edgeOf, type ProviderLoad, providerUser, SIP_DOMAIN, sipUser } from './run.ts'
import { Batch, okTo, readMessages } from './sip-peer.ts'
import { pem } from './tls-peer.ts'

export interface Trouble {
  /** Where the provider is that takes connections and reads nothing, or answers. */
  readonly deafPort: number
  /** Starts with the peers that connect to the gateway, once it is there. */
  open(): void
  /** The next one of each kind says what it has to say. */
  step(): void
  close(): void
}

/**
 * Peers that are a nuisance, `trouble` of each kind: one that sends a byte of an endless head now and then; one that
 * sends requests and reads no answer; one that begins a TLS handshake and leaves it there; and a server that takes
 * connections and reads nothing from them.
 *
 * Or, where they are to behave, the same number of peers that do as much without being one: one that pings, one that reads
 * its answers, one that finishes its handshake, and a server that answers. What those cost is the price of their traffic.
 */
export async function trouble(provider: ProviderLoad): Promise<Trouble> {
  const sockets = new Set<Socket>()
  const keep = <S extends Socket>(socket: S): S => {
    sockets.add(socket)
    // What the gateway cuts off stays off.
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const { behaved } = provider
  const deaf = createServer({ ...pem(provider.deafFiles), requestCert: true }, (socket) => {
    keep(socket)
    if (behaved) answering(socket)
    else socket.pause()
  })
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))

  // Each with an address of its own: this is not about what one address may have.
  const to = (n: number) => ({
    ...{ host: '127.0.0.1', port: provider.gatewayPort },
    localAddress: `127.0.2.${n + 1}`,
  })
  const secure = (n: number) =>
    keep(connectTls({ ...to(n), ...pem(provider.files), servername: edgeOf(SIP_DOMAIN) }))
  const unread = messageTemplate({
    ...{ transport: 'tls', port: 9, bytes: 600, mark: '--' },
    ...{ sender: providerUser(0), recipient: sipUser(0) },
  })
  const dripping: Socket[] = []
  const sending: Socket[] = []
  let steps = 0
  const say = (sockets: readonly Socket[], what: string | Buffer): void => {
    const socket = sockets[steps % sockets.length]
    if (socket?.writable === true) socket.write(what)
  }
  return {
    deafPort: (deaf.address() as AddressInfo).port,
    open() {
      for (let n = 0; n < provider.trouble; n++) {
        const [one, other] = [secure(n), secure(n)]
        dripping.push(one)
        sending.push(other)
        if (behaved) for (const socket of [one, other, secure(n)]) socket.resume()
        else {
          one.write(`MESSAGE sip:${sipUser(0)} SIP/2.0\r\nSubject: `)
          keep(connect(to(n))).write(Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00))
        }
      }
    },
    step() {
      say(dripping, behaved ? '\r\n\r\n' : 'x')
      say(sending, Buffer.from(unread.stamp(steps)))
      steps++
    },
    close() {
      for (const socket of sockets) socket.destroy()
      deaf.close()
    },
  }
}

/** Every request gets its 200; those of one turn of the loop leave together. */
function answering(socket: Socket): void {
  const batch = new Batch(socket)
  readMessages(socket, batch.add, (text, from, body) => {
    batch.add(Buffer.from(okTo(text, from, body), 'latin1'))
    setImmediate(() => batch.flush())
  })
}
