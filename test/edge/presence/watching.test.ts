import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/edge/counters.ts'
import { BALCONY, judged, OutRig, PAIR, pidf, settled } from './out-rig.ts'

const HERE = pidf({ orchard: 'open' })

describe('to ask', () => {
  test('subscribe-becomes-subscribe-and-stays-silent-until-active', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const subscribe = await rig.next()
    const { uri, headers } = subscribe.request
    expect([uri.scheme, subscribe.expires, headers.get('Event')]).toEqual(['sip', '3600', 'presence'])
    expect(headers.get('Accept')).toContain('application/pidf+xml')
    expect(headers.get('Contact')).toMatch(
      /^<sip:juliet@xmpp\.example;gr=t+1>$|^<sip:juliet@xmpp\.example;gr=t+2>$/,
    )
    subscribe.answer(202, [['Expires', '3600']])
    expect(subscribe.notify('pending;expires=3600')).toBe(200)
    expect(rig.told()).toEqual([])
    expect(subscribe.notify('active;expires=3600', HERE)).toBe(200)
    expect(rig.told()).toEqual(['subscribed', 'orchard'])
    expect(rig.faults).toEqual([])
  })

  test('pending-notify-is-answered-without-stanza, even one with a body, and that is not the state later', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const subscribe = await rig.next()
    subscribe.answer(200)
    expect(subscribe.notify('pending;expires=3600', HERE)).toBe(200)
    expect(subscribe.notify('active;expires=3600')).toBe(200)
    expect(rig.told()).toEqual(['subscribed'])
    rig.probe()
    expect(rig.told()).toEqual([`bare unavailable > ${BALCONY}`])
    subscribe.notify('active;expires=3600', HERE)
    expect(rig.told()).toEqual(['orchard'])
  })

  test('a NOTIFY before the 200, and one of a fork', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const subscribe = await rig.next()
    expect(subscribe.notify('active;expires=3600', HERE)).toBe(200)
    subscribe.answer(200, [['Expires', '3600']])
    subscribe.tag = 'fork'
    expect(subscribe.notify('active;expires=3600', pidf({ crypt: 'open' }))).toBe(481)
    expect(rig.told()).toEqual(['subscribed', 'orchard'])
  })

  test.for([
    [403, 'unsubscribed'],
    [489, 'unsubscribed'],
    [603, 'unsubscribed'],
    [404, 'error item-not-found'],
    [405, 'error feature-not-implemented'],
    [604, 'error item-not-found'],
  ] as const)('%d to the first SUBSCRIBE: %s, and that is all', async ([status, told]) => {
    const rig = new OutRig()
    rig.subscribe('s1')
    ;(await rig.next()).answer(status)
    expect(rig.told()).toEqual([told])
    // RFC 6120 §8.3.1
    if (told.startsWith('error')) expect(rig.stanzas[0]?.attrs.id).toBe('s1')
    expect([rig.watching.size, rig.store.authorizations.size]).toEqual([0, 0])
    rig.pass(3_600_000)
    expect(await rig.asked()).toEqual([])
  })

  test('480, silence and no NOTIFY: asked again less and less often, until nobody will say yes', async () => {
    const rig = new OutRig()
    rig.subscribe()
    ;(await rig.next()).answer(480)
    expect(rig.told()).toEqual([])
    rig.pass(32_000)
    ;(await rig.next()).fail('timeout')
    rig.pass(62_000)
    const silent = await rig.next()
    silent.answer(200, [['Expires', '3600']])
    rig.pass(32_000)
    expect(await rig.asked()).toEqual([])
    rig.pass(122_000)
    ;(await rig.next()).answer(503)
    expect(rig.told()).toEqual([])
    rig.pass(360_000)
    expect(rig.told()).toEqual(['unsubscribed'])
    rig.pass(3_600_000)
    expect([await rig.asked(), rig.watching.size]).toEqual([[], 0])
  })

  test.for([401, 407])('%i: nobody is told no for our credentials, and it is asked again', async (status) => {
    const rig = new OutRig()
    rig.subscribe()
    ;(await rig.next()).answer(status)
    expect(rig.told()).toEqual([])
    rig.pass(62_000)
    ;(await rig.next()).grant(HERE)
    expect(rig.told()).toEqual(['subscribed', 'orchard'])
  })

  test('terminated at once: rejected is a no, probation is not', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const first = await rig.next()
    first.answer(200)
    first.notify('terminated;reason=probation;retry-after=60')
    expect(rig.told()).toEqual([])
    rig.pass(59_000)
    expect(await rig.asked()).toEqual([])
    rig.pass(63_000)
    const second = await rig.next()
    second.answer(200)
    second.notify('terminated;reason=rejected')
    expect(rig.told()).toEqual(['unsubscribed'])
  })

  test('the user is away: somebody may still say yes, and then nothing is refreshed', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const subscribe = await rig.next()
    subscribe.answer(200)
    subscribe.notify('pending;expires=3600')
    rig.presence(false)
    expect(await rig.asked()).toEqual([])
    subscribe.notify('active;expires=3600', HERE)
    expect(rig.told()).toEqual(['subscribed'])
    expect((await rig.next()).expires).toBe('0')
  })

  test('the table is full: told so, and nothing is left behind', async () => {
    const rig = new OutRig({ limit: 1 })
    expect(rig.subscribe()).toEqual({ ok: true, value: undefined })
    const other = { ...PAIR, sip: 'sip:mercutio@sip.example' }
    expect(rig.watching.subscribe(other, judged(), 's')).toEqual({ ok: false, error: 'full' })
    expect(rig.watching.probe(other, judged(), BALCONY)).toEqual({ ok: false, error: 'full' })
    expect([rig.watching.size, rig.store.authorizations.size]).toEqual([1, 1])
    await settled()
    expect(rig.sent).toHaveLength(1)
  })
})

describe('to see', () => {
  test('vanished-tuple-gives-unavailable, and only what changed is told', async () => {
    const rig = new OutRig()
    const subscribe = await rig.seeing(pidf({ orchard: 'open', crypt: 'open' }))
    subscribe.notify('active;expires=3600', pidf({ orchard: { basic: 'open', note: 'here' } }))
    expect(rig.told()).toEqual(['orchard "here"', 'crypt unavailable'])
    subscribe.notify('active;expires=3600', pidf({ orchard: { basic: 'open', note: 'here' } }))
    expect(rig.told()).toEqual([])
    subscribe.notify('active;expires=3600', pidf({ orchard: 'closed' }))
    expect(rig.told()).toEqual(['orchard unavailable'])
    subscribe.notify('active;expires=3600', pidf({}))
    expect(rig.told()).toEqual([])
  })

  test('RFC 3856 §6.8: an empty NOTIFY keeps the last; what cannot be read is refused and changes nothing', async () => {
    const rig = new OutRig()
    const subscribe = await rig.seeing()
    expect(subscribe.notify('active;expires=3000')).toBe(200)
    expect(subscribe.notify('active;expires=3000', '<presence')).toBe(400)
    expect(subscribe.notify('active;expires=3000', HERE, [['Content-Encoding', 'gzip']])).toBe(415)
    expect(rig.told()).toEqual([])
    rig.probe()
    expect(rig.told()).toEqual([`orchard > ${BALCONY}`])
  })

  test('active, then pending again: what was seen is not known any more', async () => {
    const rig = new OutRig()
    const subscribe = await rig.seeing()
    subscribe.notify('pending;expires=3600')
    expect(rig.told()).toEqual(['orchard unavailable'])
    subscribe.notify('active;expires=3600', HERE)
    expect(rig.told()).toEqual(['orchard'])
  })

  test('public providers see neither notes nor rich details, others no notes where the user hides them', async () => {
    const rich =
      '<dm:person xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" id="p"><rpid:mood xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"><rpid:happy/></rpid:mood></dm:person>'
    const document = pidf({ orchard: { basic: 'open', note: 'here' } }, rich)
    const seen = async (verdict: object) => {
      const rig = new OutRig()
      rig.subscribe(undefined, judged(verdict))
      ;(await rig.next()).grant(document)
      const stanza = rig.stanzas.at(-1)
      return { rig, has: [stanza?.getChildText('status'), stanza?.getChild('mood') !== undefined] }
    }
    expect((await seen({})).has).toEqual(['here', true])
    expect((await seen({ hideNotes: true })).has).toEqual([null, true])
    const { rig, has } = await seen({ providerType: 'public' })
    expect(has).toEqual([null, false])
    rig.told()
    rig.probe(BALCONY, judged({ providerType: 'public' }))
    expect(rig.told()).toEqual([`orchard > ${BALCONY}`])
    // The rules change while it runs.
    rig.watching.permit(rig.watch(), judged())
    expect(rig.told()).toEqual(['orchard "here"'])
  })

  test('presence-goes-only-to-the-addressee', async () => {
    const rig = new OutRig()
    await rig.seeing()
    expect(new Set(rig.stanzas.map(({ attrs }) => attrs.to))).toEqual(new Set([PAIR.xmpp]))
    expect(new Set(rig.stanzas.map(({ attrs }) => String(attrs.from).split('/')[0]))).toEqual(
      new Set(['romeo@sip.example']),
    )
  })

  test('with what a SIP user can (XEP-0115)', async () => {
    const rig = new OutRig()
    await rig.seeing()
    expect(rig.stanzas.at(-1)?.getChild('c', 'http://jabber.org/protocol/caps')).toBeDefined()
  })
})

describe('to refresh', () => {
  test('before it expires, with jitter, and a new Expires counts', async () => {
    const rig = new OutRig()
    await rig.seeing(HERE, 600)
    rig.pass(449_000)
    expect(await rig.asked()).toEqual([])
    rig.pass(91_000)
    const refresh = await rig.next()
    expect([refresh.first, refresh.expires]).toEqual([false, '3600'])
    refresh.answer(200, [['Expires', '600']])
    refresh.cseq = 10
    expect(refresh.notify('active;expires=600')).toBe(200)
    rig.pass(540_000)
    expect((await rig.next()).first).toBe(false)
    expect(rig.told()).toEqual([])
  })

  test.for([403, 489, 603])('refresh-403-489-603-cancels-authorization: %d', async (status) => {
    const rig = new OutRig()
    await rig.seeing(HERE, 600)
    rig.pass(540_000)
    ;(await rig.next()).answer(status)
    expect(rig.told()).toEqual(['orchard unavailable', 'unsubscribed'])
    expect([rig.watching.size, rig.store.authorizations.size, rig.store.dialogs.size]).toEqual([0, 0, 0])
    rig.pass(36_000_000)
    expect(await rig.asked()).toEqual([])
  })

  test('refresh-423-481-keeps-authorization: 481 is a new dialog, and Juliet notices nothing', async () => {
    const rig = new OutRig()
    const before = await rig.seeing(HERE, 600)
    rig.pass(540_000)
    ;(await rig.next()).answer(481)
    rig.pass(2000)
    const next = await rig.next()
    expect(next.first).toBe(true)
    expect(next.request.headers.get('Call-ID')).not.toBe(before.request.headers.get('Call-ID'))
    next.grant(HERE)
    expect(rig.told()).toEqual([])
    expect(rig.store.authorizations.get(PAIR.sip)?.state).toBe('granted')
  })

  test('refresh-423-481-keeps-authorization: 423 is asked again with Min-Expires', async () => {
    const rig = new OutRig({ expires: 600 })
    await rig.seeing(HERE, 600)
    rig.pass(540_000)
    ;(await rig.next()).answer(423, [['Min-Expires', '1200']])
    const next = await rig.next()
    expect([next.first, next.expires]).toEqual([false, '1200'])
    expect(rig.told()).toEqual([])
  })

  test('without any answer: unknown to Juliet, and asked for anew', async () => {
    const rig = new OutRig()
    await rig.seeing(HERE, 600)
    rig.pass(540_000)
    ;(await rig.next()).fail('timeout')
    expect(rig.told()).toEqual(['orchard unavailable'])
    rig.pass(32_000)
    ;(await rig.next()).grant(HERE)
    // There is an authorization: no second `subscribed`.
    expect(rig.told()).toEqual(['orchard'])
  })

  test('a new subscription that is granted without a document: what was shown is not the state', async () => {
    const rig = new OutRig()
    const subscribe = await rig.seeing()
    subscribe.notify('terminated;reason=deactivated')
    rig.pass(2000)
    expect(rig.told()).toEqual([])
    ;(await rig.next()).grant('')
    expect(rig.told()).toEqual(['orchard unavailable'])
  })

  test('refresh-only-while-xmpp-user-is-present', async () => {
    const rig = new OutRig()
    await rig.seeing(HERE, 600)
    rig.presence(false)
    const leave = await rig.next()
    expect([leave.first, leave.expires]).toEqual([false, '0'])
    leave.answer(200)
    leave.cseq = 10
    leave.notify('terminated;reason=timeout', pidf({ orchard: 'closed' }))
    rig.pass(36_000_000)
    expect(await rig.asked()).toEqual([])
    expect(rig.told()).toEqual([])
    expect(rig.store.authorizations.get(PAIR.sip)?.state).toBe('granted')
    rig.probe()
    ;(await rig.next()).grant(HERE)
    expect(rig.told()).toEqual(['orchard'])
  })

  test('back while it was leaving: asked for anew as soon as the notifier knows, without its last NOTIFY', async () => {
    const rig = new OutRig()
    const first = await rig.seeing()
    rig.presence(false)
    const leave = await rig.next()
    rig.probe()
    expect(await rig.asked()).toEqual([])
    leave.answer(200)
    const next = await rig.next()
    expect([next.first, next.expires]).toEqual([true, '3600'])
    // The old dialog may end in its own time.
    expect(first.notify('terminated;reason=timeout', pidf({ orchard: 'closed' }))).toBe(200)
    next.grant(HERE)
    expect(rig.told()).toEqual(['orchard'])
  })
})

describe('terminated', () => {
  test.for([
    ['deactivated', 2000],
    ['timeout', 2000],
    ['probation', 32_000],
    ['probation;retry-after=600', 602_000],
    ['giveup', 32_000],
    ['giveup;retry-after=600', 602_000],
    ['weather', 32_000],
  ] as const)('%s: asked for anew within %d ms, and without a no', async ([reason, within]) => {
    const rig = new OutRig()
    const subscribe = await rig.seeing()
    subscribe.notify(`terminated;reason=${reason}`)
    expect(rig.told()).toEqual(within > 2000 ? ['orchard unavailable'] : [])
    rig.pass(within - 3000)
    expect(await rig.asked()).toEqual([])
    rig.pass(3000)
    expect((await rig.next()).first).toBe(true)
  })

  test.for(['rejected', 'noresource'])('%s: no', async (reason) => {
    const rig = new OutRig()
    ;(await rig.seeing()).notify(`terminated;reason=${reason}`)
    expect(rig.told()).toEqual(['orchard unavailable', 'unsubscribed'])
    expect([rig.watching.size, rig.store.authorizations.size]).toEqual([0, 0])
  })

  test('invariant: it stays as it is, and nobody asks, not even for somebody who comes', async () => {
    const rig = new OutRig()
    ;(await rig.seeing()).notify('terminated;reason=invariant;retry-after=5', pidf({ desk: 'open' }))
    expect(rig.told()).toEqual(['desk', 'orchard unavailable'])
    rig.pass(3_600_000)
    rig.presence(false)
    rig.presence(true)
    rig.probe()
    expect(rig.told()).toEqual(['desk', `desk > ${BALCONY}`])
    expect(await rig.asked()).toEqual([])
  })

  test('again and again: less and less often', async () => {
    const rig = new OutRig()
    let one = await rig.seeing()
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      one.notify('terminated;reason=timeout')
      let waited = 0
      for (;;) {
        rig.pass(1000)
        waited++
        const [next] = await rig.asked()
        if (next === undefined) continue
        one = next
        break
      }
      waits.push(waited)
      one.grant(HERE)
    }
    expect(waits[0]).toBeLessThanOrEqual(2)
    expect(waits.at(-1)).toBeGreaterThan(200)
  })

  test('Retry-After holds whoever comes meanwhile', async () => {
    const rig = new OutRig()
    ;(await rig.seeing()).notify('terminated;reason=probation;retry-after=600')
    rig.presence(false)
    rig.presence(true)
    rig.probe()
    rig.subscribe()
    rig.pass(599_000)
    expect(await rig.asked()).toEqual([])
    rig.pass(3000)
    expect((await rig.next()).first).toBe(true)
  })
})

describe('to end', () => {
  test('unsubscribe-sends-expires-zero-in-dialog-and-no-notify', async () => {
    const rig = new OutRig()
    await rig.seeing()
    rig.unsubscribe()
    const leave = await rig.next()
    expect([leave.request.method, leave.first, leave.expires]).toEqual(['SUBSCRIBE', false, '0'])
    expect(rig.told()).toEqual([])
    leave.answer(200)
    expect(rig.told()).toEqual(['orchard unavailable'])
    rig.pass(1000)
    expect(rig.told()).toEqual(['unsubscribed'])
    leave.cseq = 10
    expect(leave.notify('terminated;reason=timeout', pidf({ orchard: 'closed' }))).toBe(200)
    expect(rig.told()).toEqual([])
    expect([rig.watching.size, rig.store.authorizations.size, rig.store.dialogs.size]).toEqual([0, 0, 0])
    expect(rig.sent.map(({ request }) => request.method)).toEqual(['SUBSCRIBE', 'SUBSCRIBE'])
  })

  test.for(['481', 'timeout'] as const)(
    'the notifier does not take it (%s): the user has ended it all the same',
    async (how) => {
      const rig = new OutRig()
      await rig.seeing()
      rig.unsubscribe()
      const leave = await rig.next()
      if (how === 'timeout') leave.fail()
      else leave.answer(481)
      rig.pass(1000)
      expect(rig.told()).toEqual(['orchard unavailable', 'unsubscribed'])
      expect(rig.watching.size).toBe(0)
    },
  )

  test('before anybody answered: Expires 0 as soon as there is a dialog', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const subscribe = await rig.next()
    rig.unsubscribe()
    subscribe.answer(200)
    expect(subscribe.notify('active;expires=3600', HERE)).toBe(200)
    const leave = await rig.next()
    expect([leave.first, leave.expires]).toEqual([false, '0'])
    leave.answer(200)
    rig.pass(1000)
    expect(rig.told()).toEqual(['unsubscribed'])
  })

  test('removed and asked for again within a second: what was over is not told as the answer', async () => {
    const rig = new OutRig()
    await rig.seeing()
    rig.unsubscribe()
    ;(await rig.next()).answer(200)
    rig.pass(900)
    rig.subscribe('s2')
    rig.pass(1000)
    expect(rig.told()).toEqual(['orchard unavailable'])
    ;(await rig.next()).grant(HERE)
    rig.pass(1000)
    expect(rig.told()).toEqual(['subscribed', 'orchard'])
  })

  test('without a subscription the same: unsubscribe, and subscribe right behind it', async () => {
    const rig = new OutRig()
    rig.unsubscribe()
    rig.subscribe('s2')
    rig.pass(1000)
    expect(rig.told()).toEqual([])
    ;(await rig.next()).answer(603)
    expect(rig.told()).toEqual(['unsubscribed'])
  })

  test('more ends than may be held back are told at once', () => {
    const rig = new OutRig({ limit: 1 })
    for (const name of ['mercutio', 'romeo'])
      rig.watching.unsubscribe({ ...PAIR, sip: `sip:${name}@sip.example` })
    expect(rig.told()).toEqual(['unsubscribed'])
    rig.pass(1000)
    expect(rig.stanzas.map(({ attrs }) => attrs.from)).toEqual(['romeo@sip.example', 'mercutio@sip.example'])
  })

  test('subscribed again meanwhile: never told unsubscribed, which would be taken for the answer', async () => {
    const rig = new OutRig()
    await rig.seeing()
    rig.unsubscribe()
    const leave = await rig.next()
    rig.subscribe('s2')
    expect(await rig.asked()).toEqual([])
    leave.answer(200)
    expect(rig.told()).toEqual(['orchard unavailable'])
    const next = await rig.next()
    expect([next.first, next.expires]).toEqual([true, '3600'])
    leave.cseq = 10
    leave.notify('terminated;reason=timeout')
    expect(rig.watch().authorization).toBe('asked')
    next.grant(HERE)
    expect(rig.told()).toEqual(['subscribed', 'orchard'])
    expect(rig.store.authorizations.get(PAIR.sip)?.state).toBe('granted')
  })

  test('ended by the rules, for good and for a while', async () => {
    const rig = new OutRig()
    await rig.seeing()
    rig.watching.refuse(rig.watch(), true)
    const leave = await rig.next()
    expect([leave.expires, ...rig.told()]).toEqual(['0', 'orchard unavailable'])
    leave.answer(200)
    rig.presence(false)
    rig.presence(true)
    rig.pass(3_600_000)
    expect(await rig.asked()).toEqual([])
    rig.permit()
    ;(await rig.next()).grant(HERE)
    expect(rig.told()).toEqual(['orchard'])
    rig.watching.refuse(rig.watch(), false)
    expect((await rig.next()).expires).toBe('0')
    expect(rig.told()).toEqual(['orchard unavailable', 'unsubscribed'])
    expect(rig.store.authorizations.size).toBe(0)
  })
})

describe('to probe', () => {
  test('probe-is-a-new-dialog-with-expires-zero, answered to whoever asks', async () => {
    const rig = new OutRig()
    rig.probe()
    const fetch = await rig.next()
    expect([fetch.first, fetch.expires]).toEqual([true, '0'])
    fetch.answer(200, [['Expires', '0']])
    expect(fetch.notify('terminated;reason=timeout', pidf({ orchard: 'open', crypt: 'closed' }))).toBe(200)
    expect(rig.told()).toEqual([`orchard > ${BALCONY}`])
    expect([rig.watching.size, rig.store.authorizations.size, rig.store.dialogs.size]).toEqual([0, 0, 0])
    rig.probe()
    const second = await rig.next()
    second.answer(200)
    second.notify('terminated;reason=timeout', pidf({ orchard: 'closed' }))
    expect(rig.told()).toEqual([`bare unavailable > ${BALCONY}`])
  })

  test('several at once are one SUBSCRIBE, and all devices are told', async () => {
    const rig = new OutRig()
    rig.probe()
    rig.probe()
    rig.probe('juliet@xmpp.example/chamber')
    const fetch = await rig.next()
    fetch.answer(200)
    fetch.notify('terminated;reason=timeout', HERE)
    expect(rig.told()).toEqual(['orchard'])
    rig.probe()
    expect((await rig.next()).first).toBe(true)
  })

  test('nobody has decided: nothing is told, whatever the document says', async () => {
    const rig = new OutRig()
    rig.probe()
    const fetch = await rig.next()
    fetch.answer(200)
    expect(fetch.notify('pending;expires=0', HERE)).toBe(200)
    expect(rig.told()).toEqual([])
  })

  test.for([403, 603])('%d: there is no authorization (RFC 6121 §4.3.2)', async (status) => {
    const rig = new OutRig()
    rig.probe()
    ;(await rig.next()).answer(status)
    expect(rig.told()).toEqual(['unsubscribed'])
  })

  test('the user has asked for an authorization meanwhile: a no to the fetch is none to that', async () => {
    const rig = new OutRig()
    rig.probe()
    const fetch = await rig.next()
    rig.subscribe()
    const subscribe = await rig.next()
    fetch.answer(403)
    expect(rig.told()).toEqual([])
    subscribe.grant(HERE)
    expect(rig.told()).toEqual(['subscribed', 'orchard'])
  })

  test('with an authorization: what is known, to that device alone', async () => {
    const rig = new OutRig()
    await rig.seeing(pidf({ orchard: 'open', crypt: 'open' }))
    rig.probe()
    expect(rig.told()).toEqual([`orchard > ${BALCONY}`, `crypt > ${BALCONY}`])
    expect(await rig.asked()).toEqual([])
  })
})

describe('nobody decides', () => {
  const ask = (rig: OutRig, xmpp: string, name: string) =>
    rig.watching.subscribe({ ...PAIR, xmpp, sip: `sip:${name}@sip.example` }, judged(), undefined)

  test('one domain does not fill the table with requests that wait; others still may, and it may again', async () => {
    const counters = new Counters()
    const rig = new OutRig({ pending: 2, counters })
    rig.subscribe()
    const first = await rig.next()
    expect(ask(rig, 'juliet@xmpp.example', 'mercutio')).toEqual({ ok: true, value: undefined })
    expect(ask(rig, 'nurse@xmpp.example', 'romeo')).toEqual({ ok: false, error: 'full' })
    expect(ask(rig, 'rosaline@other.example', 'romeo').ok).toBe(true)
    expect([rig.watching.size, counters.get('presence.pending')]).toEqual([3, 1])
    first.grant(HERE)
    expect(ask(rig, 'nurse@xmpp.example', 'romeo').ok).toBe(true)
  })

  test('a request on which nobody decides is given up, however well its subscription stands', async () => {
    const counters = new Counters()
    const rig = new OutRig({ giveUp: 600_000, counters })
    rig.subscribe()
    const subscribe = await rig.next()
    subscribe.answer(200)
    subscribe.notify('pending;expires=3600')
    rig.pass(599_000)
    expect([rig.told(), await rig.asked()]).toEqual([[], []])
    rig.pass(61_000)
    expect(rig.told()).toEqual(['unsubscribed'])
    expect((await rig.next()).expires).toBe('0')
    expect([rig.watching.size, rig.store.authorizations.size, rig.store.dialogs.size]).toEqual([0, 0, 0])
    expect(counters.get('presence.given-up')).toBe(1)
    expect(rig.faults).toEqual([])
  })

  test('whoever was let in is never given up', async () => {
    const rig = new OutRig({ giveUp: 600_000 })
    await rig.seeing()
    rig.pass(1_200_000)
    expect([rig.told(), rig.watching.size]).toEqual([[], 1])
  })
})

describe('the link is gone', () => {
  test('what changes meanwhile is told when it is back, the answer too', async () => {
    const rig = new OutRig()
    rig.subscribe()
    const subscribe = await rig.next()
    subscribe.answer(200)
    rig.link.live = false
    subscribe.notify('active;expires=3600', HERE)
    subscribe.notify('active;expires=3600', pidf({ crypt: 'open' }))
    rig.link.live = true
    rig.settle()
    rig.watching.renew(rig.watch())
    expect(rig.told()).toEqual(['subscribed', 'crypt'])
    rig.settle()
    expect(rig.told()).toEqual([])
  })

  test('an authorization that ended is told, with all that had been shown', async () => {
    const rig = new OutRig()
    const subscribe = await rig.seeing()
    rig.link.live = false
    subscribe.notify('terminated;reason=rejected')
    expect(rig.watching.size).toBe(0)
    rig.link.live = true
    rig.settle()
    expect(rig.told()).toEqual(['orchard unavailable', 'unsubscribed'])
  })

  test('back: all is told again, what vanished as well', async () => {
    const rig = new OutRig()
    const subscribe = await rig.seeing(pidf({ orchard: 'open', crypt: 'open' }))
    rig.link.live = false
    subscribe.notify('active;expires=3600', HERE)
    rig.link.live = true
    rig.watching.renew(rig.watch())
    expect(rig.told()).toEqual(['orchard', 'crypt unavailable'])
  })
})

test('a NOTIFY of somebody else is not let into the dialog, whoever may speak to Juliet', async () => {
  const rig = new OutRig()
  const subscribe = await rig.seeing()
  subscribe.sender = 'tybalt@sip.example'
  expect(subscribe.notify('active;expires=3600', pidf({}))).toBe(481)
  expect(rig.told()).toEqual([])
  subscribe.sender = 'Romeo@SIP.example'
  expect(subscribe.notify('active;expires=3600', pidf({}))).toBe(200)
  expect(rig.told()).toEqual(['orchard unavailable'])
})

describe('after a start', () => {
  const restarted = (old: OutRig): OutRig => {
    const rig = new OutRig()
    for (const one of old.store.authorizations.values()) rig.watching.restore(one)
    return rig
  }
  const kept = (old: OutRig) => {
    const [dialog] = old.store.dialogs.values()
    const { saved, home, shown } = JSON.parse(dialog?.body ?? '')
    return { saved, home, shown }
  }

  test('the dialog goes on: refreshed, and nothing is said before its answer is here', async () => {
    const old = new OutRig()
    const before = await old.seeing(pidf({ orchard: 'open', crypt: 'open' }))
    const rig = restarted(old)
    expect(rig.watching.resume(rig.watch(), kept(old), 1000)).toBe(true)
    rig.watching.permit(rig.watch(), judged({ hideNotes: true }))
    rig.watching.renew(rig.watch())
    rig.probe(BALCONY, judged({ hideNotes: true }))
    expect(rig.told()).toEqual([])
    rig.pass(1000)
    const refresh = await rig.next()
    expect([refresh.first, refresh.request.headers.get('Call-ID')]).toEqual([
      false,
      before.request.headers.get('Call-ID'),
    ])
    refresh.answer(200)
    refresh.cseq = 10
    refresh.notify('active;expires=3600', HERE)
    expect(rig.told()).toEqual(['orchard', 'crypt unavailable'])
  })

  test('nobody knows the dialog: a new one, and Juliet notices nothing', async () => {
    const old = new OutRig()
    await old.seeing()
    const rig = restarted(old)
    rig.watching.resume(rig.watch(), kept(old), 1000)
    rig.permit()
    rig.pass(1000)
    ;(await rig.next()).answer(481)
    rig.pass(2000)
    ;(await rig.next()).grant(HERE)
    expect(rig.told()).toEqual(['orchard'])
  })

  test('without a dialog: asked for once somebody is there to hear it', async () => {
    const old = new OutRig()
    await old.seeing()
    const rig = restarted(old)
    rig.watching.wake(rig.watch())
    expect(await rig.asked()).toEqual([])
    rig.permit(judged({ hideNotes: true }))
    ;(await rig.next()).grant(pidf({ orchard: { basic: 'open', note: 'here' } }))
    expect(rig.told()).toEqual(['orchard'])
    rig.permit()
    expect(rig.told()).toEqual(['orchard "here"'])
  })

  test('until the rules are asked Juliet sees nothing that her rules may forbid by now', async () => {
    const old = new OutRig()
    await old.seeing()
    const rig = restarted(old)
    rig.watching.resume(rig.watch(), kept(old), 1000)
    rig.pass(1000)
    const refresh = await rig.next()
    refresh.answer(200)
    refresh.cseq = 10
    refresh.notify('active;expires=3600', HERE)
    expect(rig.told()).toEqual([])
    rig.watching.refuse(rig.watch(), false)
    expect(rig.told()).toEqual(['orchard unavailable', 'unsubscribed'])
  })
})
