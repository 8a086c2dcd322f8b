import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { Issued } from '../../support/certificates.ts'
import { until } from '../../support/patient-clock.ts'

/** What a client says of itself in TLS. Whom it believes does not matter here. */
export interface ClientTls {
  readonly shows?: Issued | undefined
  readonly options?: ConnectionOptions
}

const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

export interface HeaderWish {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly version?: string | undefined
  readonly namespace?: string
}

export const headerText = ({ from, to, version, namespace = 'jabber:server' }: HeaderWish): string => {
  const attribute = (name: string, value: string | undefined): string =>
    value === undefined ? '' : ` ${name}='${value}'`
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${namespace}' xmlns:stream='http://etherx.jabber.org/streams'` +
    ` xmlns:db='jabber:server:dialback'${attribute('from', from)}${attribute('to', to)}${attribute('version', version)}>`
  )
}

/** Another server as octets: says just what the test has it say, and shows what came. */
export class RawClient {
  #socket: Socket
  /** What came and was not taken yet. */
  #text = ''
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#watch(socket)
    onTestFinished(() => this.destroy())
  }

  static async connect(port: number, localAddress?: string): Promise<RawClient> {
    const socket = connect({
      port,
      host: '127.0.0.1',
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  static async connectTls(port: number, tls: ClientTls = {}): Promise<RawClient> {
    const socket = tlsConnect({ port, host: '127.0.0.1', ...optionsOf(tls) })
    const client = new RawClient(socket)
    await once(socket, 'secureConnect')
    return client
  }

  get closed(): boolean {
    return this.#closed
  }

  /** What came and was not taken. */
  get text(): string {
    return this.#text
  }

  get tls(): TLSSocket {
    return this.#socket as TLSSocket
  }

  send(text: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(text)
  }

  /** Waits for it, and takes everything up to it. */
  async take(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null
    try {
      await until(() => {
        found = pattern.exec(this.#text)
        return found !== null
      })
    } catch {
      throw new Error(`no ${pattern} in ${JSON.stringify(this.#text)}${this.#closed ? ', closed' : ''}`)
    }
    const match = found as unknown as RegExpExecArray
    this.#text = this.#text.slice(match.index + match[0].length)
    return match
  }

  /** Sends a header and takes the other one, with its features if it has a version. @returns the id of the stream */
  async open(wish: HeaderWish): Promise<string> {
    this.send(headerText({ version: '1.0', ...wish }))
    const header = await this.take(/<stream:stream [^>]*>/)
    return /\bid="([^"]+)"/.exec(header[0])?.[1] ?? ''
  }

  async features(): Promise<string> {
    return (await this.take(/<stream:features[^>]*?(?:\/>|>.*?<\/stream:features>)/))[0]
  }

  /** The error that ends the stream, its condition. */
  async error(): Promise<string> {
    const match = await this.take(
      /<stream:error><([a-z-]+) xmlns="urn:ietf:params:xml:ns:xmpp-streams"\/>.*?<\/stream:error><\/stream:stream>/,
    )
    return match[1] as string
  }

  async ended(): Promise<void> {
    await until(() => this.#closed)
  }

  /** Asks for TLS and begins it. */
  async startTls(tls: ClientTls = {}): Promise<void> {
    this.send(STARTTLS)
    await this.take(/<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/>/)
    await this.shakeHands(tls)
  }

  async shakeHands(tls: ClientTls = {}): Promise<void> {
    const plain = this.#socket
    plain.removeAllListeners('data')
    const socket = tlsConnect({ socket: plain, ...optionsOf(tls) })
    this.#socket = socket
    this.#watch(socket)
    await once(socket, 'secureConnect')
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #watch(socket: Socket): void {
    socket.on('data', (chunk) => {
      this.#text += chunk.toString('utf8')
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (socket === this.#socket) this.#closed = true
    })
  }
}

const optionsOf = ({ shows, options }: ClientTls): ConnectionOptions => ({
  rejectUnauthorized: false,
  ...(shows === undefined ? {} : { cert: shows.cert, key: shows.key }),
  ...options,
})
