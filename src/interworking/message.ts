import { err, ok, type Result } from '../kernel/result.ts'
import { parseSipDate, sipDateText } from '../sip/date.ts'
import { type HeaderField, Headers } from '../sip/headers.ts'
import type { SipRequest } from '../sip/message.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import type { Uri } from '../sip/uri.ts'
import { uriText } from '../sip/uri-write.ts'
import { parseJid } from '../xmpp/jid.ts'
import type { StanzaCondition } from '../xmpp/stanza-error.ts'
import { Element } from '../xmpp/xml/element.ts'
import { type AddressError, type Addressing, jidToUri, type Party, uriToJid } from './address.ts'
import { type Bodyless, bodylessKind, isEncrypted } from './bodyless.ts'
import { readContent } from './content.ts'
import { htmlToXhtml } from './html.ts'
import { contentLanguage, languageTag } from './language.ts'
import { contentRefusal, recipientRefusal, refuse, SENDER_REFUSED, type SipRefusal } from './sip-refusal.ts'
import { formatStamp, parseStamp } from './stamp.ts'
import { lineFeeds, lineText, networkLines, xmlText } from './text.ts'

/** What the caller decides for one stanza on its way to SIP. Identifiers are fit for their headers. */
export interface ToSip {
  readonly addressing: Addressing
  readonly callId: string
  readonly cseq: number
  readonly fromTag: string
  /** Milliseconds since 1970: a delay stamp from the future is left out. */
  readonly now: number
  /** A cache in front of `parseJid` and `jidToUri`. */
  readonly uriOf?: (jid: string) => Result<Uri, unknown>
}

/** Why no MESSAGE comes of a stanza. */
export type StanzaRefusal =
  /** An error stanza: never a MESSAGE, never answered (RFC 6120 §8.3.1). */
  | { readonly kind: 'ignore' }
  /** Nothing that SIP could show: chat states, receipts and the like. No error is due. */
  | { readonly kind: 'nothing-to-send'; readonly what: Bodyless }
  | { readonly kind: 'refuse'; readonly condition: StanzaCondition; readonly text: string }

const refuseStanza = (condition: StanzaCondition, text: string): { ok: false; error: StanzaRefusal } =>
  err({ kind: 'refuse', condition, text })

const MAX_SUBJECT = 512
const UTF8 = new TextEncoder()
const MAX_FORWARDS: HeaderField = ['Max-Forwards', '70']
const TEXT_PLAIN: HeaderField = ['Content-Type', 'text/plain;charset=UTF-8']

/**
 * A message stanza as a MESSAGE (RFC 7572 §4, table 1), without Via and Content-Length, which the transport adds.
 *
 * Of several bodies the one in the stanza's own language goes over, else the first; the subject likewise, by the
 * language of the body. A message with a subject alone becomes a MESSAGE with that Subject and no body.
 */
export function stanzaToMessage(stanza: Element, context: ToSip): Result<SipRequest, StanzaRefusal> {
  const type = stanza.attrs.type as string | undefined
  if (type === 'error') return err({ kind: 'ignore' })
  if (type === 'groupchat') return refuseStanza('service-unavailable', 'Not a room')

  const language = stanza.attrs['xml:lang'] as string | undefined
  let body: Element | undefined
  let subject: Element | undefined
  for (const child of stanza.children) {
    if (typeof child !== 'object' || !isOwn(child, stanza)) continue
    if (child.name === 'body') body = better(body, child, language)
  }
  const spoken = langOf(body, language)
  for (const child of stanza.children) {
    if (typeof child === 'object' && child.name === 'subject' && isOwn(child, stanza))
      subject = better(subject, child, spoken)
  }
  const text = body === undefined ? '' : xmlText(textOf(body))
  const title = subject === undefined ? '' : lineText(textOf(subject), MAX_SUBJECT)
  if (text === '' && isEncrypted(stanza))
    return refuseStanza('not-acceptable', 'Encrypted messages cannot be read on the other side')
  if (text === '' && title === '') return err({ kind: 'nothing-to-send', what: bodylessKind(stanza) })

  const from = uriOfAddress(stanza.attrs.from as string | undefined, context)
  const to = uriOfAddress(stanza.attrs.to as string | undefined, context)
  if (from === undefined || to === undefined)
    return refuseStanza('jid-malformed', from === undefined ? 'Sender has no SIP form' : 'No such address')

  const fields: HeaderField[] = [
    MAX_FORWARDS,
    ['From', `<${uriText(from)}>;tag=${context.fromTag}`],
    ['To', `<${uriText(to)}>`],
    ['Call-ID', context.callId],
    ['CSeq', `${context.cseq} MESSAGE`],
  ]
  const sent = delayOf(stanza)
  if (sent !== undefined && sent <= context.now) fields.push(['Date', sipDateText(sent)])
  if (title !== '') fields.push(['Subject', title])
  const tag = languageTag(body === undefined ? langOf(subject, language) : spoken)
  if (tag !== undefined) fields.push(['Content-Language', tag])
  if (text !== '') fields.push(TEXT_PLAIN)
  return ok({
    kind: 'request',
    method: 'MESSAGE',
    uri: to,
    headers: new Headers(fields),
    body: UTF8.encode(networkLines(text)),
  })
}

/** In the namespace of the stream, whichever it is by the kind of link. */
function isOwn(child: Element, stanza: Element): boolean {
  const namespace = child.attrs.xmlns as string | undefined
  return namespace === undefined || namespace === stanza.getNS()
}

const langOf = (element: Element | undefined, inherited: string | undefined): string | undefined =>
  (element?.attrs['xml:lang'] as string | undefined) ?? inherited

function better(best: Element | undefined, next: Element, language: string | undefined): Element {
  if (best === undefined) return next
  const wanted = language?.toLowerCase()
  const fits = (element: Element) => langOf(element, language)?.toLowerCase() === wanted
  return !fits(best) && fits(next) ? next : best
}

function textOf(element: Element): string {
  const [first] = element.children
  return element.children.length === 1 && typeof first === 'string' ? first : element.getText()
}

function uriOfAddress(text: string | undefined, context: ToSip): Uri | undefined {
  if (text === undefined) return undefined
  if (context.uriOf !== undefined) {
    const uri = context.uriOf(text)
    return uri.ok ? uri.value : undefined
  }
  const jid = parseJid(text)
  const uri = jid.ok ? jidToUri(jid.value, context.addressing) : jid
  return uri.ok ? uri.value : undefined
}

const DELAY = 'urn:xmpp:delay'
const LEGACY_DELAY = 'jabber:x:delay'

/** When it was sent, by XEP-0203 or else XEP-0091. */
function delayOf(stanza: Element): number | undefined {
  let legacy: number | undefined
  for (const child of stanza.children) {
    if (typeof child !== 'object') continue
    const { xmlns, stamp } = child.attrs
    if (typeof stamp !== 'string') continue
    if (xmlns === DELAY && child.name === 'delay') return parseStamp(stamp)
    if (xmlns === LEGACY_DELAY && child.name === 'x') legacy ??= parseStamp(stamp)
  }
  return legacy
}

/** What the caller decides for one MESSAGE on its way to XMPP. */
export interface ToXmpp {
  readonly addressing: Addressing
  readonly stanzaId: string
  /** From `threadOfCallId` or the caller's own table; undefined: none. */
  readonly thread: string | undefined
  /** `normal`: no type attribute, as RFC 7572 §5 asks. */
  readonly messageType: 'normal' | 'chat'
  /** The gateway's own address, which says that it knew of a delay. */
  readonly gateway: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** A Date older than this many milliseconds becomes a delay. Default 60,000. */
  readonly delayThreshold?: number
  /** A cache in front of `uriToJid`. */
  readonly jidOf?: (uri: Uri, party: Party) => Result<string, AddressError>
}

const DELAY_THRESHOLD = 60_000

/**
 * A MESSAGE as a message stanza (RFC 7572 §5, table 2). The Request-URI is the target; a `sips:` target, there or in
 * To, never gives a stanza (RFC 7247 §8). A MESSAGE without text and Subject gives none either: `nothing-to-send`.
 */
export function messageToStanza(request: SipRequest, context: ToXmpp): Result<Element, SipRefusal> {
  const { headers, uri } = request
  const sender = parseNameAddr(headers.get('From') ?? '')
  const target = parseNameAddr(headers.get('To') ?? '')
  if (!sender.ok || !target.ok) return err(refuse(400, sender.ok ? 'Bad To' : 'Bad From'))
  if (isSips(uri) || isSips(target.value.uri)) return err(recipientRefusal('sips'))
  const to = jidOfUri(uri, 'xmpp-user', context)
  if (!to.ok) return err(recipientRefusal(to.error))
  const from = jidOfUri(sender.value.uri, 'sip-user', context)
  if (!from.ok) return err(SENDER_REFUSED)

  const content = readContent(headers, request.body)
  if (!content.ok) return err(contentRefusal(content.error))
  const rich = content.value.html === undefined ? undefined : htmlToXhtml(content.value.html)
  const text = lineFeeds(xmlText(content.value.plain ?? rich?.plain ?? ''))
  const title = lineText(headers.get('Subject') ?? '', MAX_SUBJECT)
  if (text === '' && title === '') return err({ kind: 'nothing-to-send' })

  const stanza = new Element('message', { from: from.value, to: to.value, id: context.stanzaId })
  if (context.messageType === 'chat') stanza.attrs.type = 'chat'
  const language = contentLanguage(headers.get('Content-Language'))
  if (language !== undefined) stanza.attrs['xml:lang'] = language
  if (title !== '') addText(stanza, 'subject', title)
  if (context.thread !== undefined) addText(stanza, 'thread', xmlText(context.thread))
  if (text !== '') addText(stanza, 'body', text)
  if (text !== '' && rich?.xhtml !== undefined) stanza.cnode(rich.xhtml)
  addDelay(stanza, headers.get('Date'), context)
  return ok(stanza)
}

const isSips = (uri: Uri): boolean =>
  uri.scheme === 'sips' || (uri.scheme === 'other' && /^sips:/i.test(uri.text))

const jidOfUri = (uri: Uri, party: Party, context: ToXmpp): Result<string, AddressError> =>
  context.jidOf === undefined ? uriToJid(uri, context.addressing, party) : context.jidOf(uri, party)

function addText(stanza: Element, name: string, text: string): void {
  const child = new Element(name)
  child.children.push(text)
  stanza.cnode(child)
}

function addDelay(stanza: Element, date: string | undefined, context: ToXmpp): void {
  if (date === undefined) return
  const sent = parseSipDate(date)
  if (!sent.ok || context.now - sent.value <= (context.delayThreshold ?? DELAY_THRESHOLD)) return
  stanza.cnode(new Element('delay', { xmlns: DELAY, from: context.gateway, stamp: formatStamp(sent.value) }))
}
