import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { connect as connectTls, type SecureVersion, TLSSocket } from 'node:tls'
import { type Element, Parser } from '@xmpp/xml'
import type { TlsIdentity } from './identity.ts'
import { Inbox, type NextOptions } from './inbox.ts'
import { conditionOf, type HeaderWish, headerText, NS } from './s2s-words.ts'

export interface StreamHeader {
  readonly from?: string
  readonly to?: string
  readonly id?: string
  readonly version?: string
  /** Is the prefix `db` that of dialback? */
  readonly dialback: boolean
}

export interface StreamTls {
  readonly protocol: string
  readonly cipher: string
  /** What the other side asked for by SNI; only where it is the client. */
  readonly servername: string | undefined
  readonly alpn: string | undefined
  /** What the other side showed. */
  readonly certificate: X509Certificate | undefined
  /** Was that issued by the authority in our identity's `ca` itself, is it in force, and has it that DNS name? */
  proves(domain: string): boolean
}

export interface TlsWish {
  /** Certificate and key to show, and the authority to believe. A client without one shows none. */
  readonly identity?: TlsIdentity
  /** Of the client: asked for by SNI. */
  readonly servername?: string
  readonly alpn?: readonly string[]
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  /** Of the server: whether it asks for the client's certificate. It does unless told. */
  readonly requestCert?: boolean
  /** Of the client: whether it shows its certificate. It does unless told. */
  readonly showsCertificate?: boolean
}

/** A stream error, an end or another element came where something was expected. */
export class UnexpectedOnStream extends Error {
  /** Of the stream error that came. */
  readonly condition: string | undefined
  constructor(
    message: string,
    options: { readonly condition?: string | undefined; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.condition = options.condition
  }
}

/**
 * One XMPP stream between servers, on either side, under the control of a test: it says what the test says, however wrong,
 * and keeps what comes. It never answers by itself.
 */
export class S2sStream implements AsyncDisposable {
  readonly name: string
  readonly direction: 'in' | 'out'
  /** The other side's children of the stream, `stream:features` and `stream:error` among them. */
  readonly elements: Inbox<Element>
  readonly headers: Inbox<StreamHeader>
  /** What crossed, in its order: `>` what we wrote, `<` what came, `·` what happened. */
  readonly transcript: string[] = []
  /** Resolves when the connection has gone. */
  readonly closed: Promise<void>
  tls: StreamTls | undefined
  /** It said `</stream:stream>`. */
  ended = false
  #socket: Socket
  #parser = new Parser()
  #read = (_: Buffer): void => {}
  readonly #tell: (element: Element) => void
  readonly #settleClosed: () => void

  /** @param tell is told of every element as it comes */
  constructor(name: string, direction: 'in' | 'out', socket: Socket, tell = (_: Element): void => {}) {
    this.name = name
    this.#tell = tell
    this.direction = direction
    this.elements = new Inbox(name, String)
    this.headers = new Inbox(`${name}, headers`, (header) => JSON.stringify(header))
    let settle = (): void => {}
    this.closed = new Promise((resolve) => {
      settle = resolve
    })
    this.#settleClosed = settle
    this.#socket = socket
    socket.setNoDelay(true)
    this.#attach(socket)
  }

  /** Of the other side. */
  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  /** Writes bytes as they are. Resolves when the kernel took them. */
  write(text: string | Uint8Array): Promise<void> {
    this.transcript.push(`> ${typeof text === 'string' ? text : `${text.length} octets`}`)
    return new Promise((resolve, reject) => {
      this.#socket.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Writes a few octets at a time, until all is written or the connection has gone. Resolves with how many were. */
  async drip(text: string, octets: number, everyMs: number): Promise<number> {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += octets) {
      if (this.#socket.destroyed || !this.#socket.writable) return at
      this.#socket.write(bytes.subarray(at, at + octets))
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    return bytes.length
  }

  /** From now on, a new document comes: after SASL, before its `<success/>` is answered. After TLS it is so by itself. */
  restart(): void {
    this.#parser = this.#reader()
  }

  open(wish: HeaderWish): Promise<void> {
    return this.write(headerText(wish))
  }

  /** The next stream header of the other side. */
  async header(options: NextOptions = {}): Promise<StreamHeader> {
    return await this.headers
      .next(undefined, { what: 'no stream header', ...options })
      .catch((cause) => this.#fail('no stream header', cause))
  }

  /** The next element, whatever it is. */
  async element(options: NextOptions = {}): Promise<Element> {
    return await this.elements
      .next(undefined, { what: 'no element', ...options })
      .catch((cause) => this.#fail('no element', cause))
  }

  /** The next element, which must have that name. */
  async expect(name: string, options: NextOptions & { readonly xmlns?: string } = {}): Promise<Element> {
    const element = await this.element({ what: `no <${name}>`, ...options })
    const right = element.getName() === name && (options.xmlns ?? element.getNS()) === element.getNS()
    if (right) return element
    return this.#fail(`expected <${name}>, and got ${element}`)
  }

  /** Waits for a stream error, whatever comes before it, and gives its condition. */
  async error(options: NextOptions = {}): Promise<string> {
    const error = await this.elements.next((element) => element.is('error', NS.streams), {
      what: 'no stream error',
      ...options,
    })
    return conditionOf(error) ?? ''
  }

  /** Client of a TLS handshake on this connection; afterwards a new document begins. */
  async tlsAsClient(wish: TlsWish): Promise<StreamTls> {
    const plain = this.#detach()
    const socket = connectTls({
      socket: plain,
      rejectUnauthorized: false,
      ...(wish.servername !== undefined && { servername: wish.servername }),
      ...(wish.alpn && { ALPNProtocols: [...wish.alpn] }),
      ...contextOf(wish),
    })
    return await this.#secure(socket, 'secureConnect', wish)
  }

  /** Server of a TLS handshake on this connection; afterwards a new document begins. */
  async tlsAsServer(wish: TlsWish & { readonly identity: TlsIdentity }): Promise<StreamTls> {
    const plain = this.#detach()
    const socket = new TLSSocket(plain, {
      isServer: true,
      requestCert: wish.requestCert ?? true,
      rejectUnauthorized: false,
      ...(wish.alpn && { ALPNProtocols: [...wish.alpn] }),
      ...contextOf(wish),
    })
    return await this.#secure(socket, 'secure', wish)
  }

  /** Asks for another handshake on a TLS 1.2 connection: the error, or none when the other side did it. */
  renegotiate(): Promise<Error | undefined> {
    const socket = this.#socket
    if (!(socket instanceof TLSSocket)) throw new Error(`${this.name} has no TLS`)
    return new Promise((resolve) => {
      socket.once('error', resolve)
      socket.once('close', () => resolve(new Error('the connection was closed')))
      socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error ?? undefined))
    })
  }

  /** `</stream:stream>`, and the end of what we write. */
  end(): void {
    this.transcript.push('> </stream:stream>')
    if (this.#socket.writable) this.#socket.end('</stream:stream>')
  }

  /** Stops reading: what the other side writes fills its buffers. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  report(): string {
    return this.transcript
      .slice(-30)
      .map((line) => `  ${line}`)
      .join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.writable) this.#socket.end('</stream:stream>')
    this.#socket.destroySoon()
    const timer = setTimeout(() => this.#socket.destroy(), 500)
    await this.closed
    clearTimeout(timer)
  }

  #attach(socket: Socket): void {
    this.#parser = this.#reader()
    const decoder = new StringDecoder('utf8')
    this.#read = (chunk) => {
      const text = decoder.write(chunk)
      this.transcript.push(`< ${text}`)
      this.#parser.write(text)
    }
    socket.on('data', this.#read)
    socket.on('error', (error) => this.transcript.push(`· ${error.message}`))
    socket.on('close', () => {
      if (socket !== this.#socket) return
      this.elements.close('the connection was closed')
      this.headers.close('the connection was closed')
      this.#settleClosed()
    })
  }

  #reader(): Parser {
    const parser = new Parser()
    parser.on('start', (root: Element) => this.headers.push(headerOf(root)))
    parser.on('element', (element: Element) => {
      this.elements.push(element)
      this.#tell(element)
    })
    parser.on('end', () => {
      this.ended = true
      this.elements.close('the stream was closed')
      this.headers.close('the stream was closed')
    })
    parser.on('error', (error: Error) => this.transcript.push(`· ${error.message}`))
    return parser
  }

  #detach(): Socket {
    this.#socket.off('data', this.#read)
    this.#socket.pause()
    return this.#socket
  }

  async #secure(socket: TLSSocket, event: string, wish: TlsWish): Promise<StreamTls> {
    this.#socket = socket
    this.#attach(socket)
    const gone = new AbortController()
    socket.once('close', () => gone.abort(new Error('the connection was closed during the TLS handshake')))
    await once(socket, event, { signal: gone.signal })
    const certificate = socket.getPeerX509Certificate()
    this.tls = {
      protocol: socket.getProtocol() ?? '',
      cipher: socket.getCipher().name,
      servername: this.direction === 'in' ? servernameOf(socket) : undefined,
      alpn: socket.alpnProtocol || undefined,
      certificate,
      proves: (domain) => certificate !== undefined && proves(certificate, domain, wish.identity),
    }
    this.transcript.push(`· ${this.tls.protocol}`)
    return this.tls
  }

  #fail(what: string, cause?: unknown): never {
    const error = this.elements.all.find((element) => element.is('error', NS.streams))
    const condition = error && conditionOf(error)
    throw new UnexpectedOnStream(`${this.name}: ${what}\n${this.report()}`, { condition, cause })
  }
}

function proves(certificate: X509Certificate, domain: string, identity: TlsIdentity | undefined): boolean {
  if (identity === undefined) return false
  const authority = new X509Certificate(identity.ca)
  const now = Date.now()
  return (
    certificate.checkIssued(authority) &&
    certificate.verify(authority.publicKey) &&
    Date.parse(certificate.validFrom) <= now &&
    now <= Date.parse(certificate.validTo) &&
    certificate.checkHost(domain, { subject: 'never' }) !== undefined
  )
}

const contextOf = ({ identity, showsCertificate = true, minVersion, maxVersion }: TlsWish): object => ({
  ...(identity && { ca: identity.ca }),
  ...(identity && showsCertificate && { cert: identity.cert, key: identity.key }),
  ...(minVersion && { minVersion }),
  ...(maxVersion && { maxVersion }),
})

/** Missing in @types/node 20 for sockets of the server. */
const servernameOf = (socket: TLSSocket): string | undefined =>
  (socket as { servername?: string | false }).servername || undefined

function headerOf(root: Element): StreamHeader {
  const { from, to, id, version } = root.attrs as Record<string, string | undefined>
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(id !== undefined && { id }),
    ...(version !== undefined && { version }),
    dialback: root.attrs['xmlns:db'] === NS.dialback,
  }
}
