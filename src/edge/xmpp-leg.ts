import { textOfAddress } from '../federation/address.ts'
import type { Link as LinkRow } from '../federation/model.ts'
import { answerOf } from '../federation/refusals.ts'
import type { Verdict } from '../federation/verdict.ts'
import { messageToStanza, stanzaToMessage } from '../interworking/message.ts'
import { callIdOfThread, threadOfCallId } from '../interworking/thread.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { Timers } from '../kernel/timer-wheel.ts'
import type { SipRequest } from '../sip/message.ts'
import { answerQuery } from '../xmpp/services/queries.ts'
import { childOf } from '../xmpp/stanza.ts'
import { stanzaError } from '../xmpp/stanza-error.ts'
import type { Element } from '../xmpp/xml/element.ts'
import { writeElement } from '../xmpp/xml/writer.ts'
import type { Entry } from './address-book.ts'
import type { Asked } from './admit.ts'
import { type Arrival, DELIVERED, failed, NOTHING } from './arrival.ts'
import type { Attached, Attachments } from './attached.ts'
import type { Conversations } from './conversations.ts'
import type { Counters } from './counters.ts'
import type { Learning } from './learning.ts'
import type { Outstanding } from './outstanding.ts'
import type { PeerLog } from './peer-log.ts'
import type { Pipeline } from './pipeline.ts'
import { xmppAnswer } from './xmpp-answers.ts'

export interface XmppLegSettings {
  readonly messageType: 'normal' | 'chat'
  /** Milliseconds a 2xx waits for a quick error stanza. */
  readonly waitForError: number
  readonly lateErrorNotice: boolean
  /** Octets of a stanza as it is written; the XMPP server would end the stream over a longer one than it takes. */
  readonly largestStanza: number
}

/** No text grows more than so much on its way into a stanza: `&` in HTML is `&amp;` in the body and again in the markup. */
const MOST_GROWTH = 16
/** Octets of everything that is not text. */
const FRAME = 8192

export interface XmppLegOptions {
  readonly pipeline: Pipeline
  readonly settings: () => XmppLegSettings
  /** Wait for the server's word before a stanza counts as delivered. */
  readonly confirm: boolean
  readonly attached: Attachments
  /** Tells the SIP sender of `request` that it failed after all. */
  readonly notify: (arrival: Arrival, error: Element) => void
  /** Who has to know that a request failed after it had counted as delivered; absent: nobody. */
  readonly lessons?: Pick<Learning, 'isOnTrial' | 'failed'> | undefined
  readonly presence: { onStanza(via: Attached, stanza: Element, from: string, to: string): void }
  readonly conversations: Conversations
  readonly outstanding: Outstanding
  /** Where what peers do is warned of. */
  readonly peers: PeerLog
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
}

/** XMPP on both of its sides: stanzas in from a link, requests out as stanzas. */
export class XmppLeg {
  readonly #options: XmppLegOptions

  constructor(options: XmppLegOptions) {
    this.#options = options
  }

  onStanza(via: Attached, stanza: Element): void {
    const { from, to } = stanza.attrs as Record<string, string | undefined>
    if (from === undefined || to === undefined) {
      this.#options.counters.add('xmpp.unaddressed')
      return
    }
    switch (stanza.name) {
      case 'message':
        if (stanza.attrs.type === 'error') this.#onError(via, stanza, from, to)
        else this.#onMessage(via, stanza, from, to)
        return
      case 'iq':
        this.#onQuery(via, stanza, from, to)
        return
      case 'presence':
        this.#options.presence.onStanza(via, stanza, from, to)
        return
      default:
        this.#options.counters.add('xmpp.unknown-stanza')
    }
  }

  #reply(via: Attached, stanza: Element | undefined): void {
    if (stanza !== undefined && !via.link.send(stanza)) this.#options.counters.add('xmpp.unsent-answer')
  }

  #onMessage(via: Attached, stanza: Element, from: string, to: string): void {
    const sender = via.book.ofJid(from)
    const recipient = via.book.ofJid(to)
    if (!sender.ok || !recipient.ok) {
      this.#options.counters.add('xmpp.bad-address')
      const problem = sender.ok ? (recipient.ok ? undefined : recipient.error) : sender.error
      this.#options.peers.warn({ link: via.name, from, to, problem }, 'an XMPP address has no SIP form')
      this.#reply(
        via,
        stanzaError(stanza, recipient.ok ? 'jid-malformed' : 'item-not-found', { legacyCode: true }),
      )
      return
    }
    if (recipient.value.uri.user === undefined) {
      this.#reply(
        via,
        stanzaError(stanza, 'service-unavailable', { text: 'No user is named', legacyCode: true }),
      )
      return
    }
    const request = this.#translate(via, stanza, sender.value, recipient.value)
    if (request === undefined) return
    this.#options.pipeline.take({
      kind: 'message',
      request,
      from: sender.value.address,
      to: recipient.value.address,
      evidence: via.evidence,
      end: (ending) =>
        this.#reply(
          via,
          xmppAnswer(ending, stanza, (uri) => via.book.jidOf(uri, 'sip-user')),
        ),
    })
  }

  #translate(via: Attached, stanza: Element, from: Entry, to: Entry): SipRequest | undefined {
    const thread = childOf(stanza, 'thread')?.text() || undefined
    const fitting = thread === undefined ? undefined : callIdOfThread(thread)
    const translated = stanzaToMessage(stanza, {
      addressing: via.book.addressing,
      ...this.#options.conversations.next(from.bare, to.bare, thread, fitting),
      now: this.#options.clock.wall(),
      uriOf: (text) => via.book.uriOf(text),
    })
    if (translated.ok) return translated.value
    const refusal = translated.error
    if (refusal.kind === 'refuse') {
      const { condition, text } = refusal
      this.#options.peers.warn(
        { link: via.name, from: from.bare, to: to.bare, condition, text },
        'a stanza cannot be translated',
      )
      this.#reply(via, stanzaError(stanza, refusal.condition, { text: refusal.text, legacyCode: true }))
    }
    this.#options.counters.add(
      refusal.kind === 'nothing-to-send' ? `xmpp.dropped.${refusal.what}` : `xmpp.${refusal.kind}`,
    )
    return undefined
  }

  /** Every get and set is answered; those to a user only if the rules let the sender ask. */
  #onQuery(via: Attached, stanza: Element, from: string, to: string): void {
    const { type } = stanza.attrs
    if (type === 'result' || type === 'error') {
      this.#options.counters.add('xmpp.unasked-answer')
      return
    }
    const sender = via.book.ofJid(from)
    const recipient = via.book.ofJid(to)
    if (sender.ok && recipient.ok && recipient.value.uri.user !== undefined) {
      const asked: Asked = {
        kind: 'query',
        from: sender.value.address,
        to: recipient.value.address,
        evidence: via.evidence,
      }
      this.#options.pipeline.gatekeeper.judge(
        asked,
        ({ verdict }) => this.#reply(via, this.#answerTo(stanza, via, verdict)),
        () => this.#reply(via, stanzaError(stanza, 'resource-constraint')),
      )
      return
    }
    this.#reply(via, answerQuery(stanza, via.gateway))
  }

  #answerTo(query: Element, via: Attached, verdict: Verdict): Element | undefined {
    if (verdict.outcome === 'deliver') return answerQuery(query, via.gateway)
    this.#options.counters.add(`refused.${verdict.reason}`)
    const { retryable, condition } = answerOf(verdict.reason)
    return stanzaError(query, retryable ? condition : 'service-unavailable')
  }

  #onError(via: Attached, stanza: Element, from: string, to: string): void {
    const { outstanding, lessons } = this.#options
    const id = String(stanza.attrs.id ?? '')
    const match = outstanding.match(id, from, to)
    this.#options.counters.add(match === undefined ? 'xmpp.unmatched-error' : 'xmpp.error')
    if (match === undefined) return
    const { arrival } = match.sent
    if (outstanding.end(id) !== undefined) {
      const uriOf = (jid: string) => via.book.uriOf(jid)
      arrival.end({ kind: 'bounced', error: stanza, uriOf })
      return
    }
    lessons?.failed(arrival)
    if (this.#options.settings().lateErrorNotice) this.#options.notify(arrival, stanza)
  }

  toXmpp(arrival: Arrival, row: LinkRow): void {
    const { attached, clock, conversations, counters, outstanding, random, settings } = this.#options
    const via = attached(row, arrival.from.domain, arrival.to.domain)
    if (via === undefined || !via.link.live) {
      arrival.end(failed('no-link'))
      return
    }
    const callId = arrival.request.headers.get('Call-ID') ?? ''
    const stanzaId = random.token(14)
    const translated = messageToStanza(arrival.request, {
      addressing: via.book.addressing,
      stanzaId,
      thread: conversations.threadOf(callId) ?? threadOfCallId(callId),
      messageType: settings().messageType,
      gateway: via.domain ?? arrival.from.domain,
      now: clock.wall(),
      jidOf: (uri, party) => via.book.jidOf(uri, party),
    })
    if (!translated.ok) {
      const refusal = translated.error
      if (refusal.kind === 'refuse') {
        const { status, reason } = refusal
        this.#options.peers.warn(
          { from: textOfAddress(arrival.from), to: textOfAddress(arrival.to), status, reason },
          'a SIP message cannot be translated',
        )
      }
      arrival.end(refusal.kind === 'refuse' ? { ...refusal, kind: 'untranslatable' } : NOTHING)
      return
    }
    const stanza = translated.value
    const { largestStanza } = settings()
    const mayBeLong = arrival.request.body.length * MOST_GROWTH + FRAME > largestStanza
    if (mayBeLong && Buffer.byteLength(writeElement(stanza)) > largestStanza) {
      arrival.end(failed('too-large'))
      return
    }
    const { confirm } = this.#options
    const taken = confirm ? (by: boolean) => this.#taken(arrival, stanzaId, by) : undefined
    // Known before it leaves: where there is no way, the answer is here at once.
    outstanding.add(stanzaId, { arrival, from: String(stanza.attrs.from), to: String(stanza.attrs.to) })
    if (!via.link.send(stanza, taken)) {
      outstanding.end(stanzaId)
      counters.add('xmpp.backpressure')
      arrival.end(failed('busy'))
    } else if (!confirm) this.#taken(arrival, stanzaId, true)
  }

  #taken(arrival: Arrival, stanzaId: string, taken: boolean): void {
    const { outstanding, lessons, settings } = this.#options
    const { waitForError, lateErrorNotice } = settings()
    const finish = (): void => {
      const sent = outstanding.end(stanzaId)
      if (sent === undefined) return
      arrival.end(taken ? DELIVERED : failed('no-link'))
      if (taken && (lateErrorNotice || lessons?.isOnTrial(arrival))) outstanding.remember(stanzaId, sent)
    }
    if (taken && waitForError > 0) this.#options.timers.set(waitForError, finish)
    else finish()
  }
}
