import { createServer, type Server, type Socket } from 'node:net'

export interface XmppServerEvents {
  /** The component has authenticated. */
  up(): void
  /** A message stanza of the component: `text[from]` to `text[to - 1]`. */
  message(text: string, from: number, to: number): void
  presence?(text: string, from: number, to: number): void
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)')`)
    .exec(tag)
    ?.slice(1)
    .find((value) => value !== undefined)

/**
 * The server's end of XEP-0114, as far as a benchmark needs it: takes any handshake, routes what is addressed to the
 * component's own domain back to it (as a server does, so that its pings to itself come back), answers other queries,
 * and hands out messages. It finds stanzas by `indexOf`, because the peer is known to write them plainly.
 */
export class XmppServer {
  /** Stanzas that were routed back or answered. */
  queries = 0
  readonly #server: Server
  readonly #domain: string
  readonly #events: XmppServerEvents
  #component: Socket | undefined
  #rest = ''
  #authenticated = false
  readonly #batch = Buffer.allocUnsafe(1 << 20)
  #filled = 0

  constructor(domain: string, events: XmppServerEvents) {
    this.#domain = domain
    this.#events = events
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  }

  /** Takes a copy; it leaves with the next `flush`, or when the batch is full. */
  send(stanza: Buffer): void {
    if (this.#filled + stanza.length > this.#batch.length) this.flush()
    stanza.copy(this.#batch, this.#filled)
    this.#filled += stanza.length
  }

  flush(): void {
    if (this.#filled === 0) return
    this.#component?.write(Buffer.from(this.#batch.subarray(0, this.#filled)))
    this.#filled = 0
  }

  close(): void {
    this.#component?.end('</stream:stream>')
    this.#server.close()
  }

  #accept(socket: Socket): void {
    this.#component = socket
    this.#authenticated = false
    this.#rest = ''
    socket.on('error', (error) => process.stderr.write(`load generator: component link: ${error.message}\n`))
    socket.on('data', (bytes) => this.#read(socket, bytes.toString('latin1')))
  }

  #read(socket: Socket, chunk: string): void {
    const text = this.#rest === '' ? chunk : this.#rest + chunk
    if (this.#authenticated) {
      this.#rest = text.slice(this.#stanzas(socket, text))
      return
    }
    this.#rest = text
    if (!this.#rest.includes('</handshake>')) {
      const header = /<stream:stream\s[^>]*>$/.exec(this.#rest)
      if (header === null) return
      socket.write(
        `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
          `xmlns:stream='http://etherx.jabber.org/streams' from='${this.#domain}' id='bench-1'>`,
      )
      return
    }
    socket.write('<handshake/>')
    this.#authenticated = true
    this.#rest = ''
    this.#events.up()
  }

  /** Reads whole stanzas; returns where the unfinished rest begins. */
  #stanzas(socket: Socket, text: string): number {
    let at = 0
    for (;;) {
      const start = text.indexOf('<', at)
      if (start < 0) return text.length
      if (text.startsWith('<message', start)) {
        const end = text.indexOf('</message>', start)
        if (end < 0) return start
        at = end + 10
        this.#events.message(text, start, at)
        continue
      }
      if (text.startsWith('</stream:stream>', start)) {
        socket.end('</stream:stream>')
        return text.length
      }
      const end = endOfElement(text, start)
      if (end < 0) return start
      at = end
      if (text.startsWith('<iq', start)) this.#query(socket, text.slice(start, end))
      else if (text.startsWith('<presence', start)) this.#events.presence?.(text, start, end)
    }
  }

  #query(socket: Socket, stanza: string): void {
    const tag = stanza.slice(0, stanza.indexOf('>') + 1)
    const to = attribute(tag, 'to')
    const type = attribute(tag, 'type')
    this.queries++
    if (to === this.#domain) socket.write(stanza, 'latin1')
    else if (type === 'get' || type === 'set') {
      const id = attribute(tag, 'id') ?? ''
      socket.write(`<iq type='result' id='${id}' from='${to}' to='${attribute(tag, 'from')}'/>`, 'latin1')
    }
  }
}

/** Where the element that begins at `start` ends, -1 if it is not all there. */
function endOfElement(text: string, start: number): number {
  const tagEnd = text.indexOf('>', start)
  if (tagEnd < 0) return -1
  if (text[tagEnd - 1] === '/') return tagEnd + 1
  const name = /^<([^\s/>]+)/.exec(text.slice(start, tagEnd))?.[1] ?? ''
  const close = text.indexOf(`</${name}>`, tagEnd)
  return close < 0 ? -1 : close + name.length + 3
}
