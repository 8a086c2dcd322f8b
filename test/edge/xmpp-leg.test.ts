import { describe, expect, test } from 'vitest'
import { AddressBook } from '../../src/edge/address-book.ts'
import { type Arrival, failed, type Untold } from '../../src/edge/arrival.ts'
import type { Attached } from '../../src/edge/attached.ts'
import { Conversations } from '../../src/edge/conversations.ts'
import { Outstanding } from '../../src/edge/outstanding.ts'
import { OwnTags } from '../../src/edge/own-tags.ts'
import { PeerLog } from '../../src/edge/peer-log.ts'
import { sipAnswer } from '../../src/edge/sip-answers.ts'
import { XmppLeg, type XmppLegOptions, type XmppLegSettings } from '../../src/edge/xmpp-leg.ts'
import type { ComponentLink } from '../../src/federation/model.ts'
import { DISCO_INFO } from '../../src/xmpp/services/disco.ts'
import { PING } from '../../src/xmpp/services/queries.ts'
import { type Element, xml } from '../../src/xmpp/xml/element.ts'
import { byAddress, contacts, domain, link as linkRow, xmppProvider } from '../federation/fixtures.ts'
import { fakeTime } from '../kernel/fake-time.ts'
import {
  arrivalOf,
  asComponent,
  conditionOf,
  countingRandom,
  errorTo,
  FROM_HOME,
  JULIET,
  open,
  pipelineRig,
  ROMEO,
  sipResponse,
  stanza,
} from './support.ts'

/** A link that keeps what it is given; the test confirms. */
class RecordingLink {
  live = true
  full = false
  readonly sent: Element[] = []
  readonly asked: ((taken: boolean) => void)[] = []

  send(element: Element, taken?: (taken: boolean) => void): boolean {
    if (!this.live || this.full) return false
    this.sent.push(element)
    if (taken !== undefined) this.asked.push(taken)
    return true
  }

  /** The server has taken all that was sent, or the stream broke. */
  confirmAll(taken = true): void {
    for (const done of this.asked.splice(0)) done(taken)
  }
}

function rigged(
  settings: Partial<XmppLegSettings> & {
    confirm?: boolean
    row?: Partial<ComponentLink>
    lessons?: XmppLegOptions['lessons']
  } = {},
) {
  const { confirm = true, row: changes, lessons, ...rest } = settings
  const time = fakeTime()
  const rig = pipelineRig({
    time,
    exits: { toXmpp: (arrival, row) => leg.toXmpp(arrival, row) },
  })
  const link = new RecordingLink()
  const row = linkRow(changes)
  const book = new AddressBook(
    row.addressing.kind === 'escaped' ? { kind: 'escaped', gateway: row.domain } : row.addressing,
    100,
  )
  const via: Attached = {
    ...asComponent(row),
    link,
    book,
    gateway: { software: { name: 'Test', version: '1' }, type: 'sip' },
  }
  const random = countingRandom()
  const presence: (readonly [string, string])[] = []
  const told: { arrival: Arrival; error: Element }[] = []
  const outstanding = new Outstanding({ limit: 100, lifetime: 60_000, clock: time.clock })
  const attached = new Map<string, Attached>([[row.name, via]])
  const leg: XmppLeg = new XmppLeg({
    pipeline: rig.pipeline,
    settings: () => ({
      messageType: 'normal',
      waitForError: 0,
      lateErrorNotice: false,
      largestStanza: 393_216,
      ...rest,
    }),
    confirm,
    attached: (row) => attached.get(row?.name ?? ''),
    notify: (arrival, error) => told.push({ arrival, error }),
    lessons,
    presence: { onStanza: (_via, _stanza, from, to) => presence.push([from, to]) },
    conversations: new Conversations({
      limit: 100,
      lifetime: 1_000_000,
      clock: time.clock,
      random,
      tags: new OwnTags(random),
    }),
    outstanding,
    peers: new PeerLog({ log: rig.log, clock: time.clock }),
    clock: time.clock,
    timers: time.timers,
    random,
    counters: rig.counters,
  })
  /** Romeo's message on its way to Juliet. */
  const fromRomeo = (parts: Parameters<typeof arrivalOf>[0] = {}) => {
    const arrival = arrivalOf({ from: ROMEO, to: JULIET, evidence: FROM_HOME, body: 'hello', ...parts })
    rig.pipeline.take(arrival)
    return arrival
  }
  return { ...rig, rig, leg, link, via, time, told, presence, outstanding, attached, fromRomeo }
}

describe('a message stanza', () => {
  test('to a user is a MESSAGE request for the home server', () => {
    const { leg, via, out, link } = rigged()
    leg.onStanza(via, stanza({}, xml('body', {}, 'wherefore?'), xml('thread', {}, 'thread-1')))
    expect(out).toHaveLength(1)
    const [arrival] = out
    expect(arrival).toMatchObject({
      kind: 'message',
      from: { user: 'juliet', domain: 'xmpp.example' },
      to: { user: 'romeo', domain: 'sip.example' },
      evidence: { kind: 'component', link: 'prosody' },
    })
    expect(arrival?.request.method).toBe('MESSAGE')
    expect(arrival?.request.headers.get('Call-ID')).toBe('thread-1')
    expect(Buffer.from(arrival?.request.body ?? []).toString()).toBe('wherefore?')
    arrival?.end({ kind: 'delivered' })
    expect(link.sent).toEqual([])
  })

  test('CSeq rises within a thread', () => {
    const { leg, via, out } = rigged()
    for (const body of ['1', '2', '3'])
      leg.onStanza(via, stanza({}, xml('body', {}, body), xml('thread', {}, 't')))
    expect(out.map(({ request }) => request.headers.get('CSeq'))).toEqual([
      '1 MESSAGE',
      '11 MESSAGE',
      '21 MESSAGE',
    ])
  })

  test('that fails comes back as an error stanza to the full JID that sent it', () => {
    const { leg, via, out, link } = rigged()
    leg.onStanza(via, stanza())
    out[0]?.end({ kind: 'answered', response: sipResponse(404, 'Not Found') })
    expect(link.sent).toHaveLength(1)
    expect(link.sent[0]?.attrs).toMatchObject({
      type: 'error',
      from: ROMEO,
      to: `${JULIET}/balcony`,
      id: 's1',
    })
    expect(conditionOf(link.sent[0])).toBe('item-not-found')
  })

  test('that is refused by the rules is told so, and never leaves', () => {
    const { leg, via, out, link, rig } = rigged()
    rig.snapshot = open({ providers: [xmppProvider({ enabled: false })] })
    leg.onStanza(via, stanza())
    expect(out).toEqual([])
    expect(conditionOf(link.sent[0])).toBe('forbidden')
  })

  test.for([
    ['to the gateway itself', { to: 'sip.example' }, 'service-unavailable'],
    ['to a room that a user is not', { type: 'groupchat' }, 'service-unavailable'],
    ['to what is no address', { to: 'ro meo@sip.example' }, 'item-not-found'],
    ['from what is no address', { from: 'ju liet@xmpp.example/x' }, 'jid-malformed'],
  ] as const)('%s is answered', ([, attrs, condition]) => {
    const { leg, via, out, link } = rigged()
    leg.onStanza(via, stanza(attrs))
    expect(out).toEqual([])
    expect(link.sent).toHaveLength(1)
    expect(conditionOf(link.sent[0])).toBe(condition)
  })

  test.for([
    ['an address that is none', { from: 'ju liet@xmpp.example/x' }, 'an XMPP address has no SIP form'],
    ['a message to a room', { type: 'groupchat' }, 'a stanza cannot be translated'],
  ] as const)('%s is one line in the log', ([, attrs, message]) => {
    const { leg, via, rig } = rigged()
    leg.onStanza(via, stanza(attrs))
    expect(rig.log.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ message }])
  })

  test('to an escaped address reaches the SIP address within; other addresses there are nobody', () => {
    const row = { domain: domain('gw.example'), addressing: { kind: 'escaped' } } as const
    const { leg, via, out, link, rig } = rigged({ row })
    rig.snapshot = open({ links: [linkRow(row)] })
    leg.onStanza(via, stanza({ to: 'romeo\\40sip.example@gw.example' }))
    expect(out.map(({ to }) => to)).toEqual([{ user: 'romeo', domain: 'sip.example' }])
    leg.onStanza(via, stanza({ to: 'romeo@gw.example' }))
    expect(link.sent.map(conditionOf)).toEqual(['item-not-found'])
  })

  test.for([
    ['without text', [xml('active', { xmlns: 'http://jabber.org/protocol/chatstates' })], 'chat-state'],
    ['with a receipt', [xml('received', { xmlns: 'urn:xmpp:receipts', id: 'x' })], 'receipt'],
    ['with nothing', [xml('x', { xmlns: 'urn:nothing' })], 'empty'],
  ] as const)('%s is dropped, without an error', ([, children, what]) => {
    const { leg, via, out, link, counters } = rigged()
    leg.onStanza(via, stanza({}, ...children))
    expect(out).toEqual([])
    expect(link.sent).toEqual([])
    expect(counters.get(`xmpp.dropped.${what}`)).toBe(1)
  })

  test.for([
    ['no from', { from: undefined }],
    ['no to', { to: undefined }],
  ] as const)('with %s is counted and dropped', ([, attrs]) => {
    const { leg, via, out, link, counters } = rigged()
    leg.onStanza(via, stanza(attrs))
    expect([out, link.sent]).toEqual([[], []])
    expect(counters.get('xmpp.unaddressed')).toBe(1)
  })

  test('of type error that answers nothing of ours is counted, never answered', () => {
    const { leg, via, out, link, counters } = rigged()
    leg.onStanza(via, stanza({ type: 'error' }))
    leg.onStanza(via, stanza({ type: 'error', id: undefined }))
    expect([out, link.sent]).toEqual([[], []])
    expect(counters.get('xmpp.unmatched-error')).toBe(2)
  })

  test('an answer that the link does not take is counted', () => {
    const { leg, via, out, link, counters } = rigged()
    leg.onStanza(via, stanza())
    link.live = false
    out[0]?.end(failed('timeout'))
    expect(counters.get('xmpp.unsent-answer')).toBe(1)
  })

  test('something that is no stanza is counted', () => {
    const { leg, via, link, counters } = rigged()
    leg.onStanza(via, xml('letter', { from: JULIET, to: ROMEO }))
    expect(link.sent).toEqual([])
    expect(counters.get('xmpp.unknown-stanza')).toBe(1)
  })
})

describe('an iq', () => {
  const iq = (attrs: Record<string, string | undefined>, ...children: Element[]) =>
    xml('iq', { from: `${JULIET}/balcony`, to: 'sip.example', id: 'q1', type: 'get', ...attrs }, ...children)
  const ping = () => xml('ping', { xmlns: PING })
  const disco = () => xml('query', { xmlns: DISCO_INFO })

  test.for([
    ['ping to the gateway', iq({}, ping()), 'result', undefined],
    ['disco of the gateway', iq({}, disco()), 'result', undefined],
    ['disco of a user', iq({ to: ROMEO }, disco()), 'result', undefined],
    ['something unknown', iq({}, xml('query', { xmlns: 'urn:unknown' })), 'error', 'service-unavailable'],
    ['a set', iq({ type: 'set' }, disco()), 'error', 'service-unavailable'],
    ['a set to a user', iq({ to: ROMEO, type: 'set' }, disco()), 'error', 'service-unavailable'],
    ['no child', iq({}), 'error', 'bad-request'],
    ['an unknown type', iq({ type: 'ask' }, ping()), 'error', 'bad-request'],
    ['to what is no address', iq({ to: 'ro meo@sip.example' }, disco()), 'result', undefined],
  ] as const)('%s is answered once', ([name, query, type, condition]) => {
    const { leg, via, link, out } = rigged()
    leg.onStanza(via, query)
    expect(out).toEqual([])
    expect(link.sent).toHaveLength(1)
    const [answer] = link.sent
    expect(answer?.attrs).toMatchObject({ id: 'q1', from: query.attrs.to, to: query.attrs.from })
    if (name !== 'to what is no address') {
      expect(answer?.attrs.type).toBe(type)
      expect(conditionOf(answer)).toBe(condition)
    }
  })

  test.for(['result', 'error'])('of type %s that nobody asked for is not answered', (type) => {
    const { leg, via, link, counters } = rigged()
    leg.onStanza(via, iq({ type }, ping()))
    expect(link.sent).toEqual([])
    expect(counters.get('xmpp.unasked-answer')).toBe(1)
  })

  test('of somebody who may not is answered as if there were nothing: a missing user looks the same', () => {
    const { leg, via, link, rig, counters } = rigged()
    rig.snapshot = open({ contacts: [contacts({ block: [byAddress(JULIET)] })] })
    leg.onStanza(via, iq({ to: ROMEO }, disco()))
    expect(link.sent.map(conditionOf)).toEqual(['service-unavailable'])
    expect(counters.get('refused.contact-blocked')).toBe(1)
  })
})

test('presence goes to whoever knows about presence, with both addresses', () => {
  const { leg, via, presence } = rigged()
  leg.onStanza(via, xml('presence', { from: JULIET, to: ROMEO }))
  leg.onStanza(via, xml('presence', { from: JULIET }))
  expect(presence).toEqual([[JULIET, ROMEO]])
})

describe('a request to the XMPP side', () => {
  test('that would be a longer stanza than the server takes is refused, and the link does not hear of it', () => {
    const { link, fromRomeo } = rigged({ largestStanza: 50_000 })
    const long = fromRomeo({ body: 'x'.repeat(50_000) })
    const growing = fromRomeo({ body: '&'.repeat(12_000) })
    const fits = fromRomeo({ body: 'x'.repeat(49_000) })
    const tooLarge = [{ kind: 'failed', failure: 'too-large' }]
    expect([long.endings, growing.endings]).toEqual([tooLarge, tooLarge])
    expect(link.sent).toHaveLength(1)
    link.confirmAll()
    expect(fits.endings).toEqual([{ kind: 'delivered' }])
  })

  test('leaves as a stanza, and is delivered when the server has taken it, not before', () => {
    const { fromRomeo, link, outstanding } = rigged()
    const arrival = fromRomeo()
    expect(link.sent).toHaveLength(1)
    expect(link.sent[0]?.attrs).toMatchObject({ from: ROMEO, to: JULIET })
    expect(link.sent[0]?.getChildText('body')).toBe('hello')
    expect(arrival.endings).toEqual([])
    link.confirmAll()
    expect(arrival.endings).toEqual([{ kind: 'delivered' }])
    expect(outstanding.open).toBe(0)
  })

  test('is not delivered if the stream breaks first', () => {
    const { fromRomeo, link } = rigged()
    const arrival = fromRomeo()
    link.confirmAll(false)
    expect(arrival.endings).toEqual([failed('no-link')])
  })

  test('counts at once where confirmations are switched off', () => {
    const { fromRomeo, link } = rigged({ confirm: false })
    expect(fromRomeo().endings).toEqual([{ kind: 'delivered' }])
    expect(link.asked).toEqual([])
  })

  test('without a live link, or with a link that is not attached: no-link', () => {
    const { fromRomeo, link, attached } = rigged()
    link.live = false
    expect(fromRomeo().endings).toEqual([failed('no-link')])
    attached.clear()
    expect(fromRomeo({ body: 'again' }).endings).toEqual([failed('no-link')])
    expect(link.sent).toEqual([])
  })

  test('with a link that cannot take more: busy, and nothing stays behind', () => {
    const { fromRomeo, link, outstanding, counters } = rigged()
    link.full = true
    expect(fromRomeo().endings).toEqual([failed('busy')])
    expect(outstanding.open).toBe(0)
    expect(counters.get('xmpp.backpressure')).toBe(1)
  })

  test('without anything to show is a success that sends nothing, and does not count as delivered', () => {
    const { fromRomeo, link, counters } = rigged()
    expect(fromRomeo({ body: '' }).endings).toEqual([{ kind: 'nothing' }])
    expect(counters.get('message.nothing')).toBe(1)
    expect(counters.get('message.delivered')).toBe(0)
    expect(link.sent).toEqual([])
  })

  test('that cannot be translated gets the answer of its protocol', () => {
    const { fromRomeo } = rigged()
    expect(fromRomeo({ type: 'image/png' }).endings).toMatchObject([
      { kind: 'untranslatable', status: 415, headers: [['Accept', expect.any(String)]] },
    ])
    expect(fromRomeo({ uri: `sips:${JULIET}` }).endings).toMatchObject([
      { kind: 'untranslatable', status: 480 },
    ])
  })

  test('answers in the thread that its Call-ID was invented for', () => {
    const { leg, via, out, fromRomeo, link } = rigged()
    leg.onStanza(via, stanza({}, xml('body', {}, 'hi'), xml('thread', {}, 'no call id: ☂')))
    const callId = out[0]?.request.headers.get('Call-ID') ?? ''
    expect(callId).not.toContain('☂')
    fromRomeo({ callId, fromTag: 'romeos' })
    expect(link.sent[0]?.getChildText('thread')).toBe('no call id: ☂')
    fromRomeo({ callId: 'plain-call', body: 'x' })
    expect(link.sent[1]?.getChildText('thread')).toBe('plain-call')
  })

  test('an error before the confirmation is the answer', () => {
    const { fromRomeo, link, leg, via, counters } = rigged()
    const arrival = fromRomeo()
    const error = errorTo(link.sent[0] as Element, 'item-not-found')
    leg.onStanza(via, error)
    expect(arrival.endings).toMatchObject([{ kind: 'bounced', error }])
    link.confirmAll()
    expect(arrival.endings).toHaveLength(1)
    expect(counters.get('ended.twice')).toBe(0)
    expect(counters.get('xmpp.error')).toBe(1)
    expect(link.sent).toHaveLength(1)
  })

  test('gone with an address gave SIP an xmpp: Contact: it is the SIP address by the addressing of the link', () => {
    const { fromRomeo, link, leg, via } = rigged()
    const arrival = fromRomeo()
    const error = errorTo(link.sent[0] as Element, 'gone')
    error.getChild('error')?.getChildElements()[0]?.t('xmpp:nurse@xmpp.example')
    leg.onStanza(via, error)
    const ending = arrival.endings[0] as Untold
    expect(sipAnswer(ending, { noLiveLink: 480, retryAfter: 1 }, arrival.request)).toMatchObject({
      status: 301,
      headers: [['Contact', '<sip:nurse@xmpp.example>']],
    })
  })

  test('an error with a guessed id from another address changes nothing', () => {
    const { fromRomeo, link, leg, via, counters } = rigged()
    const arrival = fromRomeo()
    leg.onStanza(
      via,
      errorTo(link.sent[0] as Element, 'item-not-found', { from: 'tybalt@xmpp.example/sword' }),
    )
    expect(arrival.endings).toEqual([])
    expect(counters.get('xmpp.unmatched-error')).toBe(1)
    link.confirmAll()
    expect(arrival.endings).toEqual([{ kind: 'delivered' }])
  })

  test('waitForError holds the answer for a quick error after the confirmation', () => {
    const { fromRomeo, link, leg, via, time } = rigged({ waitForError: 200 })
    const [good, bad] = [fromRomeo({ body: 'one' }), fromRomeo({ body: 'two' })]
    link.confirmAll()
    time.pass(150)
    expect(good.endings).toEqual([])
    leg.onStanza(via, errorTo(link.sent[1] as Element, 'service-unavailable'))
    expect(bad.endings).toMatchObject([{ kind: 'bounced' }])
    time.pass(50)
    expect(good.endings).toEqual([{ kind: 'delivered' }])
    time.pass(1000)
    expect(bad.endings).toHaveLength(1)
  })

  test('waitForError does not hold back what has failed', () => {
    const { fromRomeo, link } = rigged({ waitForError: 200 })
    const arrival = fromRomeo()
    link.confirmAll(false)
    expect(arrival.endings).toEqual([failed('no-link')])
  })

  test('a late error becomes a notice only if that is configured, and once', () => {
    for (const lateErrorNotice of [true, false]) {
      const { fromRomeo, link, leg, via, told } = rigged({ lateErrorNotice })
      const arrival = fromRomeo()
      link.confirmAll()
      const error = errorTo(link.sent[0] as Element, 'service-unavailable')
      leg.onStanza(via, error)
      leg.onStanza(via, error)
      expect(told.map((each) => each.error)).toEqual(lateErrorNotice ? [error] : [])
      expect(arrival.endings).toEqual([{ kind: 'delivered' }])
      expect(link.sent).toHaveLength(1)
    }
  })

  test('a late error takes back what the message has taught, whether notices are on or not', () => {
    for (const lateErrorNotice of [true, false]) {
      const failed: Arrival[] = []
      const lessons = {
        isOnTrial: ({ request }: Pick<Arrival, 'request'>) =>
          Buffer.from(request.body).toString() === 'first words',
        failed: (arrival: Pick<Arrival, 'from' | 'to' | 'request'>) => void failed.push(arrival as Arrival),
      }
      const { fromRomeo, link, leg, via, told } = rigged({ lateErrorNotice, lessons })
      const first = fromRomeo({ body: 'first words' })
      fromRomeo({ body: 'to one who is known' })
      link.confirmAll()
      const [one, two] = link.sent.map((sent) => errorTo(sent, 'service-unavailable'))
      leg.onStanza(via, errorTo(link.sent[0] as Element, 'gone', { from: 'tybalt@xmpp.example' }))
      expect(failed).toEqual([])
      for (const error of [one, one, two]) leg.onStanza(via, error as Element)
      // The other is not remembered where nobody wants to know.
      expect(failed).toHaveLength(lateErrorNotice ? 2 : 1)
      expect(failed[0]?.request).toBe(first.request)
      expect(told).toHaveLength(lateErrorNotice ? 2 : 0)
    }
  })

  test('an error after an error is nothing', () => {
    const { fromRomeo, link, leg, via, told } = rigged({ lateErrorNotice: true })
    fromRomeo()
    const error = errorTo(link.sent[0] as Element, 'gone')
    leg.onStanza(via, error)
    leg.onStanza(via, error)
    expect(told).toEqual([])
  })
})
