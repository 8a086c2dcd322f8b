import {
  Dialog,
  type DialogState,
  type IncomingRequestMessage,
  type IncomingSubscribeRequest,
  type OutgoingSubscribeRequestDelegate,
  type RequestOptions,
  ReSubscribeUserAgentServer,
  type Subscription,
  type UserAgentCore,
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

export interface OutgoingSubscription {
  readonly answered: Promise<SipAnswer>
  /** NOTIFY requests, each taken with 200. */
  readonly notifications: Inbox<ReceivedSipMessage>
  /** Only after the first notification: it makes the dialog (RFC 6665 §4.4.1). */
  refresh(): Promise<SipAnswer>
  /** Expires 0. */
  end(): Promise<SipAnswer>
}

export interface Notification {
  /** The value of Subscription-State. */
  readonly state: string
  readonly body?: SipBody
}

export interface IncomingSubscription {
  readonly request: ReceivedSipMessage
  /** SUBSCRIBE requests within the dialog, each taken with 200. */
  readonly refreshes: Inbox<ReceivedSipMessage>
  accept(expires?: number): void
  reject(status: number): void
  /** Only once it is accepted. */
  notify(notification: Notification): Promise<SipAnswer>
}

export function outgoingSubscription(
  uri: string,
  protocol: Protocol,
  send: (delegate: OutgoingSubscribeRequestDelegate) => unknown,
): OutgoingSubscription {
  const notifications = new Inbox<ReceivedSipMessage>(`${uri}: notifications`, shown)
  let subscription: Subscription | undefined
  const answered = new Promise<SipAnswer>((resolve) => {
    const end: OutgoingSubscribeRequestDelegate['onReject'] = ({ message }) => resolve(answerOf(message))
    const take = ({ message, accept }: Notified): void => {
      accept()
      notifications.push(receivedMessage(message, protocol))
    }
    send({
      onAccept: end,
      onReject: end,
      onRedirect: end,
      onNotify({ request, subscription: made }) {
        subscription = made
        if (made)
          made.delegate = {
            onNotify: (next) => take({ message: next.message, accept: () => next.accept() }),
          }
        take({ message: request.message, accept: () => request.accept() })
      },
    })
  })
  const again = (how: 'refresh' | 'unsubscribe') => (): Promise<SipAnswer> => {
    const dialog = subscription
    if (dialog === undefined) throw new Error(`${uri}: no notification came yet`)
    return finalAnswer((delegate) => {
      dialog[how]().delegate = delegate
    })
  }
  return { answered, notifications, refresh: again('refresh'), end: again('unsubscribe') }
}

interface Notified {
  readonly message: IncomingRequestMessage
  readonly accept: () => void
}

export function incomingSubscription(
  core: UserAgentCore,
  incoming: IncomingSubscribeRequest,
  uri: string,
  protocol: Protocol,
): IncomingSubscription {
  const refreshes = new Inbox<ReceivedSipMessage>(`${uri}: refreshes`, shown)
  const { message } = incoming
  const event = `Event: ${message.getHeader('event') ?? 'presence'}`
  const contact = `Contact: ${core.configuration.contact.toString()}`
  let dialog: NotifierDialog | undefined
  return {
    request: receivedMessage(message, protocol),
    refreshes,
    accept(expires = 3600) {
      const toTag = Math.random().toString(36).slice(2)
      dialog = new NotifierDialog(
        core,
        Dialog.initialDialogStateForUserAgentServer(message, toTag),
        (again) => {
          const { server } = again
          server.accept({ statusCode: 200, extraHeaders: [`Expires: ${again.expires}`, contact] })
          refreshes.push(receivedMessage(server.message, protocol))
        },
      )
      const routes = message.getHeaders('record-route').map((route) => `Record-Route: ${route}`)
      incoming.accept({ statusCode: 200, toTag, extraHeaders: [...routes, contact, `Expires: ${expires}`] })
    },
    reject: (status) => incoming.reject({ statusCode: status }),
    notify({ state, body }) {
      if (dialog === undefined) throw new Error(`${uri}: the subscription was not accepted`)
      const extraHeaders = [event, contact, `Subscription-State: ${state}`]
      return dialog.notify({ extraHeaders, ...(body && { body: bodyOf(body) }) })
    },
  }
}

/** The notifier's side of a subscription, which sip.js lacks. */
class NotifierDialog extends Dialog {
  readonly #onSubscribe: (again: { server: ReSubscribeUserAgentServer; expires: string }) => void

  constructor(
    core: UserAgentCore,
    state: DialogState,
    onSubscribe: (again: { server: ReSubscribeUserAgentServer; expires: string }) => void,
  ) {
    super(core, state)
    this.#onSubscribe = onSubscribe
  }

  override receiveRequest(message: IncomingRequestMessage): void {
    if (!this.sequenceGuard(message)) return
    super.receiveRequest(message)
    if (message.method !== 'SUBSCRIBE') {
      this.core.replyStateless(message, { statusCode: 501 })
      return
    }
    const server = new ReSubscribeUserAgentServer(this, message)
    this.#onSubscribe({ server, expires: message.getHeader('expires') ?? '3600' })
  }

  notify(options: RequestOptions): Promise<SipAnswer> {
    const request = this.createOutgoingRequestMessage('NOTIFY', options)
    return finalAnswer((delegate) => this.core.request(request, delegate))
  }
}
