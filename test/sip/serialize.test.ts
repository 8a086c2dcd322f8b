import fc from 'fast-check'
import { Parser } from 'sip.js/lib/core/messages/parser.js'
import { describe, expect, test } from 'vitest'
import { escapeUser } from '../../src/sip/escape.ts'
import { type HeaderField, Headers } from '../../src/sip/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message.ts'
import { nameAddrText } from '../../src/sip/name-addr.ts'
import { parseMessage } from '../../src/sip/parse.ts'
import { response } from '../../src/sip/response.ts'
import {
  headerValue,
  SipWriteError,
  safeText,
  writeMessage,
  writeRequest,
  writeResponse,
} from '../../src/sip/serialize.ts'
import type { SipUri } from '../../src/sip/uri.ts'
import { vectorBytes, vectors } from './vectors.ts'

const URI: SipUri = {
  scheme: 'sip',
  user: 'bob',
  password: undefined,
  host: 'example.net',
  port: undefined,
  params: [],
  headers: undefined,
}
const FIELDS: readonly HeaderField[] = [
  ['Via', 'SIP/2.0/UDP a.example;branch=z9hG4bK1'],
  ['Max-Forwards', '70'],
  ['From', '<sip:alice@example.com>;tag=1'],
  ['To', '<sip:bob@example.net>'],
  ['Call-ID', 'one@example.com'],
  ['CSeq', '1 MESSAGE'],
  ['Subject', 'hello'],
]
const request = (changes: Partial<SipRequest> = {}): SipRequest => ({
  kind: 'request',
  method: 'MESSAGE',
  uri: URI,
  headers: new Headers(FIELDS),
  body: new Uint8Array(0),
  ...changes,
})

describe('what could break out of its place is refused', () => {
  const breaks = ['\r', '\n', '\0', '\r\n', '\r\nX: y', '\r\n folded', '\n\r']
  const places: readonly (readonly [string, (bad: string) => SipMessage])[] = [
    ['method', (bad) => request({ method: `MESS${bad}AGE` })],
    ['uri user', (bad) => request({ uri: { ...URI, user: `b${bad}` } })],
    ['uri password', (bad) => request({ uri: { ...URI, password: bad } })],
    ['uri host', (bad) => request({ uri: { ...URI, host: `a${bad}.example` } })],
    ['uri parameter name', (bad) => request({ uri: { ...URI, params: [[bad, undefined]] } })],
    ['uri parameter value', (bad) => request({ uri: { ...URI, params: [['a', bad]] } })],
    ['uri headers', (bad) => request({ uri: { ...URI, headers: bad } })],
    ['im uri', (bad) => request({ uri: { scheme: 'im', user: bad, host: 'a.example' } })],
    ['tel uri', (bad) => request({ uri: { scheme: 'tel', number: bad, params: [] } })],
    ['other uri', (bad) => request({ uri: { scheme: 'other', text: `urn:${bad}` } })],
    ['header name', (bad) => request({ headers: new Headers([...FIELDS, [`X${bad}`, 'y']]) })],
    ...FIELDS.map(
      ([name], i) =>
        [
          `${name} value`,
          (bad: string) =>
            request({
              headers: new Headers(FIELDS.map((field, j) => (i === j ? [name, field[1] + bad] : field))),
            }),
        ] as const,
    ),
    ['reason', (bad) => ({ ...response(request(), 200), reason: `OK${bad}` })],
    ['to tag', (bad) => response(request(), 200, 'OK', { toTag: bad })],
    ['header of a response', (bad) => response(request(), 200, 'OK', { headers: [['Server', bad]] })],
  ]
  for (const [place, make] of places) {
    test.for(breaks)(`${place}: %j`, (bad) => {
      expect(() => writeMessage(make(bad))).toThrow(SipWriteError)
    })
  }
  test.for(breaks)('top Via: %j', (bad) => {
    expect(() => writeRequest(request(), `SIP/2.0/UDP a.example${bad}`)).toThrow(SipWriteError)
  })
  test.for(['', 'X Y', 'X:', 'Ä', 'X\t'])('header name %j', (name) => {
    expect(() => writeRequest(request({ headers: new Headers([...FIELDS, [name, 'y']]) }))).toThrow(
      SipWriteError,
    )
  })
  test.for(['a b', 'a>b', 'ä'])('Request-URI with %j', (text) => {
    expect(() => writeRequest(request({ uri: { scheme: 'other', text: `urn:${text}` } }))).toThrow(
      SipWriteError,
    )
  })
  test.for([99, 700, 200.5, Number.NaN])('status %d', (status) => {
    expect(() => writeResponse({ ...response(request(), 200), status })).toThrow(SipWriteError)
  })
  test('text from outside', () => {
    expect(headerValue('a\r\nb').ok).toBe(false)
    expect(headerValue('größer')).toEqual({ ok: true, value: 'größer' })
    expect(safeText(' a\r\nX: b\0\u2028c\u0085\u007f ')).toBe('a X: b c')
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => headerValue(safeText(text)).ok))
  })
})

describe('what the writer adds', () => {
  test('its own Content-Length, in octets', () => {
    const body = Buffer.from('größer')
    const text = writeRequest(
      request({ body, headers: new Headers([...FIELDS, ['Content-Length', '99']]) }),
    ).toString()
    expect(text.match(/Content-Length: .*/g)).toEqual([`Content-Length: ${body.length}`])
    expect(text.endsWith('\r\n\r\ngrößer')).toBe(true)
  })
  test('a Via above the others', () => {
    const parsed = parseMessage(writeRequest(request(), 'SIP/2.0/TCP us.example;branch=z9hG4bKx'))
    expect(parsed.ok && parsed.value.headers.all('Via')).toEqual([
      'SIP/2.0/TCP us.example;branch=z9hG4bKx',
      'SIP/2.0/UDP a.example;branch=z9hG4bK1',
    ])
  })
})

describe('response', () => {
  test('RFC 3261 §8.2.6: Via, From, To, Call-ID and CSeq are copied, To gets a tag', () => {
    const headers = new Headers([['Via', 'SIP/2.0/UDP p.example'], ...FIELDS, ['Timestamp', '54']])
    expect(response({ headers }, 404, undefined, { toTag: 'x', headers: [['Server', 's']] })).toMatchObject({
      status: 404,
      reason: 'Not Found',
      headers: new Headers([
        ['Via', 'SIP/2.0/UDP p.example'],
        ...FIELDS.filter(([name]) => !['Max-Forwards', 'Subject', 'To'].includes(name)),
      ]),
    })
    const fields = response({ headers }, 404, undefined, { toTag: 'x', headers: [['Server', 's']] }).headers
    expect(fields.all('Via').length).toBe(2)
    expect(fields.get('To')).toBe('<sip:bob@example.net>;tag=x')
    expect(fields.get('Server')).toBe('s')
    expect(fields.get('Timestamp')).toBeUndefined()
  })
  test('a 100 has the Timestamp and no new tag', () => {
    const headers = new Headers([...FIELDS, ['Timestamp', '54']])
    const trying = response({ headers }, 100, undefined, { toTag: 'x' })
    expect(trying.headers.get('Timestamp')).toBe('54')
    expect(trying.headers.get('To')).toBe('<sip:bob@example.net>')
  })
  test('a tag that is there stays', () => {
    const headers = new Headers([['To', 'sip:bob@example.net;tag=old']])
    expect(response({ headers }, 200, 'OK', { toTag: 'x' }).headers.get('To')).toBe(
      'sip:bob@example.net;tag=old',
    )
  })
})

const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-.!%*_+~'), minLength: 1, maxLength: 20 })
const shown = fc.string({ unit: fc.constantFrom(...' abcXYZ019.,;:<>@"\\\'()äß語😀'), maxLength: 20 })
const visible = shown.map((text) => text.trim()).filter((text) => text !== '')
const message = fc
  .record({
    user: visible,
    display: fc.option(visible, { nil: undefined }),
    callId: token,
    branch: token,
    tag: token,
    cseq: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    subject: shown.map(safeText),
    body: fc.string({ unit: 'grapheme', maxLength: 200 }),
    port: fc.integer({ min: 1, max: 65535 }),
  })
  .map((given) => {
    const from = {
      display: given.display,
      uri: { ...URI, user: escapeUser(given.user) },
      params: [['tag', given.tag]] as const,
    }
    return {
      given,
      request: request({
        uri: { ...URI, user: escapeUser(given.user), port: given.port },
        headers: new Headers([
          ['Via', `SIP/2.0/UDP a.example:${given.port};branch=z9hG4bK${given.branch}`],
          ['Max-Forwards', '70'],
          ['From', nameAddrText(from)],
          ['To', '<sip:bob@example.net>'],
          ['Call-ID', given.callId],
          ['CSeq', `${given.cseq} MESSAGE`],
          ['Subject', given.subject],
          ['Content-Type', 'text/plain;charset=UTF-8'],
        ]),
        body: Buffer.from(given.body, 'utf8'),
      }),
    }
  })

const silent = { error() {}, warn() {}, log() {}, debug() {} } as unknown as Parameters<
  typeof Parser.parseMessage
>[1]

test('sip.js reads what we write', () => {
  fc.assert(
    fc.property(message, ({ given, request }) => {
      const read = Parser.parseMessage(writeRequest(request).toString('utf8'), silent)
      if (read === undefined) throw new Error('sip.js refused it')
      expect(read.method).toBe('MESSAGE')
      expect('ruri' in read && read.ruri?.port).toBe(given.port)
      expect(decodeURIComponent(read.from.uri.user ?? '')).toBe(given.user)
      expect(read.fromTag).toBe(given.tag)
      expect(read.callId).toBe(given.callId)
      expect(read.cseq).toBe(given.cseq)
      expect(read.viaBranch).toBe(`z9hG4bK${given.branch}`)
      expect(read.via).toMatchObject({ transport: 'UDP', host: 'a.example', port: given.port })
      expect(read.getHeader('Subject') ?? '').toBe(given.subject)
      expect(read.getHeader('Content-Length')).toBe(String(request.body.length))
      expect(read.body).toBe(Buffer.from(request.body).toString('utf8'))
    }),
    { numRuns: 200 },
  )
})

test('sip.js reads our responses', () => {
  fc.assert(
    fc.property(message, fc.integer({ min: 101, max: 699 }), ({ given, request }, status) => {
      const read = Parser.parseMessage(
        writeResponse(response(request, status, 'Söme reason', { toTag: 'us' })).toString(),
        silent,
      )
      expect(read && 'statusCode' in read && [read.statusCode, read.reasonPhrase]).toEqual([
        status,
        'Söme reason',
      ])
      expect(read?.toTag).toBe('us')
      expect(read?.callId).toBe(given.callId)
    }),
    { numRuns: 50 },
  )
})

const withLength = (value: SipRequest | SipResponse) => [
  ...value.headers.fields(),
  ['Content-Length', String(value.body.length)],
]

test('we read what we write', () => {
  fc.assert(
    fc.property(message, ({ given, request }) => {
      const parsed = parseMessage(writeRequest(request))
      if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('refused')
      const { value } = parsed
      expect(value.uri).toEqual(request.uri)
      expect(value.headers.fields()).toEqual(withLength(request))
      expect(Buffer.from(value.body)).toEqual(Buffer.from(request.body))
      expect(value.headers.from()?.display).toBe(given.display)
    }),
  )
})

test('mutated torture messages never throw, and what is accepted can be written', () => {
  const all = vectors('sip-torture').map(({ file }) => vectorBytes('sip-torture', file))
  const octet = fc.oneof(fc.constantFrom(0, 10, 13, 32, 34, 44, 58, 59, 60, 62, 64, 92, 255), fc.nat(255))
  const edits = fc.array(fc.tuple(fc.nat(4000), octet, fc.constantFrom('set', 'insert', 'delete', 'cut')), {
    maxLength: 6,
  })
  fc.assert(
    fc.property(fc.nat(all.length - 1), edits, (index, changes) => {
      let bytes = Buffer.from(all[index] as Buffer)
      for (const [at, value, what] of changes) {
        const place = at % (bytes.length + 1)
        if (what === 'set' && place < bytes.length) bytes[place] = value
        else if (what === 'insert')
          bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([value]), bytes.subarray(place)])
        else if (what === 'delete')
          bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)])
        else if (place > 200) bytes = bytes.subarray(0, place)
      }
      const parsed = parseMessage(bytes)
      if (parsed.ok) writeMessage(parsed.value)
      else if (parsed.error.kind === 'answer')
        writeResponse(response(parsed.error, parsed.error.status, parsed.error.reason, { toTag: 'x' }))
    }),
    { numRuns: 5000 },
  )
})
