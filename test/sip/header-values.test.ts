import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCSeq } from '../../src/sip/cseq.ts'
import { parseSipDate, sipDateText } from '../../src/sip/date.ts'
import { canonicalName } from '../../src/sip/header-names.ts'
import { Headers } from '../../src/sip/headers.ts'
import { charsetOf, contentTypeText, parseContentType } from '../../src/sip/media-type.ts'
import { nameAddrText, parseNameAddr, parseNameAddrs } from '../../src/sip/name-addr.ts'
import { param, splitList } from '../../src/sip/scan.ts'
import { parseVia, viaText, withFirst } from '../../src/sip/via.ts'

describe('canonicalName', () => {
  test.for([
    ['i', 'Call-ID'],
    ['CALL-id', 'Call-ID'],
    ['cseq', 'CSeq'],
    ['M', 'Contact'],
    ['www-authenticate', 'WWW-Authenticate'],
    ['sip-etag', 'SIP-ETag'],
    ['ms-edge-proxy-message-trust', 'Ms-Edge-Proxy-Message-Trust'],
    ['MS-EDGE-PROXY-MESSAGE-TRUST', 'Ms-Edge-Proxy-Message-Trust'],
    ['x', 'Session-Expires'],
    ['constructor', 'Constructor'],
    // The Kelvin sign is no k.
    ['\u212a', '\u212a'],
  ] as const)('%s → %s', ([raw, name]) => expect(canonicalName(raw)).toBe(name))
})

describe('parseNameAddr', () => {
  test.for([
    ['"A \\"B\\" \\\\C" <sip:a@b.example;lr>;tag=x', 'A "B" \\C', 'sip', [['tag', 'x']]],
    ['Alice van Dyk<sip:a@b.example>', 'Alice van Dyk', 'sip', []],
    ['sip:a@b.example;tag=x', undefined, 'sip', [['tag', 'x']]],
    [
      '<tel:+1201>;expires = 3 ; q=0.5',
      undefined,
      'tel',
      [
        ['expires', '3'],
        ['q', '0.5'],
      ],
    ],
    ['""<sip:a@b.example>', '', 'sip', []],
    ['sip:a@b.example;x="<sip:c@d.example>"', undefined, 'sip', [['x', '"<sip:c@d.example>"']]],
  ] as const)('%s', ([value, display, scheme, params]) => {
    const parsed = parseNameAddr(value)
    expect(parsed.ok && { ...parsed.value, uri: parsed.value.uri.scheme }).toEqual({
      display,
      uri: scheme,
      params,
    })
  })
  test.for([
    ['"A <sip:a@b.example>', 'unclosed'],
    ['<sip:a@b.example', 'unclosed'],
    ['Bell, A <sip:a@b.example>', 'bad-display-name'],
    ['"A" sip:a@b.example', 'bad-display-name'],
    ['< sip:a@b.example >', 'no-scheme'],
    ['<sip:a@b.example>;tag=a;tag=b', 'bad-params'],
    ['<sip:a@b.example>, <sip:c@d.example>', 'bad-params'],
    ['<sip:a@b.example> junk', 'bad-params'],
    ['sip:a@b.example?x=y', 'uri-needs-brackets'],
    ['', 'no-scheme'],
    ['*', 'no-scheme'],
  ] as const)('%s is refused: %s', ([value, error]) =>
    expect(parseNameAddr(value)).toEqual({ ok: false, error }),
  )

  test('a list respects quotes and brackets', () => {
    const value = '"a, b" <sip:x,y@b.example>, <sip:c@d.example>;q=1'
    expect(splitList(value)).toEqual(['"a, b" <sip:x,y@b.example>', '<sip:c@d.example>;q=1'])
    const parsed = parseNameAddrs(value)
    expect(parsed.ok && parsed.value.map((address) => address.display)).toEqual(['a, b', undefined])
    expect(splitList('"a, b')).toBeUndefined()
    expect(splitList('<a, b')).toBeUndefined()
  })

  test('any display name survives', () => {
    const uri = { scheme: 'sip', user: 'a', password: undefined, host: 'b.example', port: undefined } as const
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (display) => {
        const value = {
          display,
          uri: { ...uri, params: [], headers: undefined },
          params: [['tag', 'x']] as const,
        }
        expect(parseNameAddr(nameAddrText(value))).toEqual({ ok: true, value })
      }),
    )
  })
})

describe('Via', () => {
  test('one line, two hops, odd spaces', () => {
    const parsed = parseVia(
      'SIP / 2.0 / udp [2001:DB8::1]:5062 ;branch = z9hG4bK1;rport, SIP/2.0/TCP h.example',
    )
    expect(parsed.ok && parsed.value.map(viaText)).toEqual([
      'SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bK1;rport',
      'SIP/2.0/TCP h.example',
    ])
  })
  test.for([
    '',
    'SIP/2.0 h.example',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP h;;',
    'SIP/2.0/UDP h:99999',
    'SIP/2.0/UDP h;a=1;a=2',
  ])('%j is refused', (value) => expect(parseVia(value).ok).toBe(false))
  test('the first hop of several in one line is another, and the others stay', () => {
    const line = 'SIP/2.0/UDP a.example;x="1,2", SIP/2.0/UDP b.example'
    expect(new Headers([['Via', line]]).topVia()?.host).toBe('a.example')
    expect(withFirst(line, 'SIP/2.0/TCP z.example')).toBe('SIP/2.0/TCP z.example, SIP/2.0/UDP b.example')
    expect(withFirst('SIP/2.0/UDP a.example', 'SIP/2.0/TCP z.example')).toBe('SIP/2.0/TCP z.example')
  })
})

describe('CSeq', () => {
  test.for([
    ['4294967295 INVITE', 4294967295],
    ['0009  INVITE', 9],
  ] as const)('%s', ([value, number]) =>
    expect(parseCSeq(value)).toEqual({ ok: true, value: { number, method: 'INVITE' } }),
  )
  test.for(['4294967296 INVITE', '-1 INVITE', '1', 'INVITE', '1 IN VITE', '1 INVITE,', '', '1e3 INVITE'])(
    '%j is refused',
    (value) => expect(parseCSeq(value).ok).toBe(false),
  )
})

describe('Content-Type', () => {
  test('charset, quoted', () => {
    const parsed = parseContentType('Text / PLAIN ; Charset="UTF-8";format=flowed')
    if (!parsed.ok) throw new Error(parsed.error)
    expect(parsed.value).toMatchObject({ type: 'text', subtype: 'plain' })
    expect(charsetOf(parsed.value)).toBe('utf-8')
    expect(param(parsed.value.params, 'format')).toBe('flowed')
    expect(contentTypeText(parsed.value)).toBe('text/plain;charset="UTF-8";format=flowed')
  })
  test.for(['text', 'text/', '/plain', 'text/plain;', 'text/plain; charset', 'text plain', 'a/b, c/d'])(
    '%j',
    (value) => expect(parseContentType(value).ok).toBe(value === 'text/plain; charset'),
  )
})

describe('Date', () => {
  test('RFC 3261 §20.17', () => {
    expect(parseSipDate('Sat, 13 Nov 2010 23:29:00 GMT')).toEqual({
      ok: true,
      value: Date.UTC(2010, 10, 13, 23, 29),
    })
    expect(sipDateText(Date.UTC(2010, 10, 3, 3, 9, 7, 999))).toBe('Wed, 03 Nov 2010 03:09:07 GMT')
  })
  test.for([
    'Fri, 01 Jan 2010 16:00:00 EST',
    'Wed, 31 Feb 2010 16:00:00 GMT',
    'Fri, 01 Jan 2010 24:00:00 GMT',
    '',
  ])('%j is refused', (value) => expect(parseSipDate(value).ok).toBe(false))
  test('every second survives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        expect(parseSipDate(sipDateText(seconds * 1000))).toEqual({ ok: true, value: seconds * 1000 })
      }),
    )
  })
})
