import { client, xml } from '@xmpp/client'
import type { Element } from '@xmpp/xml'
import { Inbox, type NextOptions } from './inbox.ts'

export type { Element }
export { xml }

export interface XmppClientOptions {
  /** Client port on 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly username: string
  readonly password: string
  readonly resource?: string
  /** Log in again when the server comes back; off unless told. */
  readonly reconnect?: boolean
  /** Send initial presence, so that messages are not kept for later; on unless told. */
  readonly available?: boolean
}

export interface OutgoingMessage {
  readonly to: string
  readonly body?: string
  readonly id?: string
  readonly type?: string
  readonly subject?: string
  readonly thread?: string
  readonly lang?: string
  readonly children?: readonly Element[]
}

export interface XmppClient extends AsyncDisposable {
  /** The full address the server bound. */
  readonly jid: string
  readonly bareJid: string
  /** Every stanza that came in. */
  readonly stanzas: Inbox<Element>
  send(stanza: Element): Promise<void>
  /** Resolves with the id when the stanza is written. */
  message(message: OutgoingMessage): Promise<string>
  /** Sends an IQ and resolves with the result or error stanza. */
  iq(stanza: Element, options?: NextOptions): Promise<Element>
  nextMessage(match?: (stanza: Element) => boolean, options?: NextOptions): Promise<Element>
  close(): Promise<void>
}

let ids = 0
function nextId(prefix: string): string {
  ids += 1
  return `${prefix}${ids}`
}

/** A real client over C2S: TCP to 127.0.0.1, SASL, resource binding. */
export async function startXmppClient(options: XmppClientOptions): Promise<XmppClient> {
  const who = `${options.username}@${options.domain}`
  const connection = client({
    service: `xmpp://127.0.0.1:${options.port}`,
    domain: options.domain,
    ...credentialsOf(options),
    resource: options.resource,
  })
  if (options.reconnect !== true) connection.reconnect.stop()

  const errors: Error[] = []
  const stanzas = new Inbox<Element>(who, String)
  connection.on('error', (error) => errors.push(error))
  connection.on('stanza', (stanza) => stanzas.push(stanza))

  let jid: string
  try {
    jid = String(await connection.start())
  } catch (cause) {
    throw new Error(`${who} could not log in: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  if (options.available !== false) await connection.send(xml('presence'))
  connection.on('online', () => {
    if (options.available !== false)
      connection.send(xml('presence')).catch((error: Error) => errors.push(error))
  })

  const close = async (): Promise<void> => {
    connection.reconnect.stop()
    stanzas.close('the client was closed')
    if (connection.status === 'online') {
      await Promise.race([connection.stop(), new Promise((resolve) => setTimeout(resolve, 1000))])
    }
    await connection.disconnect(200).catch((error: Error) => errors.push(error))
  }
  const send = (stanza: Element): Promise<void> => connection.send(stanza)

  return {
    jid,
    bareJid: who,
    stanzas,
    send,
    async message({ to, id = nextId('m'), type = 'chat', body, subject, thread, lang, children = [] }) {
      const text = (name: string, content: string | undefined): Element[] =>
        content === undefined ? [] : [xml(name, {}, content)]
      const attributes = { to, id, type, ...(lang === undefined ? {} : { 'xml:lang': lang }) }
      const content = [
        ...text('subject', subject),
        ...text('body', body),
        ...text('thread', thread),
        ...children,
      ]
      await send(xml('message', attributes, ...content))
      return id
    },
    async iq(stanza, waiting) {
      stanza.attrs.id ??= nextId('q')
      const { id } = stanza.attrs
      await send(stanza)
      const answers = (other: Element): boolean =>
        other.is('iq') && other.attrs.id === id && ['result', 'error'].includes(other.attrs.type)
      return await stanzas.next(answers, { what: `no answer to IQ ${id}`, ...waiting })
    },
    nextMessage: (match = () => true, waiting) =>
      stanzas.next((stanza) => stanza.is('message') && match(stanza), {
        what: 'no such message',
        ...waiting,
      }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function credentialsOf({ username, password }: XmppClientOptions): Parameters<typeof client>[0] {
  const bytes = Buffer.from(username).toString('latin1')
  if (bytes === username) return { username, password }
  // COMPAT(@xmpp/client 0.14): it gives base64 the characters where SASL has the bytes of UTF-8, and SCRAM the other ones.
  return {
    credentials: (authenticate) => authenticate({ username: bytes, password }, 'PLAIN', xml('user-agent')),
  }
}

/** RFC 6120 §8.3: the defined condition and text of a stanza of type error. */
export function stanzaError(
  stanza: Element,
): { readonly type: string; readonly condition: string; readonly text: string } | undefined {
  const error = stanza.getChild('error')
  if (stanza.attrs.type !== 'error' || error === undefined) return undefined
  const conditions = error.getChildElements().filter((child) => child.getNS() === STANZAS)
  return {
    type: String(error.attrs.type),
    condition: conditions.find((child) => child.getName() !== 'text')?.getName() ?? '',
    text: error.getChildText('text', STANZAS) ?? '',
  }
}

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
