import {
  Grammar,
  type IncomingRequestMessage,
  type IncomingResponse,
  type IncomingResponseMessage,
  type OutgoingRequestDelegate,
  type URI,
} from 'sip.js/lib/core/index.js'
import type { Protocol } from './sip-transport.ts'

export interface SipAnswer {
  readonly status: number
  readonly reason: string
  header(name: string): string | undefined
}

export interface ReceivedSipMessage {
  readonly method: string
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

export interface SipBody {
  readonly type: string
  readonly text: string
}

export function parseUri(text: string): URI {
  const uri = Grammar.URIParse(text)
  if (uri === undefined) throw new Error(`sip.js cannot read the URI ${text}`)
  return uri
}

export function answerOf(response: IncomingResponseMessage): SipAnswer {
  return {
    status: response.statusCode ?? 0,
    reason: response.reasonPhrase ?? '',
    header: (name) => response.getHeader(name),
  }
}

export function receivedMessage(
  message: IncomingRequestMessage,
  transport: Protocol,
  bodyBytes: Buffer = Buffer.from(message.body),
): ReceivedSipMessage {
  return {
    method: message.method,
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

export const shown = (request: ReceivedSipMessage): string =>
  `${request.method} from ${request.from}: ${request.body.slice(0, 200)}`

/** The final answer of a request that is sent with the delegate given to `send`. */
export function finalAnswer(send: (delegate: OutgoingRequestDelegate) => unknown): Promise<SipAnswer> {
  return new Promise((resolve) => {
    const end = ({ message }: IncomingResponse): void => resolve(answerOf(message))
    send({ onAccept: end, onReject: end, onRedirect: end })
  })
}

/** What sip.js wants of a body. An SDP is for the session, everything else is to be shown. */
export const bodyOf = ({ type, text }: SipBody) => ({
  contentDisposition: type === 'application/sdp' ? 'session' : 'render',
  contentType: type,
  content: text,
})
