import { type HeaderField, Headers } from '../sip/headers.ts'
import type { SipRequest } from '../sip/message.ts'
import type { Uri } from '../sip/uri.ts'
import { uriText } from '../sip/uri-write.ts'
import { parseStanzaError } from '../xmpp/stanza-error.ts'
import type { Element } from '../xmpp/xml/element.ts'
import { lineText } from './text.ts'

/**
 * Marks a notice of ours. SIP has no standard for this (RFC 3834 is for mail, RFC 5438 needs the sender's request),
 * so the name is private; whoever does not know it ignores it.
 */
export const NOTICE_HEADER = 'Failure-Notice'

/** A notice never causes a notice: neither its failure nor an answer to it is reported. */
export const isNotice = (request: SipRequest): boolean => request.headers.get(NOTICE_HEADER) !== undefined

export interface Notice {
  /** Whom the message did not reach; the notice comes from there, so that it lands in the same conversation. */
  readonly recipient: Uri
  /** Who sent it. */
  readonly sender: Uri
  readonly callId: string
  readonly cseq: number
  readonly fromTag: string
}

const MAX_TEXT = 256

/** A MESSAGE that tells a SIP user of an error stanza which came after the 2xx had gone out. The reverse never is. */
export function noticeOf(error: Element, notice: Notice): SipRequest {
  const { condition, text } = parseStanzaError(error)
  const reason = lineText(text ?? '', MAX_TEXT) || condition
  const fields: readonly HeaderField[] = [
    ['Max-Forwards', '70'],
    ['From', `<${uriText(notice.recipient)}>;tag=${notice.fromTag}`],
    ['To', `<${uriText(notice.sender)}>`],
    ['Call-ID', notice.callId],
    ['CSeq', `${notice.cseq} MESSAGE`],
    [NOTICE_HEADER, 'true'],
    ['Content-Type', 'text/plain;charset=UTF-8'],
  ]
  return {
    kind: 'request',
    method: 'MESSAGE',
    uri: notice.sender,
    headers: new Headers(fields),
    body: new TextEncoder().encode(`Your message was not delivered: ${reason}`),
  }
}
