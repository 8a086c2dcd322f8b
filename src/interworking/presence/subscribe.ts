import { err, ok, type Result } from '../../kernel/result.ts'
import { Headers } from '../../sip/headers.ts'
import type { SipRequest } from '../../sip/message.ts'
import type { SipUri } from '../../sip/uri.ts'
import { uriText } from '../../sip/uri-write.ts'
import { bareOf, type Jid, parseJid } from '../../xmpp/jid.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { type Addressing, jidToUri } from '../address.ts'
import type { StanzaRefusal } from '../message.ts'
import { ACCEPT_CATEGORIES, ACCEPT_PIDF, PRESENCE_EVENT } from './package.ts'
import { withGr } from './presence-to-pidf.ts'

/** What the caller decides for the first SUBSCRIBE of a dialog. Identifiers are fit for their headers. */
export interface Subscribing {
  readonly addressing: Addressing
  readonly callId: string
  readonly cseq: number
  readonly fromTag: string
  /** The `gr` of the Contact, by which the NOTIFYs find their dialog (RFC 6665 §4.5.1). */
  readonly gr: string
  /** Seconds, for a `subscribe`; a `probe` asks once (0). */
  readonly expires: number
  /** The other side is a home server that may speak of availability in numbers. */
  readonly categories: boolean
}

const NOTHING = new Uint8Array(0)

/**
 * A presence stanza of type `subscribe` or `probe` as a SUBSCRIBE (RFC 8048 §5.2.1, §7.1), without Via. Both come from and go to
 * bare addresses; a resource that is there is dropped. Other types give none: `ignore`.
 */
export function stanzaToSubscribe(
  stanza: Element,
  context: Subscribing,
): Result<SipRequest, Exclude<StanzaRefusal, { kind: 'nothing-to-send' }>> {
  const { type } = stanza.attrs
  if (type !== 'subscribe' && type !== 'probe') return err({ kind: 'ignore' })
  const watcher = addressOfRecord(stanza.attrs.from, context.addressing)
  const contact = addressOfRecord(stanza.attrs.to, context.addressing)
  if (watcher === undefined || contact === undefined) {
    const text = watcher === undefined ? 'Sender has no SIP form' : 'No such address'
    return err({ kind: 'refuse', condition: 'jid-malformed', text })
  }
  const headers = new Headers([
    ['Max-Forwards', '70'],
    ['From', `<${uriText(watcher)}>;tag=${context.fromTag}`],
    ['To', `<${uriText(contact)}>`],
    ['Call-ID', context.callId],
    ['CSeq', `${context.cseq} SUBSCRIBE`],
    ['Contact', `<${uriText(withGr(watcher, context.gr))}>`],
    PRESENCE_EVENT,
    context.categories ? ACCEPT_CATEGORIES : ACCEPT_PIDF,
    ['Expires', type === 'probe' ? '0' : String(context.expires)],
  ])
  return ok({ kind: 'request', method: 'SUBSCRIBE', uri: contact, headers, body: NOTHING })
}

function addressOfRecord(text: unknown, addressing: Addressing): SipUri | undefined {
  const jid = parseJid(typeof text === 'string' ? text : '')
  const uri = jid.ok ? jidToUri(bareOf(jid.value) as Jid, addressing) : jid
  return uri.ok ? uri.value : undefined
}
