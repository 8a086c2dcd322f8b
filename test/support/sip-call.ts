import type {
  IncomingInviteRequest,
  OutgoingInviteRequest,
  OutgoingInviteRequestDelegate,
  Session,
} from 'sip.js/lib/core/index.js'
import { Inbox } from './inbox.ts'
import {
  answerOf,
  bodyOf,
  finalAnswer,
  type ReceivedSipMessage,
  receivedMessage,
  type SipAnswer,
  type SipBody,
  shown,
} from './sip-request.ts'
import type { Protocol } from './sip-transport.ts'

/** A dialog with its session. Whatever comes within it is taken with 200 (a REFER with 202) and kept. */
export interface SipCall {
  /** The other side's tag. */
  readonly remoteTag: string
  /** ACK, INFO, REFER, BYE and the like, in order. */
  readonly requests: Inbox<ReceivedSipMessage>
  bye(): Promise<SipAnswer>
  info(body: SipBody): Promise<SipAnswer>
  refer(to: string): Promise<SipAnswer>
  /** Once more, with the same offer. */
  reinvite(): Promise<SipAnswer>
}

export interface OutgoingCall {
  /** 101 to 199. */
  readonly progress: Inbox<SipAnswer>
  /** The first final answer. */
  readonly answered: Promise<SipAnswer>
  /** One for each 2xx: a forked INVITE has several. */
  readonly dialogs: Inbox<SipCall>
  /** CANCEL, as soon as there was a provisional answer. */
  cancel(): void
}

export interface IncomingCall {
  readonly request: ReceivedSipMessage
  /** Resolves when the caller gave up; it is answered 487 then. */
  readonly cancelled: Promise<void>
  ring(): void
  accept(): SipCall
  reject(status: number): void
}

/** The user agent whose call it is. */
export interface CallOwner {
  readonly uri: string
  readonly protocol: Protocol
  /** The value of its Contact. */
  readonly contact: string
}

/** No media: an offer or answer that says just enough to be one. */
export const SDP: SipBody = {
  type: 'application/sdp',
  text: [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
    ...['m=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', ''],
  ].join('\r\n'),
}

export function outgoingCall(
  owner: CallOwner,
  send: (delegate: OutgoingInviteRequestDelegate) => OutgoingInviteRequest,
): OutgoingCall {
  const progress = new Inbox<SipAnswer>(`${owner.uri}: progress`, ({ status }) => String(status))
  const dialogs = new Inbox<SipCall>(`${owner.uri}: dialogs`, ({ remoteTag }) => remoteTag)
  let request: OutgoingInviteRequest | undefined
  const answered = new Promise<SipAnswer>((resolve) => {
    const end: OutgoingInviteRequestDelegate['onReject'] = ({ message }) => resolve(answerOf(message))
    request = send({
      onProgress: ({ message }) => progress.push(answerOf(message)),
      onAccept: ({ message, session, ack }) => {
        const call = callOf(session, owner)
        ack()
        resolve(answerOf(message))
        dialogs.push(call)
      },
      onReject: end,
      onRedirect: end,
    })
  })
  return { progress, dialogs, answered, cancel: () => request?.cancel() }
}

export function incomingCall(request: IncomingInviteRequest, owner: CallOwner): IncomingCall {
  let open = true
  let gone = (): void => {}
  const cancelled = new Promise<void>((resolve) => {
    gone = resolve
  })
  request.delegate = {
    onCancel() {
      if (open) request.reject({ statusCode: 487 })
      open = false
      gone()
    },
  }
  request.trying()
  return {
    request: receivedMessage(request.message, owner.protocol),
    cancelled,
    ring: () => request.progress({ statusCode: 180 }),
    accept() {
      open = false
      return callOf(request.accept({ statusCode: 200, body: bodyOf(SDP) }).session, owner)
    },
    reject(status) {
      open = false
      request.reject({ statusCode: status })
    },
  }
}

function callOf(session: Session, { uri, protocol, contact }: CallOwner): SipCall {
  const requests = new Inbox<ReceivedSipMessage>(`${uri} in a call`, shown)
  const kept = (statusCode: number, body?: SipBody) => (request: Taken) => {
    requests.push(receivedMessage(request.message, protocol))
    request.accept({ statusCode, ...(body && { body: bodyOf(body) }) })
  }
  session.delegate = {
    onAck: ({ message }) => requests.push(receivedMessage(message, protocol)),
    onBye: kept(200),
    onInfo: kept(200),
    onMessage: kept(200),
    onNotify: kept(200),
    onRefer: kept(202),
    onInvite: kept(200, SDP),
  }
  return {
    remoteTag: session.remoteTag,
    requests,
    bye: () => finalAnswer((delegate) => session.bye(delegate)),
    info: (body) => finalAnswer((delegate) => session.info(delegate, { body: bodyOf(body) })),
    refer: (to) =>
      finalAnswer((delegate) => session.refer(delegate, { extraHeaders: [`Refer-To: <${to}>`] })),
    reinvite: () =>
      new Promise((resolve) => {
        const end: OutgoingInviteRequestDelegate['onReject'] = ({ message }) => resolve(answerOf(message))
        session.invite(
          {
            onAccept({ message, ack }) {
              ack()
              resolve(answerOf(message))
            },
            onReject: end,
            onRedirect: end,
          },
          { body: bodyOf(SDP), extraHeaders: [`Contact: ${contact}`] },
        )
      }),
  }
}

/** What the requests within a session have in common. */
interface Taken {
  readonly message: IncomingInviteRequest['message']
  accept(options?: Parameters<IncomingInviteRequest['accept']>[0]): unknown
}
