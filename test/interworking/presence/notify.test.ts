import { describe, expect, test } from 'vitest'
import {
  CATEGORIES_TYPE,
  categoriesToState,
  rangeOf,
  readCategories,
} from '../../../src/interworking/presence/categories.ts'
import { presenceContent, readNotify } from '../../../src/interworking/presence/notify.ts'
import { acceptsPidf, isPresenceEvent } from '../../../src/interworking/presence/package.ts'
import { PIDF_TYPE } from '../../../src/interworking/presence/pidf.ts'
import { stateToPidf } from '../../../src/interworking/presence/presence-to-pidf.ts'
import { type ContactState, leading, NO_RESOURCES } from '../../../src/interworking/presence/state.ts'
import { stanzaToSubscribe } from '../../../src/interworking/presence/subscribe.ts'
import { type HeaderField, Headers } from '../../../src/sip/headers.ts'
import { parseNameAddr } from '../../../src/sip/name-addr.ts'
import { writeRequest } from '../../../src/sip/serialize.ts'
import { uriText } from '../../../src/sip/uri-write.ts'
import { stanzaOf } from '../../support/vectors.ts'
import { AVAILABLE, document, JULIET, LIMITS, NOW, OPEN, stateAfter, tuple } from './support.ts'

interface Parts {
  readonly event?: string
  readonly state?: string
  readonly type?: string
  readonly body?: string
  readonly fields?: readonly HeaderField[]
}

function notify({ event, state, type, body, fields }: Parts, known: ContactState = NO_RESOURCES) {
  const headers = new Headers([
    ['Event', event ?? 'presence'],
    ...(state === '' ? [] : [['Subscription-State', state ?? 'active;expires=60'] as const]),
    ...(type === '' ? [] : [['Content-Type', type ?? PIDF_TYPE] as const]),
    ...(fields ?? []),
  ])
  const octets = new TextEncoder().encode(body ?? document(tuple(OPEN)))
  return readNotify({ kind: 'request', method: 'NOTIFY', uri: JULIET, headers, body: octets }, known, LIMITS)
}
const refusal = (parts: Parts) => {
  const notice = notify(parts)
  return notice.ok ? undefined : notice.error
}

describe('a NOTIFY is read', () => {
  test('its state and its document', () =>
    expect(notify({ event: 'presence;id=1', type: `${PIDF_TYPE};charset="UTF-8"` })).toEqual({
      ok: true,
      value: { subscription: { kind: 'active', expires: 60 }, presence: new Map([['desk', AVAILABLE]]) },
    }))
  test('pending-notify without a body says nothing of presence', () =>
    expect(notify({ state: 'pending;expires=60', body: '', type: '' })).toEqual({
      ok: true,
      value: { subscription: { kind: 'pending', expires: 60 }, presence: undefined },
    }))
  test('Content-Language is the language of the stanza', () => {
    const notice = notify({
      body: document(tuple(`${OPEN}<note>x</note>`)),
      fields: [['Content-Language', 'cs, en']],
    })
    expect(notice.ok && notice.value.presence?.get('desk')).toMatchObject({
      lang: 'cs',
      texts: [{ lang: 'cs', text: 'x' }],
    })
  })
  test('notes without tuples say nothing of presence', () => {
    const notice = notify({ body: document('<note>x</note>') })
    expect(notice.ok && notice.value.presence).toBeUndefined()
  })
  test.for([
    ['another event', { event: 'dialog' }, 489],
    ['a template', { event: 'presence.winfo' }, 489],
    ['another case', { event: 'Presence' }, 489],
    ['no state', { state: '' }, 400],
    ['a wrong state', { state: 'active;expires=soon' }, 400],
    ['another type', { type: 'text/plain' }, 415],
    ['no type', { type: '' }, 415],
    ['a wrong type', { type: 'pidf' }, 415],
    ['another charset', { type: `${PIDF_TYPE};charset=utf-16` }, 415],
    ['a coding', { fields: [['Content-Encoding', 'gzip']] }, 415],
    ['no document', { body: 'hello' }, 400],
    ['an entity', { body: '<!DOCTYPE a><a/>' }, 400],
    ['too much', { body: document(`<note>${'x'.repeat(70_000)}</note>`) }, 413],
  ] as const)('%s is refused', ([, parts, status]) => expect(refusal(parts)?.status).toBe(status))
  test('a refusal says what would be taken', () => {
    expect(refusal({ event: 'dialog' })?.headers).toEqual([['Allow-Events', 'presence']])
    expect(refusal({ type: 'text/plain' })?.headers).toEqual([['Accept', `${PIDF_TYPE}, ${CATEGORIES_TYPE}`]])
  })
})

describe('the content of a NOTIFY', () => {
  test('refresh-without-known-state-is-empty', () =>
    expect(presenceContent(undefined, 'en')).toEqual({ fields: [], body: new Uint8Array(0) }))
  test('type, language and document', () => {
    const state = stateAfter(
      "<presence from='juliet@example.com/a' xml:lang='cs'><status>x</status></presence>",
    )
    const content = presenceContent(stateToPidf(state, { uri: JULIET, timestamp: NOW }), leading(state)?.lang)
    expect(content.fields).toEqual([
      ['Content-Type', PIDF_TYPE],
      ['Content-Language', 'cs'],
    ])
    expect(new TextDecoder().decode(content.body)).toContain('<note xml:lang="cs">x</note>')
  })
})

test.for([
  [[], true],
  [['application/pidf+xml'], true],
  [['text/plain, application/PIDF+xml;q=0.5'], true],
  [['text/plain', 'application/*'], true],
  [['*/*'], true],
  [['application/xpidf+xml'], false],
  [['application/pidf+xml;q=0.0'], false],
  [[''], false],
] as const)('Accept %j takes our documents: %s (RFC 3856 §6.5)', ([values, accepted]) =>
  expect(acceptsPidf(new Headers(values.map((value) => ['Accept', value] as const)))).toBe(accepted),
)
test('without an Event there is no subscription to presence', () =>
  expect(isPresenceEvent(new Headers([]))).toBe(false))

describe('a SUBSCRIBE of an XMPP watcher', () => {
  const context = {
    addressing: { kind: 'straight' },
    callId: 'c1',
    cseq: 7,
    fromTag: 't1',
    gr: 'a b',
    expires: 1800,
    categories: false,
  } as const
  const stanza = (type: string, from = 'juliet@example.com') =>
    stanzaOf(`<presence from="${from}" to="romeo@example.net/desk" type="${type}"/>`)
  const sent = (type: string, from?: string, more?: Partial<typeof context> | { categories: true }) => {
    const result = stanzaToSubscribe(stanza(type, from), { ...context, ...more })
    if (!result.ok) throw new Error(JSON.stringify(result.error))
    return result.value
  }
  test('goes from and to addresses of record, with a Contact of its own', () => {
    const request = sent('subscribe', 'juliet@example.com/balcony')
    expect(request.headers.fields()).toEqual([
      ['Max-Forwards', '70'],
      ['From', '<sip:juliet@example.com>;tag=t1'],
      ['To', '<sip:romeo@example.net>'],
      ['Call-ID', 'c1'],
      ['CSeq', '7 SUBSCRIBE'],
      ['Contact', '<sip:juliet@example.com;gr=a%20b>'],
      ['Event', 'presence'],
      ['Accept', 'application/pidf+xml'],
      ['Expires', '1800'],
    ])
    expect(uriText(request.uri)).toBe('sip:romeo@example.net')
    expect(parseNameAddr(request.headers.get('Contact') ?? '').ok).toBe(true)
    expect(writeRequest(request).toString()).toMatch(/^SUBSCRIBE sip:romeo@example.net SIP\/2.0\r\n/)
  })
  test('probe-is-a-new-dialog-with-expires-zero', () => {
    const { headers } = sent('probe', 'juliet@example.com/chamber')
    expect([headers.get('Expires'), headers.get('To')]).toEqual(['0', '<sip:romeo@example.net>'])
  })
  test('numbers are asked for only where they may come', () =>
    expect(sent('subscribe', undefined, { categories: true }).headers.get('Accept')).toBe(
      `${PIDF_TYPE}, ${CATEGORIES_TYPE}`,
    ))
  test.for(['unsubscribe', 'subscribed', 'unavailable', 'error', ''])('type %j gives none', (type) =>
    expect(stanzaToSubscribe(stanza(type), context)).toEqual({ ok: false, error: { kind: 'ignore' } }),
  )
  test('an address without a SIP form is refused', () =>
    expect(stanzaToSubscribe(stanza('subscribe', 'juliet@[::1]'), context)).toMatchObject({
      error: { kind: 'refuse', condition: 'jid-malformed' },
    }))
})

describe('availability in numbers', () => {
  const SIP = 'http://schemas.microsoft.com/2006/09/sip'
  const categories = (inner: string) =>
    `<categories xmlns='${SIP}/categories' uri='sip:romeo@example.net'>${inner}</categories>`
  const state = (availability: number | string, type = 'aggregateState') =>
    `<category name='state' instance='0'><state xmlns='${SIP}/state' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='${type}'><availability>${availability}</availability></state></category>`
  const note = (body: string) => `<category name='note'><note xmlns='${SIP}/note'>${body}</note></category>`
  const card = `<category name='contactCard'><contactCard xmlns='${SIP}/contactcard'><identity><name><displayName>Romeo M.</displayName></name></identity></contactCard></category>`
  const after = (inner: string, known?: ContactState) => {
    const notice = notify({ type: CATEGORIES_TYPE, body: categories(inner) }, known)
    if (!notice.ok) throw new Error(notice.error.reason)
    return notice.value.presence ?? NO_RESOURCES
  }

  test.for([
    [0, false, undefined],
    [2999, false, undefined],
    [3000, true, undefined],
    [3500, true, undefined],
    [4499, true, undefined],
    [4500, true, 'away'],
    [5999, true, 'away'],
    [6000, true, 'dnd'],
    [8999, true, 'dnd'],
    [9500, true, 'dnd'],
    [11_999, true, 'dnd'],
    [12_500, true, 'away'],
    [17_999, true, 'away'],
    [18_000, false, undefined],
    [18_500, false, undefined],
  ] as const)('%i', ([availability, available, show]) => {
    expect(rangeOf(availability)).toEqual({ available, show })
    expect(after(state(availability)).get('')).toMatchObject({ available, show })
  })
  test('they are of the whole user: presence of the bare address, with note and name', () =>
    expect([...after(state(6500) + note("<body type='personal'>In a duel</body>") + card)]).toEqual([
      ['', { ...AVAILABLE, show: 'dnd', texts: [{ lang: undefined, text: 'In a duel' }], name: 'Romeo M.' }],
    ]))
  test('the state of the user counts before that of a device', () => {
    expect(
      after(state(15_500, 'machineState') + state(3500) + state(9500, 'machineState')).get('')?.show,
    ).toBeUndefined()
    expect(after(state(15_500, 'machineState')).get('')?.show).toBe('away')
  })
  test('what a document does not say stays as it was; an empty note ends the note', () => {
    const known = after(state(6500) + note('<body>In a duel</body>'))
    expect(after(note('<body>At rest</body>'), known).get('')).toMatchObject({
      show: 'dnd',
      texts: [{ text: 'At rest' }],
    })
    expect(after(state(3500), known).get('')).toMatchObject({
      show: undefined,
      texts: [{ text: 'In a duel' }],
    })
    expect(after(note(''), known).get('')).toMatchObject({ show: 'dnd', texts: [] })
  })
  test('a note before any number makes nobody available', () =>
    expect(after(note('<body>x</body>')).get('')?.available).toBe(false))
  test.for(['', '-1', 'many', '1e4', '99999999'])('the number %j is none', (text) => {
    const read = readCategories(new TextEncoder().encode(categories(state(text))), LIMITS)
    expect(read.ok && read.value.availability).toBeUndefined()
  })
  test('hostile and foreign documents are refused', () => {
    const error = (text: string) => {
      const read = readCategories(new TextEncoder().encode(text), LIMITS)
      return read.ok ? undefined : read.error
    }
    expect(error('<!DOCTYPE a><categories/>')).toBe('malformed')
    expect(error(document(''))).toBe('malformed')
    expect(error(categories('x'.repeat(70_000)))).toBe('too-large')
    expect(
      categoriesToState(NO_RESOURCES, { availability: 3500, note: undefined, name: undefined }, 'en').get(''),
    ).toEqual({
      ...AVAILABLE,
      lang: 'en',
    })
  })
})
