import { describe, expect, test } from 'vitest'
import type { IncomingRequest } from '../../../src/sip/endpoint/endpoint.ts'
import { header, udpPeer, until } from '../endpoint/bed.ts'
import { heard, ManualTime, notifierSide, type Place, place, subscriberSide } from './bed.ts'

/** A request of a peer that is nobody's endpoint. */
const text = (
  peer: { readonly port: number },
  method: string,
  parts: {
    to: string
    from: string
    callId: string
    cseq?: number
    lines?: readonly string[]
    body?: string
  },
): string =>
  [
    `${method} sip:someone@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bK${Math.random()};rport`,
    'Max-Forwards: 70',
    `From: ${parts.from}`,
    `To: ${parts.to}`,
    `Call-ID: ${parts.callId}`,
    `CSeq: ${parts.cseq ?? 1} ${method}`,
    ...(parts.lines ?? []),
    ...(parts.body === undefined ? [] : ['Content-Type: application/pidf+xml']),
    `Content-Length: ${parts.body?.length ?? 0}`,
    '',
    parts.body ?? '',
  ].join('\r\n')

const statusOf = (message: string): number => Number(message.split(' ')[1])

describe('NOTIFY as it comes', () => {
  /** A subscriber whose SUBSCRIBE is here and is not answered yet, and a peer that answers NOTIFYs of its own. */
  async function asked() {
    const [a, b] = await Promise.all([place(), place()])
    const juliet = subscriberSide(a, b, new ManualTime())
    const subscription = juliet.subscribe()
    await until(() => b.requests.length === 1)
    const peer = await udpPeer()
    const subscribe = b.requests[0] as IncomingRequest
    const dialog = {
      callId: subscription.dialog.callId,
      to: `<sip:juliet@xmpp.example>;tag=${subscription.dialog.localTag}`,
    }
    const notify = async (
      state: string,
      { tag = 'theirs', event = 'presence', cseq = 1, contact = true, ...rest }: NotifyParts = {},
    ) => {
      const lines = [
        ...(event === '' ? [] : [`Event: ${event}`]),
        ...(state === '' ? [] : [`Subscription-State: ${state}`]),
        ...(contact ? [`Contact: <sip:romeo@127.0.0.1:${peer.port}>`] : []),
      ]
      const from = `<sip:romeo@sip.example>;tag=${tag}`
      peer.send(text(peer, 'NOTIFY', { ...dialog, from, cseq, lines, ...rest }), a.hop.port)
      return statusOf(await peer.next())
    }
    return { juliet, subscription, subscribe, notify, b }
  }
  interface NotifyParts {
    tag?: string
    event?: string
    cseq?: number
    contact?: boolean
    callId?: string
    to?: string
    body?: string
  }

  test('§4.4.1: before the 200; its dialog is the one that counts', async () => {
    const { juliet, subscription, subscribe, notify } = await asked()
    expect(await notify('active;expires=3600', { body: 'open' })).toBe(200)
    await heard(juliet, 'active', 'open')
    subscribe.respond(200, {
      headers: [
        ['Expires', '600'],
        ['Contact', '<sip:elsewhere@192.0.2.1>'],
      ],
    })
    await until(() => subscription.state.kind === 'established')
    expect(subscription.dialog).toMatchObject({ remoteTag: 'theirs', remoteCSeq: 1 })
    expect(subscription.dialog.target).toMatch(/^sip:romeo@127/)
  })

  test('RFC 3856 §6.9: the second of a forked SUBSCRIBE gets 481', async () => {
    const { juliet, subscribe, notify } = await asked()
    subscribe.respond(200, { headers: [['Expires', '600']] })
    expect(await notify('active')).toBe(200)
    expect(await notify('active', { tag: 'another', body: 'closed' })).toBe(481)
    expect(await notify('terminated;reason=rejected', { tag: 'another' })).toBe(481)
    expect(juliet.list).toEqual(['active'])
  })

  test('§4.1.3: what nobody asked for gets 481, what is of another package 489', async () => {
    const { juliet, notify } = await asked()
    expect(await notify('active', { callId: 'other' })).toBe(481)
    expect(await notify('active', { to: '<sip:juliet@xmpp.example>;tag=other' })).toBe(481)
    expect(await notify('active', { to: '<sip:juliet@xmpp.example>' })).toBe(481)
    expect(await notify('active', { event: 'dialog' })).toBe(489)
    expect(await notify('active', { event: '' })).toBe(489)
    expect(await notify('active', { event: 'presence;id=7' })).toBe(481)
    expect(await notify('active', { event: 'presence;foo=7' })).toBe(200)
    expect(juliet.subscriptions.stats().unmatched).toBe(3)
  })

  test.for([
    ['without Subscription-State', '', {}],
    ['with one that cannot be read', 'active;expires', {}],
    ['that makes a dialog and has no Contact', 'active', { contact: false }],
  ] as const)('400 to one %s', async ([, state, parts]) => {
    const { juliet, subscription, notify } = await asked()
    expect(await notify(state, parts)).toBe(400)
    expect([subscription.state.kind, juliet.list]).toEqual(['waiting', []])
  })

  test('RFC 3261 §12.2.2: 500 to a lower number; the state of the highest counts', async () => {
    const { juliet, notify } = await asked()
    expect(await notify('active', { cseq: 5, body: 'new' })).toBe(200)
    expect(await notify('active', { cseq: 4, body: 'old' })).toBe(500)
    expect(await notify('active', { cseq: 50, body: 'newer' })).toBe(200)
    expect(juliet.list).toEqual(['active', 'new', 'newer'])
  })

  test('after the end there is nothing: 481', async () => {
    const { juliet, notify } = await asked()
    expect(await notify('terminated;reason=rejected', { contact: false })).toBe(200)
    expect(await notify('active')).toBe(481)
    expect(juliet.list).toEqual(['ended terminated rejected, lost, never'])
  })

  test('left before anything came: Expires 0 follows in the dialog of the NOTIFY', async () => {
    const { juliet, subscription, subscribe, notify, b } = await asked()
    subscription.leave()
    subscribe.respond(200)
    await until(() => subscription.state.kind === 'waiting' && subscription.state.until !== undefined)
    expect(await notify('active', { body: 'open' })).toBe(200)
    expect(subscription.state.kind).toBe('ending')
    await until(() => b.requests.length === 2)
    const { headers } = (b.requests[1] as IncomingRequest).request
    expect([headers.get('Expires'), headers.cseq()?.number]).toEqual(['0', 2])
    expect(headers.get('To')).toBe('<sip:romeo@sip.example>;tag=theirs')
    expect(juliet.list).toEqual([])
  })
})

describe('SUBSCRIBE as it comes', () => {
  async function notifier(): Promise<{ at: Place; romeo: ReturnType<typeof notifierSide>; peer: Peer }> {
    const [at, nowhere] = await Promise.all([place(), place()])
    const peer = await udpPeer()
    nowhere.take = (incoming) => incoming.respond(200)
    const romeo = notifierSide(at, nowhere, new ManualTime(), {
      options: { intake: { shortest: 300, longest: 3600 } },
    })
    return { at, romeo, peer }
  }
  type Peer = Awaited<ReturnType<typeof udpPeer>>

  const CONTACT = 'Contact: <sip:juliet@127.0.0.1:9>'
  const ask = async (
    at: Place,
    peer: Peer,
    lines: readonly string[],
    parts: object = {},
  ): Promise<string> => {
    const who = { from: '<sip:juliet@xmpp.example>;tag=j', to: '<sip:romeo@sip.example>', callId: 'c1' }
    peer.send(text(peer, 'SUBSCRIBE', { ...who, lines, ...parts }), at.hop.port)
    return peer.next()
  }

  test.for([
    ['an unknown package', ['Event: weather', CONTACT], 489, 'Allow-Events', 'presence'],
    ['no package (§4.2.3)', [CONTACT], 489, 'Allow-Events', 'presence'],
    [
      'no document it could read',
      ['Event: presence', CONTACT, 'Accept: text/plain'],
      406,
      'Accept',
      'application/pidf+xml',
    ],
    ['less than the least', ['Event: presence', CONTACT, 'Expires: 299'], 423, 'Min-Expires', '300'],
    ['no Contact', ['Event: presence'], 400, 'Expires', undefined],
    ['just enough', ['Event: presence', CONTACT, 'Expires: 300'], 200, 'Expires', '300'],
    ['nothing in particular', ['Event: presence', CONTACT], 200, 'Expires', '3600'],
    ['a day', ['Event: presence', CONTACT, 'Expires: 86400'], 200, 'Expires', '3600'],
    ['the state now', ['Event: presence', CONTACT, 'Expires: 0'], 200, 'Expires', '0'],
    [
      'among others, the right one',
      ['Event: presence', CONTACT, 'Accept: text/xml, application/PIDF+xml;q=0.1'],
      200,
      'Expires',
      '3600',
    ],
    ['any document', ['Event: presence', CONTACT, 'Accept: application/*'], 200, 'Expires', '3600'],
  ] as const)('%s', async ([, lines, status, name, value]) => {
    const { at, romeo, peer } = await notifier()
    const answer = await ask(at, peer, lines)
    expect([statusOf(answer), header(answer, name)]).toEqual([status, value])
    if (status !== 200) expect(romeo.watchers.size).toBe(0)
    else expect(header(answer, 'To')).toMatch(/^<sip:romeo@sip\.example>;tag=[\w-]{22}$/)
  })

  test('RFC 3261 §12.1.1: the 200 repeats Record-Route, and has a Contact', async () => {
    const { at, romeo, peer } = await notifier()
    const routes = [
      'Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>',
      'Record-Route: <sip:p3.example;lr>',
    ]
    const answer = await ask(at, peer, ['Event: presence', CONTACT, ...routes])
    expect(answer.match(/^Record-Route: .*$/gm)).toEqual(routes)
    expect(header(answer, 'Contact')).toBe(`<sip:romeo@127.0.0.1:${at.hop.port}>`)
    expect(romeo.only().dialog.routes).toEqual([
      '<sip:p1.example;lr>',
      '<sip:p2.example;lr>',
      '<sip:p3.example;lr>',
    ])
  })

  test('within a dialog: 481 where it is not known, 500 where it is late, 423 and 489 change nothing', async () => {
    const { at, romeo, peer } = await notifier()
    const first = await ask(at, peer, ['Event: presence', CONTACT], { cseq: 5 })
    const to = header(first, 'To')
    const again = async (lines: readonly string[], parts: object = {}): Promise<number> =>
      statusOf(await ask(at, peer, lines, { to, cseq: 6, ...parts }))
    const event = 'Event: presence'
    expect(await again([event], { callId: 'c2' })).toBe(481)
    expect(await again([event], { from: '<sip:juliet@xmpp.example>;tag=k' })).toBe(481)
    expect(await again([event], { to: `${to}x` })).toBe(481)
    expect(await again([event], { cseq: 4 })).toBe(500)
    expect(await again([event, 'Expires: 10'])).toBe(423)
    expect(await again(['Event: weather'])).toBe(489)
    expect(await again(['Event: presence;id=1'])).toBe(481)
    expect(romeo.only().dialog.remoteCSeq).toBe(5)
    expect(await again([event, 'Contact: <sip:moved@127.0.0.1:9>'])).toBe(200)
    expect(romeo.only().dialog).toMatchObject({ remoteCSeq: 6, target: 'sip:moved@127.0.0.1:9' })
    expect(await again([event, 'Expires: 0'], { cseq: 7 })).toBe(200)
    expect(romeo.list).toEqual(['refreshed', 'ended left'])
    expect(romeo.watchers.stats().unmatched).toBe(3)
  })

  test('an offer is answered once', async () => {
    const { at, romeo, peer } = await notifier()
    const made: unknown[] = []
    romeo.offered = (offer) => {
      made.push(offer.accept('pending', 'first'), offer.accept('active', 'second'))
      offer.refuse(403)
    }
    expect(statusOf(await ask(at, peer, ['Event: presence', CONTACT]))).toBe(200)
    expect(made[1]).toBeUndefined()
    expect(romeo.only()).toBe(made[0])
    expect(romeo.only().data).toBe('first')
  })
})
