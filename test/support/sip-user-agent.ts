import {
  Grammar,
  type IncomingMessageRequest,
  type IncomingRequestMessage,
  IncomingResponseMessage,
  type Logger,
  LoggerFactory,
  Parser,
  URI,
  UserAgentCore,
} from 'sip.js/lib/core/index.js'
import { Inbox } from './inbox.ts'
import { freePort } from './ports.ts'
import { type Frame, type Hop, type Protocol, SipSockets } from './sip-transport.ts'

export type { Frame, Hop, Protocol }

export interface SipUserAgentOptions {
  /** The address-of-record, as `sip:romeo@sip.example`. */
  readonly uri: string
  readonly displayName?: string
  /** Where requests go. Host 127.0.0.1 and UDP unless told. */
  readonly nextHop?: { readonly host?: string; readonly port: number; readonly transport?: Protocol }
  /** Where it listens; 127.0.0.1 unless told. */
  readonly address?: '127.0.0.1' | '::1'
  /** Port for UDP and TCP alike; a free one unless told. */
  readonly port?: number
  /** `own`: 404 for every other user part, as a phone does. `any` stands for a home server; it is the default. */
  readonly users?: 'own' | 'any'
}

export interface OutgoingSipMessage {
  /** Request-URI and To. */
  readonly to: string
  readonly body: string
  readonly contentType?: string
  /** From, where it is not this user agent's own address. */
  readonly from?: string
  readonly callId?: string
  /** Whole header lines, as `Subject: dinner`. */
  readonly headers?: readonly string[]
  readonly nextHop?: Hop
}

export interface SipAnswer {
  readonly status: number
  readonly reason: string
  header(name: string): string | undefined
}

export interface ReceivedSipMessage {
  readonly transport: Protocol
  readonly requestUri: string
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly contentType: string
  /** Decoded as UTF-8. */
  readonly body: string
  readonly bodyBytes: Buffer
  /** Every value of that name, in order. */
  headers(name: string): readonly string[]
}

/** A final status, with header lines if wanted; or `silence`, which lets the sender's transaction run out. */
export type Answering = number | 'silence' | { readonly status: number; readonly headers?: readonly string[] }

export interface SipUserAgent extends AsyncDisposable {
  readonly uri: string
  readonly port: number
  /** MESSAGE requests received, each transaction once. */
  readonly messages: Inbox<ReceivedSipMessage>
  /** Every SIP message received, as bytes, retransmissions and responses included. */
  readonly frames: Inbox<Frame>
  /** What sip.js could not read, and what failed on the sockets. */
  readonly errors: readonly string[]
  /** Resolves with the final answer; after 32 s without one with 408, as RFC 3261 §8.1.3.1 wants. */
  message(message: OutgoingSipMessage): Promise<SipAnswer>
  options(to: string, nextHop?: Hop): Promise<SipAnswer>
  /** Sends bytes as they are; answers are found in `frames`. */
  raw(bytes: Buffer | string, nextHop?: Hop): Promise<void>
  /** How the MESSAGE requests from now on are answered; 200 unless told. */
  answer(how: Answering | ((message: ReceivedSipMessage) => Answering | Promise<Answering>)): void
  dropConnections(): void
}

/** An independent SIP user agent: the core of sip.js over UDP and TCP on loopback. OPTIONS are answered by the core. */
export async function startSipUserAgent(options: SipUserAgentOptions): Promise<SipUserAgent> {
  const aor = parseUri(options.uri)
  const messages = new Inbox<ReceivedSipMessage>(
    options.uri,
    (m) => `MESSAGE from ${m.from}: ${m.body.slice(0, 200)}`,
  )
  const frames = new Inbox<Frame>(
    `${options.uri} on the wire`,
    (frame) => `${frame.transport} ${frame.text.slice(0, 400)}`,
  )
  const errors: string[] = []
  const loggers = quietLoggers(errors)
  const logger = loggers.getLogger('test.transport')
  let answering: Answering | ((message: ReceivedSipMessage) => Answering | Promise<Answering>) = 200

  const address = options.address ?? '127.0.0.1'
  const host = address === '::1' ? '[::1]' : address
  const sockets = await SipSockets.listen(
    address,
    options.port ?? (await freePort()),
    (frame) => {
      frames.push(frame)
      receive(frame)
    },
    (error) => errors.push(error.message),
  )
  const viaHost = `${host}:${sockets.port}`
  const defaultHop: Hop | undefined = options.nextHop && {
    host: '127.0.0.1',
    transport: 'udp',
    ...options.nextHop,
  }

  let hop: Hop | undefined
  const currentHop = (): Hop => {
    if (hop === undefined) throw new Error(`${options.uri} has no next hop`)
    return hop
  }
  const core = (protocol: Protocol): UserAgentCore =>
    new UserAgentCore(
      {
        aor,
        contact: contactOf(new URI('sip', aor.user ?? '', host, sockets.port)),
        displayName: options.displayName ?? '',
        loggerFactory: loggers,
        hackViaTcp: false,
        routeSet: [],
        sipjsId: Math.random().toString(36).slice(2, 7),
        supportedOptionTags: [],
        supportedOptionTagsResponse: [],
        userAgentHeaderFieldValue: 'sip.js test peer',
        viaForceRport: true,
        viaHost,
        authenticationFactory: () => undefined,
        transportAccessor: () => transports[protocol],
      },
      {
        onMessage: (request) =>
          answerTo(request, protocol).catch((error: Error) => errors.push(error.message)),
      },
    )
  const transports = { udp: sockets.transport('udp', currentHop), tcp: sockets.transport('tcp', currentHop) }
  const cores = { udp: core('udp'), tcp: core('tcp') }

  // The core hands a request on within the call that brings it in, so the frame is this request's.
  let current: Frame | undefined
  function receive(frame: Frame): void {
    current = frame
    const message = parse(frame, logger)
    if (message === undefined) {
      if (frame.text.trim() !== '') errors.push(`unreadable: ${frame.text}`)
      return
    }
    const receiver = cores[frame.transport]
    if (message instanceof IncomingResponseMessage) {
      receiver.receiveIncomingResponseFromTransport(message)
      return
    }
    // The core answers 404 where the user part of the Request-URI is not the configured one.
    receiver.configuration.aor = options.users === 'own' || message.ruri === undefined ? aor : message.ruri
    receiver.receiveIncomingRequestFromTransport(message)
  }

  async function answerTo(request: IncomingMessageRequest, protocol: Protocol): Promise<void> {
    const received = receivedMessage(request.message, protocol, bodyOf(current))
    messages.push(received)
    const how = typeof answering === 'function' ? await answering(received) : answering
    if (how === 'silence') return
    const { status, headers = [] } = typeof how === 'number' ? { status: how } : how
    const response = { statusCode: status, extraHeaders: [...headers] }
    if (status < 300) request.accept(response)
    else request.reject(response)
  }

  function request(method: string, outgoing: OutgoingSipMessage): Promise<SipAnswer> {
    const to = parseUri(outgoing.to)
    const from = outgoing.from === undefined ? aor : parseUri(outgoing.from)
    const target = outgoing.nextHop ?? defaultHop
    if (target === undefined) throw new Error(`${options.uri} has no next hop`)
    const sender = cores[target.transport]
    const body = {
      contentDisposition: 'render',
      contentType: outgoing.contentType ?? 'text/plain;charset=UTF-8',
      content: outgoing.body,
    }
    const message = sender.makeOutgoingRequestMessage(
      method,
      to,
      from,
      to,
      outgoing.callId === undefined ? {} : { callId: outgoing.callId },
      [...(outgoing.headers ?? [])],
      outgoing.body === '' ? undefined : body,
    )
    return new Promise((resolve) => {
      const end = ({ message: response }: { message: IncomingResponseMessage }): void =>
        resolve(answerOf(response))
      // The core sends within this call, so the hop is this request's.
      hop = target
      const delegate = { onAccept: end, onReject: end, onRedirect: end }
      if (method === 'MESSAGE') sender.message(message, delegate)
      else sender.request(message, delegate)
      hop = undefined
    })
  }

  return {
    uri: options.uri,
    port: sockets.port,
    messages,
    frames,
    errors,
    message: (outgoing) => request('MESSAGE', outgoing),
    options: (to, nextHop) => request('OPTIONS', { to, body: '', ...(nextHop && { nextHop }) }),
    async raw(bytes, nextHop = defaultHop) {
      if (nextHop === undefined) throw new Error(`${options.uri} has no next hop`)
      await sockets.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, nextHop)
    },
    answer(how) {
      answering = how
    },
    dropConnections: () => sockets.dropConnections(),
    async [Symbol.asyncDispose]() {
      cores.udp.dispose()
      cores.tcp.dispose()
      messages.close('the user agent was closed')
      frames.close('the user agent was closed')
      await sockets[Symbol.asyncDispose]()
    },
  }
}

function parseUri(text: string): URI {
  const uri = Grammar.URIParse(text)
  if (uri === undefined) throw new Error(`sip.js cannot read the URI ${text}`)
  return uri
}

function parse(frame: Frame, logger: Logger): IncomingRequestMessage | IncomingResponseMessage | undefined {
  return frame.text.trim() === '' ? undefined : Parser.parseMessage(frame.text, logger)
}

function contactOf(uri: URI) {
  return { uri, pubGruu: undefined, tempGruu: undefined, toString: () => `<${uri.toString()}>` }
}

function quietLoggers(errors: string[]): LoggerFactory {
  const factory = new LoggerFactory()
  factory.builtinEnabled = false
  factory.connector = (level, category, _label, content) => {
    if (level === 'error') errors.push(`${category}: ${content}`)
  }
  return factory
}

function answerOf(response: IncomingResponseMessage): SipAnswer {
  return {
    status: response.statusCode ?? 0,
    reason: response.reasonPhrase ?? '',
    header: (name) => response.getHeader(name),
  }
}

function bodyOf(frame: Frame | undefined): Buffer {
  const head = frame?.bytes.indexOf('\r\n\r\n') ?? -1
  return frame && head >= 0 ? frame.bytes.subarray(head + 4) : Buffer.alloc(0)
}

function receivedMessage(
  message: IncomingRequestMessage,
  transport: Protocol,
  bodyBytes: Buffer,
): ReceivedSipMessage {
  return {
    transport,
    requestUri: message.ruri?.toRaw() ?? '',
    from: message.from.uri.toRaw(),
    to: message.to.uri.toRaw(),
    callId: message.callId,
    cseq: message.cseq,
    contentType: message.getHeader('content-type') ?? '',
    body: message.body,
    bodyBytes,
    headers: (name) => message.getHeaders(name),
  }
}
