import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageToStanza, stanzaToMessage } from '../../src/interworking/message.ts'
import { parseMessage } from '../../src/sip/parse.ts'
import { uriText } from '../../src/sip/uri-write.ts'
import { Element, xml } from '../../src/xmpp/xml/element.ts'
import { holds, interworkingCases, sipValue, stanzaOf, stanzaValue } from '../support/vectors.ts'
import { message, NOW, TO_SIP, TO_XMPP } from './support.ts'

const stanza = (attrs: Record<string, string>, ...children: (Element | string)[]) =>
  xml('message', { from: 'juliet@example.com/balcony', to: 'romeo@example.net', ...attrs }, ...children)
const sent = (...args: Parameters<typeof stanza>) => {
  const result = stanzaToMessage(stanza(...args), TO_SIP)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}
const text = (request: { body: Uint8Array }) => new TextDecoder().decode(request.body)
const received = (...args: Parameters<typeof message>) => {
  const result = messageToStanza(message(...args), TO_XMPP)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}
const refused = (...args: Parameters<typeof message>) => {
  const result = messageToStanza(message(...args), TO_XMPP)
  return result.ok ? undefined : result.error
}

describe('RFC 7572 examples', () => {
  const cases = interworkingCases('rfc7572')
  test('are all there', () => expect(cases.map((one) => one.id)).toHaveLength(2))
  test.for(cases.map((one) => [one.id, one] as const))('%s', ([, one]) => {
    const raw = one.input[0]?.raw ?? ''
    const wanted = one.expected.find(
      (out) => out.protocol === (one.direction === 'xmpp-to-sip' ? 'sip' : 'xmpp'),
    )
    let valueAt: (path: string) => unknown
    if (one.direction === 'xmpp-to-sip') {
      const result = stanzaToMessage(stanzaOf(raw), TO_SIP)
      if (!result.ok) throw new Error(JSON.stringify(result.error))
      valueAt = (path) => sipValue(result.value, path)
    } else {
      const request = parseMessage(Buffer.from(raw))
      if (!request.ok || request.value.kind !== 'request') throw new Error('not a request')
      const result = messageToStanza(request.value, TO_XMPP)
      if (!result.ok) throw new Error(JSON.stringify(result.error))
      valueAt = (path) => stanzaValue(result.value, path)
    }
    expect(wanted?.assert?.length).toBeGreaterThan(0)
    for (const [path, operator, value] of wanted?.assert ?? [])
      expect([path, valueAt(path), holds(valueAt(path), operator, value)]).toEqual([
        path,
        valueAt(path),
        true,
      ])
  })
})

describe('XMPP to SIP', () => {
  test('message-has-no-contact-and-no-dialog', () => {
    const { headers } = sent({}, xml('body', {}, 'x'))
    expect(headers.get('Contact')).toBeUndefined()
    expect(headers.get('To')).toBe('<sip:romeo@example.net>')
    expect(headers.get('Max-Forwards')).toBe('70')
  })
  test.for(['chat', 'normal', 'headline', 'unheard-of'])('type %s crosses as text', (type) => {
    expect(text(sent({ type }, xml('body', {}, 'x')))).toBe('x')
  })
  test('groupchat to a user is refused', () => {
    const result = stanzaToMessage(stanza({ type: 'groupchat' }, xml('body', {}, 'x')), TO_SIP)
    expect(result).toMatchObject({ error: { kind: 'refuse', condition: 'service-unavailable' } })
  })
  test('an error stanza is never a MESSAGE', () => {
    const result = stanzaToMessage(stanza({ type: 'error' }, xml('body', {}, 'x')), TO_SIP)
    expect(result).toEqual({ ok: false, error: { kind: 'ignore' } })
  })
  test.for([
    ['chat-state', 'composing', 'http://jabber.org/protocol/chatstates'],
    ['chat-state', 'x', 'jabber:x:event'],
    ['receipt', 'received', 'urn:xmpp:receipts'],
    ['marker', 'displayed', 'urn:xmpp:chat-markers:0'],
    ['empty', 'x', 'google:nosave'],
  ] as const)('%s alone (%s) never becomes text', ([what, name, xmlns]) => {
    const result = stanzaToMessage(stanza({ type: 'chat' }, xml(name, { xmlns })), TO_SIP)
    expect(result).toEqual({ ok: false, error: { kind: 'nothing-to-send', what } })
  })
  test('a body of another namespace is not the body', () => {
    const html = xml('html', { xmlns: 'http://jabber.org/protocol/xhtml-im' }, xml('body', {}, 'wrong'))
    expect(text(sent({}, html, xml('body', { xmlns: 'urn:other' }, 'wrong'), xml('body', {}, 'right')))).toBe(
      'right',
    )
  })
  test('the body in the language of the stanza is chosen, with the subject that belongs to it', () => {
    const request = sent(
      { 'xml:lang': 'cs' },
      xml('body', { 'xml:lang': 'en' }, 'good'),
      xml('body', {}, 'dobrý'),
      xml('subject', { 'xml:lang': 'en' }, 'S-en'),
      xml('subject', {}, 'S-cs'),
    )
    expect(text(request)).toBe('dobrý')
    expect(request.headers.get('Subject')).toBe('S-cs')
    expect(request.headers.get('Content-Language')).toBe('cs')
  })
  test('a subject cannot break out of its line', () => {
    const request = sent(
      { 'xml:lang': 'a\r\nb' },
      xml('body', {}, 'x'),
      xml('subject', {}, 'a\r\nContact: b\0\u2028c'),
    )
    expect(request.headers.get('Subject')).toBe('a Contact: b c')
    expect(request.headers.get('Content-Language')).toBeUndefined()
  })
  test('a subject alone is not lost', () => {
    const request = sent({}, xml('subject', {}, 'only'))
    expect([request.headers.get('Subject'), request.body.length]).toEqual(['only', 0])
  })
  test.for([
    ['delay', 'urn:xmpp:delay', '2002-09-10T23:08:25Z'],
    ['delay', 'urn:xmpp:delay', '2002-09-11T01:08:25.5+02:00'],
    ['x', 'jabber:x:delay', '20020910T23:08:25'],
  ] as const)('%s of %s becomes Date', ([name, xmlns, stamp]) => {
    const request = sent({}, xml('body', {}, 'x'), xml(name, { xmlns, stamp }))
    expect(request.headers.get('Date')).toBe('Tue, 10 Sep 2002 23:08:25 GMT')
  })
  test.for(['2099-01-01T00:00:00Z', '2002-02-30T00:00:00Z', 'x'])('stamp %s is left out', (stamp) => {
    const request = sent({}, xml('body', {}, 'x'), xml('delay', { xmlns: 'urn:xmpp:delay', stamp }))
    expect(request.headers.get('Date')).toBeUndefined()
  })
  test('lines end with CR LF, forbidden characters go', () => {
    expect(text(sent({}, xml('body', {}, 'a\nb\0\u{1f600}שלום<&')))).toBe('a\r\nb\u{1f600}שלום<&')
  })
})

describe('SIP to XMPP', () => {
  test.for([
    ['sips-target-is-refused', { uri: 'sips:juliet@example.com' }, 480],
    ['sips-target-is-refused, To', { to: '<sips:juliet@example.com>' }, 480],
    ['tel:', { uri: 'tel:+123' }, 416],
    ['unknown scheme', { uri: 'foo:bar' }, 416],
    ['NUL in the user', { uri: 'sip:%00@example.com' }, 404],
    ['tel: as sender', { from: '<tel:+123>;tag=a' }, 403],
    ['no From', { from: '' }, 400],
    ['unknown-content-type-gives-415-with-accept', { type: 'image/png' }, 415],
    ['IMDN', { type: 'message/imdn+xml' }, 415],
    ['composing', { type: 'application/im-iscomposing+xml' }, 415],
    ['no type', { type: '' }, 415],
    ['unknown charset', { type: 'text/plain;charset=klingon' }, 415],
    ['broken UTF-8', { body: Uint8Array.of(0x61, 0xff) }, 400],
    ['coding', { fields: [['Content-Encoding', 'gzip']] as const }, 415],
  ] as const)('%s', ([, parts, status]) => {
    expect(refused(parts)).toMatchObject({ kind: 'refuse', status })
  })
  test('415 says what is accepted', () => {
    expect(refused({ type: 'image/png' })).toMatchObject({
      headers: [['Accept', expect.stringContaining('text/plain')]],
    })
    expect(refused({ fields: [['Content-Encoding', 'gzip']] })).toMatchObject({
      headers: [['Accept-Encoding', 'identity']],
    })
  })
  test('sip-message-has-no-type-or-normal, unless configured', () => {
    expect(received().attrs.type).toBeUndefined()
    const chat = messageToStanza(message(), { ...TO_XMPP, messageType: 'chat' })
    expect(chat.ok && chat.value.attrs.type).toBe('chat')
  })
  test('language-and-utf8-survive-both-ways', () => {
    const there = received({ body: 'Nic z obého, má děvo', fields: [['Content-Language', 'cs']] })
    expect(there.attrs['xml:lang']).toBe('cs')
    const back = stanzaToMessage(there, TO_SIP)
    expect(back.ok && [text(back.value), back.value.headers.get('Content-Language')]).toEqual([
      'Nic z obého, má děvo',
      'cs',
    ])
  })
  test.for([
    ['ISO-8859-1', Uint8Array.of(0x66, 0xfc), 'fü'],
    ['"utf-8"', new TextEncoder().encode('fü'), 'fü'],
    ['us-ascii', new TextEncoder().encode('f'), 'f'],
  ] as const)('charset %s', ([charset, body, wanted]) => {
    expect(received({ type: `text/plain; charset=${charset}`, body }).getChildText('body')).toBe(wanted)
  })
  test('nothing to say gives no stanza', () =>
    expect(refused({ body: '' })).toEqual({ kind: 'nothing-to-send' }))
  test('an old Date becomes a delay, a recent one does not', () => {
    const old = received({ fields: [['Date', 'Tue, 10 Sep 2002 23:08:25 GMT']] })
    expect(old.getChild('delay', 'urn:xmpp:delay')?.attrs).toMatchObject({
      from: 'gateway.example',
      stamp: '2002-09-10T23:08:25Z',
    })
    expect(
      received({ fields: [['Date', new Date(NOW - 5000).toUTCString()]] }).getChild('delay'),
    ).toBeUndefined()
  })
  test('multipart/alternative gives both forms', () => {
    const body =
      '--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>hi</b>\r\n--b--\r\n'
    const there = received({ type: 'multipart/alternative;boundary=b', body })
    expect(there.getChildText('body')).toBe('hi')
    expect(there.getChild('html')?.toString()).toContain('<strong>hi</strong>')
  })
  test('multipart/mixed with a part that must not be lost is refused', () => {
    const body = '--b\r\n\r\nhi\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--'
    expect(refused({ type: 'multipart/mixed;boundary=b', body })).toMatchObject({ status: 415 })
  })
  test('long HTML is refused before it is read, beside a plain text it is left out', () => {
    const html = '<b>x</b>'.repeat(10_000)
    expect(refused({ type: 'text/html', body: html })).toMatchObject({ status: 413 })
    const both = `--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: text/html\r\n\r\n${html}\r\n--b--\r\n`
    const there = received({ type: 'multipart/alternative;boundary=b', body: both })
    expect(there.getChildText('body')).toBe('hi')
    expect(there.getChild('html')).toBeUndefined()
  })
  test.for([65_536, 200_000])('a body of %i octets crosses whole', (length) => {
    expect(received({ body: 'x'.repeat(length) }).getChildText('body')).toHaveLength(length)
  })
})

describe('properties', () => {
  const xmlString = fc
    .string({ unit: 'binary', minLength: 1 })
    .map((s) => s.replace(/[\0-\x08\x0b-\x1f\ufffe\uffff]/g, ''))
    .filter((s) => s !== '')
  test('text round trip', () => {
    fc.assert(
      fc.property(xmlString, (body) => {
        const request = sent({}, xml('body', {}, body))
        const back = messageToStanza(request, TO_XMPP)
        expect(back.ok && back.value.getChildText('body')).toBe(body)
      }),
    )
  })
  test('never throws, whatever the stanza', () => {
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(''))
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('from', 'to', 'type', 'id', 'xml:lang', 'xmlns', 'stamp'), leaf),
        fc.array(fc.tuple(fc.constantFrom('body', 'subject', 'delay', 'x', 'a:b'), leaf, leaf)),
        (attrs, children) => {
          const element = new Element('message', attrs)
          for (const [name, stamp, content] of children) element.c(name, { stamp }).t(content)
          expect(typeof stanzaToMessage(element, TO_SIP).ok).toBe('boolean')
        },
      ),
    )
  })
  test('never throws, whatever the request', () => {
    const any = fc.string({ unit: 'binary' })
    const type = fc.constantFrom(
      'text/plain',
      'text/html',
      'multipart/mixed;boundary=b',
      'text/plain;charset=x',
      ';',
    )
    fc.assert(
      fc.property(
        any,
        any,
        fc.oneof(type, any),
        fc.uint8Array({ maxLength: 200 }),
        any,
        (from, to, media, body, date) => {
          const request = message({
            from,
            to,
            type: media,
            body,
            fields: [
              ['Date', date],
              ['Subject', date],
            ],
          })
          expect(typeof messageToStanza(request, TO_XMPP).ok).toBe('boolean')
          expect(uriText(request.uri)).not.toBe('')
        },
      ),
    )
  })
})
