import {
  DigestAuthentication,
  type IncomingMessageRequest,
  type IncomingRequestMessage,
  IncomingResponseMessage,
  type Logger,
  LoggerFactory,
  type OutgoingRequestMessage,
  Parser,
  URI,
  UserAgentCore,
} from 'sip.js/lib/core/index.js'
import type { TlsIdentity } from './identity.ts'
import { Inbox } from './inbox.ts'
import { freePorts } from './ports.ts'
import { type IncomingCall, incomingCall, type OutgoingCall, outgoingCall, SDP } from './sip-call.ts'
import {
  bodyOf,
  finalAnswer,
  parseUri,
  type ReceivedSipMessage,
  receivedMessage,
  type SipAnswer,
  type SipBody,
  shown,
} from './sip-request.ts'
import {
  type IncomingSubscription,
  incomingSubscription,
  type OutgoingSubscription,
  outgoingSubscription,
} from './sip-subscription.ts'
import { type Frame, type Hop, type Protocol, SipSockets } from './sip-transport.ts'

export type { Frame, Hop, Protocol, ReceivedSipMessage, SipAnswer }

export interface SipUserAgentOptions {
  /** The address-of-record, as `sip:romeo@sip.example`. */
  readonly uri: string
  readonly displayName?: string
  /** For a digest (MD5), where it is challenged. */
  readonly password?: string
  /** Where requests go; 127.0.0.1 and UDP unless told. Without it, where their Route or URI says. */
  readonly nextHop?: Partial<Hop> & { readonly port: number }
  /** Where it listens; 127.0.0.1 unless told. */
  readonly address?: '127.0.0.1' | '::1'
  /** Port for UDP and TCP alike; a free one unless told. */
  readonly port?: number
  /** A TLS listener as well, and what it shows to servers. `name` stands in Via and Contact. */
  readonly tls?: TlsIdentity & { readonly name: string }
  /** `own`: 404 for every other user part, as a phone does. `any` stands for a home server; it is the default. */
  readonly users?: 'own' | 'any'
}

export interface OutgoingSipRequest {
  /** Request-URI and To. */
  readonly to: string
  readonly body?: SipBody
  /** From, where it is not this user agent's own address. */
  readonly from?: string
  readonly callId?: string
  /** Whole header lines, as `Subject: dinner`. */
  readonly headers?: readonly string[]
  readonly nextHop?: Hop
}

export interface OutgoingSipMessage extends Omit<OutgoingSipRequest, 'body'> {
  readonly body: string
  readonly contentType?: string
}

export interface OutgoingSipSubscribe extends OutgoingSipRequest {
  /** Event package; presence unless told. */
  readonly event?: string
  /** Seconds; 3600 unless told. */
  readonly expires?: number
}

/** A final status, with header lines if wanted; or `silence`, which lets the sender's transaction run out. */
export type Answering = number | 'silence' | { readonly status: number; readonly headers?: readonly string[] }

export interface SipUserAgent extends AsyncDisposable {
  readonly uri: string
  readonly port: number
  readonly tlsPort: number
  /** MESSAGE requests received, each transaction once. */
  readonly messages: Inbox<ReceivedSipMessage>
  /** INVITE requests outside a dialog; nobody answers them unless told. */
  readonly calls: Inbox<IncomingCall>
  /** SUBSCRIBE requests outside a dialog; nobody answers them unless told. */
  readonly subscriptions: Inbox<IncomingSubscription>
  /** Every SIP message received, as bytes, retransmissions and responses included. */
  readonly frames: Inbox<Frame>
  /** What sip.js could not read, and what failed on the sockets. */
  readonly errors: readonly string[]
  /** Resolves with the final answer; after 32 s without one with 408, as RFC 3261 §8.1.3.1 wants. */
  message(message: OutgoingSipMessage): Promise<SipAnswer>
  options(to: string, nextHop?: Hop): Promise<SipAnswer>
  /** Any other request outside a dialog, as PUBLISH or REFER. */
  request(method: string, request: OutgoingSipRequest): Promise<SipAnswer>
  /** INVITE with an offer. */
  call(request: OutgoingSipRequest): OutgoingCall
  subscribe(request: OutgoingSipSubscribe): OutgoingSubscription
  /** REGISTER at its own domain, for so many seconds (3600 unless told, 0: no longer). */
  register(expires?: number): Promise<SipAnswer>
  /** Sends bytes as they are; answers are found in `frames`. */
  raw(bytes: Buffer | string, nextHop?: Hop): Promise<void>
  /** How the MESSAGE requests from now on are answered; 200 unless told. */
  answer(how: Answering | ((message: ReceivedSipMessage) => Answering | Promise<Answering>)): void
  dropConnections(): void
}

/**
 * An independent SIP user agent: the core of sip.js over UDP, TCP and TLS on loopback. OPTIONS are answered by the core.
 * It repeats no request over UDP.
 */
export async function startSipUserAgent(options: SipUserAgentOptions): Promise<SipUserAgent> {
  const aor = parseUri(options.uri)
  const messages = new Inbox<ReceivedSipMessage>(options.uri, shown)
  const calls = new Inbox<IncomingCall>(`${options.uri}: calls`, ({ request }) => shown(request))
  const subscriptions = new Inbox<IncomingSubscription>(`${options.uri}: subscriptions`, ({ request }) =>
    shown(request),
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
  const [free, tlsPort] = (await freePorts(2)) as [number, number]
  const port = options.port ?? free
  const sockets = await SipSockets.listen(
    { address, port, tlsPort, ...(options.tls && { identity: options.tls }) },
    (frame) => {
      frames.push(frame)
      receive(frame)
    },
    (error) => errors.push(error.message),
  )
  const defaultHop: Hop | undefined = options.nextHop && {
    host: '127.0.0.1',
    transport: 'udp',
    ...options.nextHop,
  }
  const hops = new Map<string, Hop>()
  const hopOf = (protocol: Protocol) => (message: string) => {
    const hop = hops.get(callIdIn(message)) ?? proxyFor(protocol, defaultHop) ?? hopIn(message, protocol)
    if (hop === undefined) throw new Error(`${options.uri} has no next hop for\n${message}`)
    return hop
  }
  const core = (protocol: Protocol): UserAgentCore => {
    const transport = sockets.transport(protocol, hopOf(protocol))
    const [name, own] = protocol === 'tls' ? [options.tls?.name ?? host, tlsPort] : [host, port]
    const parameters = protocol === 'udp' ? {} : { transport: protocol }
    return new UserAgentCore(
      {
        aor,
        contact: contactOf(new URI('sip', aor.user ?? '', name, own, parameters)),
        displayName: options.displayName ?? '',
        loggerFactory: loggers,
        hackViaTcp: false,
        routeSet: [],
        sipjsId: Math.random().toString(36).slice(2, 7),
        supportedOptionTags: [],
        supportedOptionTagsResponse: [],
        userAgentHeaderFieldValue: 'sip.js test peer',
        viaForceRport: true,
        viaHost: `${name}:${own}`,
        authenticationFactory: () =>
          options.password === undefined
            ? undefined
            : new DigestAuthentication(loggers, undefined, aor.user ?? '', options.password),
        transportAccessor: () => transport,
      },
      {
        onMessage: (request) =>
          answerTo(request, protocol).catch((error: Error) => errors.push(error.message)),
        onInvite: (request) => calls.push(incomingCall(request, ownerOf(protocol))),
        onSubscribe: (request) =>
          subscriptions.push(incomingSubscription(cores[protocol], request, options.uri, protocol)),
        onRefer: (request) => request.accept({ statusCode: 202 }),
      },
    )
  }
  const cores = { udp: core('udp'), tcp: core('tcp'), tls: core('tls') }

  const ownerOf = (protocol: Protocol) => ({
    uri: options.uri,
    protocol,
    contact: cores[protocol].configuration.contact.toString(),
  })

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
    const received = receivedMessage(request.message, protocol, bodyBytesOf(current))
    messages.push(received)
    const how = typeof answering === 'function' ? await answering(received) : answering
    if (how === 'silence') return
    const { status, headers = [] } = typeof how === 'number' ? { status: how } : how
    const response = { statusCode: status, extraHeaders: [...headers] }
    if (status < 300) request.accept(response)
    else request.reject(response)
  }

  function prepared(
    method: string,
    outgoing: OutgoingSipRequest,
    headersOf: (core: UserAgentCore) => readonly string[] = () => [],
  ): {
    readonly core: UserAgentCore
    readonly message: OutgoingRequestMessage
    readonly transport: Protocol
  } {
    const to = parseUri(outgoing.to)
    const from = outgoing.from === undefined ? aor : parseUri(outgoing.from)
    const target = outgoing.nextHop ?? defaultHop
    if (target === undefined) throw new Error(`${options.uri} has no next hop`)
    const core = cores[target.transport]
    const message = core.makeOutgoingRequestMessage(
      method,
      to,
      from,
      to,
      outgoing.callId === undefined ? {} : { callId: outgoing.callId },
      [...headersOf(core), ...(outgoing.headers ?? [])],
      outgoing.body && bodyOf(outgoing.body),
    )
    hops.set(message.callId, target)
    return { core, message, transport: target.transport }
  }

  function request(method: string, outgoing: OutgoingSipRequest): Promise<SipAnswer> {
    const { core, message } = prepared(method, outgoing)
    return finalAnswer((delegate) => core.request(message, delegate))
  }

  const withContact = (core: UserAgentCore): readonly string[] => [
    `Contact: ${core.configuration.contact.toString()}`,
  ]

  return {
    uri: options.uri,
    port,
    tlsPort,
    messages,
    calls,
    subscriptions,
    frames,
    errors,
    message: ({ body, contentType = 'text/plain;charset=UTF-8', ...outgoing }) =>
      request('MESSAGE', { ...outgoing, ...(body !== '' && { body: { type: contentType, text: body } }) }),
    options: (to, nextHop) => request('OPTIONS', { to, ...(nextHop && { nextHop }) }),
    request,
    call(outgoing) {
      const { core, message, transport } = prepared('INVITE', { body: SDP, ...outgoing }, withContact)
      return outgoingCall(ownerOf(transport), (delegate) => core.invite(message, delegate))
    },
    subscribe({ event = 'presence', expires = 3600, ...outgoing }) {
      const { core, message, transport } = prepared('SUBSCRIBE', outgoing, (own) => [
        ...withContact(own),
        `Event: ${event}`,
        `Expires: ${expires}`,
      ])
      return outgoingSubscription(options.uri, transport, (delegate) => core.subscribe(message, delegate))
    },
    register(expires = 3600) {
      const { core, message } = prepared('REGISTER', { to: options.uri }, (own) => [
        ...withContact(own),
        `Expires: ${expires}`,
      ])
      message.setHeader('to', `<${options.uri}>`)
      return finalAnswer((delegate) => core.register(message, delegate))
    },
    async raw(bytes, nextHop = defaultHop) {
      if (nextHop === undefined) throw new Error(`${options.uri} has no next hop`)
      await sockets.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, nextHop)
    },
    answer(how) {
      answering = how
    },
    dropConnections: () => sockets.dropConnections(),
    async [Symbol.asyncDispose]() {
      for (const core of Object.values(cores)) core.dispose()
      for (const inbox of [messages, calls, subscriptions, frames]) inbox.close('the user agent was closed')
      await sockets[Symbol.asyncDispose]()
    },
  }
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

function bodyBytesOf(frame: Frame | undefined): Buffer {
  const head = frame?.bytes.indexOf('\r\n\r\n') ?? -1
  return frame && head >= 0 ? frame.bytes.subarray(head + 4) : Buffer.alloc(0)
}

function callIdIn(message: string): string {
  return /^(?:call-id|i)\s*:\s*(\S+)/im.exec(message)?.[1] ?? ''
}

/** The proxy that is set, over the transport of a dialog; UDP and TCP share a port. */
function proxyFor(protocol: Protocol, proxy: Hop | undefined): Hop | undefined {
  if (proxy === undefined || proxy.transport === protocol) return proxy
  return proxy.transport === 'tls' || protocol === 'tls' ? undefined : { ...proxy, transport: protocol }
}

/** Where the topmost Route or else the Request-URI says (RFC 3261 §8.1.2), if that is an address. */
function hopIn(message: string, transport: Protocol): Hop | undefined {
  const route =
    /^route\s*:[^\r\n]*?(<[^>]*>)/im.exec(message)?.[1] ?? message.slice(0, message.indexOf('\r\n'))
  const [, host, port] = /sips?:(?:[^@>\s]*@)?(\d+(?:\.\d+){3}|\[[\d:a-f]+\]):(\d+)/i.exec(route) ?? []
  return host === undefined ? undefined : { host: host.replace(/[[\]]/g, ''), port: Number(port), transport }
}
