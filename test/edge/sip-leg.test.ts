import { describe, expect, test } from 'vitest'
import { type Ending, failed } from '../../src/edge/arrival.ts'
import { Notices } from '../../src/edge/notices.ts'
import { isNotice } from '../../src/interworking/notice.ts'
import type { Outcome } from '../../src/sip/endpoint/endpoint.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { xmppProvider } from '../federation/fixtures.ts'
import { incoming, OK, rigged, TCP, UDP } from './sip-support.ts'
import {
  arrivalOf,
  countingRandom,
  errorTo,
  JULIET,
  open,
  ROMEO,
  sipMessage,
  sipResponse,
  stanza,
} from './support.ts'

describe('a request from the SIP side', () => {
  test('of a home server goes to the XMPP side, with the home as evidence', () => {
    const { leg, out } = rigged()
    const { value, answers } = incoming(sipMessage())
    leg.onRequest(value)
    expect(out).toMatchObject([
      {
        kind: 'message',
        from: { user: 'romeo', domain: 'sip.example' },
        to: { user: 'juliet', domain: 'xmpp.example' },
        evidence: { kind: 'home', home: 'main' },
      },
    ])
    expect(answers).toEqual([])
    out[0]?.end({ kind: 'delivered' })
    expect(answers).toEqual([{ status: 200, reason: 'OK', headers: [] }])
  })

  test.for([
    ['from another address', {}, { address: '127.0.0.2' }],
    ['on an outside listener', {}, { side: 'outside' }],
    ['with a From in a domain that it does not serve', { from: 'paris@elsewhere.example' }, {}],
    ['with a From on the XMPP side', { from: 'nurse@xmpp.example' }, {}],
  ] as const)('%s is refused with 403', ([, parts, source]) => {
    const { leg, out } = rigged()
    const { value, answers } = incoming(sipMessage(parts), source)
    leg.onRequest(value)
    expect(out).toEqual([])
    expect(answers.map(({ status }) => status)).toEqual([403])
  })

  test('to a domain that nobody knows gets 404, to a disabled provider 403', () => {
    const { leg, rig } = rigged()
    const unknown = incoming(sipMessage({ to: 'x@nowhere.example' }))
    leg.onRequest(unknown.value)
    expect(unknown.answers.map(({ status }) => status)).toEqual([404])
    rig.snapshot = open({ providers: [xmppProvider({ enabled: false })] })
    const disabled = incoming(sipMessage())
    leg.onRequest(disabled.value)
    expect(disabled.answers.map(({ status }) => status)).toEqual([403])
    expect(disabled.answers[0]?.reason).not.toMatch(/disabled|provider/i)
  })

  test.for([
    ['whose From is a telephone number', { from: 'tel:+15551234' }, 403],
    ['whose From has an IP address as host', { from: 'romeo@127.0.0.1' }, 403],
    ['to an IP address', { uri: 'sip:juliet@127.0.0.1' }, 404],
    ['to a telephone number', { uri: 'tel:+15551234' }, 404],
  ] as const)('%s ends at once', ([, parts, status]) => {
    const { leg, out, counters } = rigged()
    const { value, answers } = incoming(sipMessage(parts))
    leg.onRequest(value)
    expect(out).toEqual([])
    expect(answers.map((answer) => answer.status)).toEqual([status])
    expect(counters.get('sip.no-address')).toBe(1)
  })

  test('that we made ourselves has come round: 482', () => {
    const { leg, out, tags, counters } = rigged()
    const { value, answers } = incoming(sipMessage({ fromTag: tags.next() }))
    leg.onRequest(value)
    expect(out).toEqual([])
    expect(answers.map(({ status }) => status)).toEqual([482])
    expect(counters.get('refused.loop')).toBe(1)
  })

  test('of a method that the edge does not carry: 405', () => {
    const { leg } = rigged()
    const { value, answers } = incoming(sipMessage({ method: 'REGISTER' }))
    leg.onRequest(value)
    expect(answers).toMatchObject([{ status: 405 }])
  })

  test('gets 503 with Retry-After once we stop', async () => {
    const { leg, pipeline } = rigged()
    await pipeline.drain(0)
    const { value, answers } = incoming(sipMessage())
    leg.onRequest(value)
    expect(answers).toMatchObject([{ status: 503, headers: [['Retry-After', '30']] }])
  })
})

describe('a request to a home server', () => {
  test('is sent to its hop, and ends by the response', () => {
    const { fromJuliet, sends } = rigged()
    const arrival = fromJuliet({ body: 'wherefore' })
    expect(sends).toMatchObject([{ hop: UDP, body: 'wherefore', options: { backToUdp: false } }])
    expect(arrival.endings).toEqual([])
    sends[0]?.end(OK)
    expect(arrival.endings).toEqual([{ kind: 'delivered' }])
  })

  const refusal = sipResponse(486, 'Busy Here')
  test.for([
    ['202', { kind: 'response', response: sipResponse(202, 'Accepted') }, { kind: 'delivered' }],
    ['486', { kind: 'response', response: refusal }, { kind: 'answered', response: refusal }],
    ['no answer', { kind: 'timeout' }, failed('timeout')],
    ['no connection', { kind: 'transport-failure', reason: 'ECONNREFUSED' }, failed('transport')],
  ] as [string, Outcome, Ending][])('ends by %s', ([, outcome, ending]) => {
    const { fromJuliet, sends } = rigged()
    const arrival = fromJuliet()
    sends[0]?.end(outcome)
    expect(arrival.endings).toEqual([ending])
  })

  test('whose name does not resolve fails as transport', () => {
    const { fromJuliet, sends } = rigged({ places: [] })
    expect(fromJuliet().endings).toEqual([failed('transport')])
    expect(sends).toEqual([])
  })

  test('an ordinary path: over 1300 octets is too large (RFC 3428 §8)', () => {
    const { fromJuliet, sends } = rigged()
    const arrival = fromJuliet({ body: 'x'.repeat(1300) })
    expect(arrival.endings).toEqual([failed('too-large')])
    expect(sends).toEqual([])
    expect(fromJuliet({ body: 'x'.repeat(900) }).endings).toEqual([])
  })

  test('an ordinary path: one open MESSAGE per target, whoever writes', () => {
    const { fromJuliet, sends, bodies, queues } = rigged()
    fromJuliet({ body: '1' })
    fromJuliet({ body: '2', from: 'nurse@xmpp.example' })
    fromJuliet({ body: '3', to: 'paris@sip.example' })
    expect(bodies()).toEqual(['1', '3'])
    expect(queues.waiting).toBe(1)
    sends[0]?.end(OK)
    expect(bodies()).toEqual(['1', '3', '2'])
  })

  test('a congestion-safe path over UDP: one per conversation, in order', () => {
    const { fromJuliet, sends, bodies } = rigged({ row: { congestionSafePath: true } })
    fromJuliet({ body: '1' })
    fromJuliet({ body: '2' })
    fromJuliet({ body: 'n1', from: 'nurse@xmpp.example' })
    expect(bodies()).toEqual(['1', 'n1'])
    sends[0]?.end(OK)
    expect(bodies()).toEqual(['1', 'n1', '2'])
  })

  test('a congestion-safe path over TCP: all at once, in order, of any length', () => {
    const { fromJuliet, bodies, queues, sends } = rigged({ row: { congestionSafePath: true }, places: [TCP] })
    const long = 'x'.repeat(100_000)
    for (const body of ['1', long, '3']) fromJuliet({ body })
    expect(bodies()).toEqual(['1', long, '3'])
    expect(queues.busy).toBe(0)
    expect(sends.every(({ hop }) => hop.transport === 'tcp')).toBe(true)
  })

  test('a line that is full answers busy', () => {
    const { fromJuliet } = rigged({ perTarget: 2 })
    const all = ['1', '2', '3', '4'].map((body) => fromJuliet({ body }))
    expect(all.map(({ endings }) => endings)).toEqual([[], [], [], [failed('busy')]])
  })

  test('a target that does not answer fails those behind it at once, with its reason', () => {
    const { fromJuliet, sends } = rigged()
    const all = ['1', '2', '3'].map((body) => fromJuliet({ body }))
    sends[0]?.end({ kind: 'timeout' })
    expect(all.map(({ endings }) => endings)).toEqual([
      [failed('timeout')],
      [failed('timeout')],
      [failed('timeout')],
    ])
    expect(sends).toHaveLength(1)
  })

  test('a refusal by the target is the affair of that message alone', () => {
    const { fromJuliet, sends, bodies } = rigged()
    fromJuliet({ body: '1' })
    const second = fromJuliet({ body: '2' })
    sends[0]?.end({ kind: 'response', response: sipResponse(486) })
    expect(bodies()).toEqual(['1', '2'])
    sends[1]?.end(OK)
    expect(second.endings).toEqual([{ kind: 'delivered' }])
  })

  test('a long message that finds no TCP does not fail the short ones behind it', () => {
    const { fromJuliet, sends, bodies } = rigged({ row: { congestionSafePath: true } })
    const long = fromJuliet({ body: 'x'.repeat(2_000) })
    const short = fromJuliet({ body: 'short' })
    sends[0]?.end({ kind: 'transport-failure', reason: 'ECONNREFUSED' })
    expect(long.endings).toEqual([failed('transport')])
    expect(bodies().at(-1)).toBe('short')
    sends[1]?.end(OK)
    expect(short.endings).toEqual([{ kind: 'delivered' }])
  })
})

describe('notices', () => {
  function noticing() {
    const rig = rigged()
    const notices = new Notices({
      snapshot: () => rig.rig.snapshot,
      sip: rig.leg,
      loops: rig.loops,
      random: countingRandom(),
      tags: rig.tags,
      counters: rig.counters,
    })
    const sent = stanza({ from: ROMEO, to: JULIET, id: 'n' })
    /** Romeo's message was taken, and its error comes too late. */
    const late = (parts: Parameters<typeof arrivalOf>[0] = {}, condition = 'service-unavailable') => {
      const arrival = arrivalOf({ from: ROMEO, to: JULIET, ...parts })
      notices.tell(arrival, errorTo(sent, condition))
      return arrival
    }
    return { ...rig, late }
  }

  test('tell the SIP sender, from the one who was not reached', () => {
    const { late, sends, counters, tags } = noticing()
    late()
    expect(sends).toHaveLength(1)
    const notice = sends[0]?.request as SipRequest
    expect(uriText(notice.uri)).toBe(`sip:${ROMEO}`)
    expect(notice.headers.get('From')).toContain(`<sip:${JULIET}>`)
    expect(isNotice(notice)).toBe(true)
    expect(tags.isOwn(notice)).toBe(true)
    expect(sends[0]?.body).toMatch(/not delivered/)
    sends[0]?.end(OK)
    expect(counters.get('notice.delivered')).toBe(1)
  })

  test('a notice never causes a notice', () => {
    const { late, sends } = noticing()
    late()
    const notice = sends[0]?.request as SipRequest
    sends[0]?.end({ kind: 'response', response: sipResponse(404) })
    late({ fields: notice.headers.fields().filter(([name]) => name === 'Failure-Notice') })
    expect(sends).toHaveLength(1)
  })

  test('a peer that sends the notice back as a message of its own is stopped', () => {
    const { late, sends, rig, out } = noticing()
    late()
    let rounds = 0
    for (; rounds < 20; rounds++) {
      const notice = sends.at(-1)
      const before = out.length
      const echo = arrivalOf({
        from: ROMEO,
        to: JULIET,
        body: notice?.body ?? '',
        evidence: { kind: 'home', home: 'main' },
      })
      notice?.end(OK)
      rig.pipeline.take(echo)
      if (out.length === before) break
      const count = sends.length
      late({ body: echo.request.body.toString() })
      if (sends.length === count) break
    }
    expect(rounds).toBeLessThan(4)
  })

  test('nobody is told whose domain we do not serve', () => {
    const { late, sends } = noticing()
    late({ from: 'paris@elsewhere.example' })
    expect(sends).toEqual([])
  })
})
