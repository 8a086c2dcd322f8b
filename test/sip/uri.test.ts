import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeParamValue, escapeUser, unescapeText, userOf } from '../../src/sip/escape.ts'
import { param } from '../../src/sip/scan.ts'
import type { Uri } from '../../src/sip/uri.ts'
import { aorOf, sameUri } from '../../src/sip/uri-compare.ts'
import { parseUri } from '../../src/sip/uri-parse.ts'
import { uriText } from '../../src/sip/uri-write.ts'

function uri(text: string): Uri {
  const parsed = parseUri(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

describe('RFC 3261 §19.1.4: equal', () => {
  test.for([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['sip:a%3bb@example.com', 'sip:a%3Bb@example.com'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
  ] as const)('%s and %s', ([a, b]) => {
    expect(sameUri(uri(a), uri(b))).toBe(true)
    expect(sameUri(uri(b), uri(a))).toBe(true)
    expect(aorOf(uri(a))).toBe(aorOf(uri(b)))
  })
})

describe('RFC 3261 §19.1.4: not equal', () => {
  test.for([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:bob@biloxi.com', 'sip:biloxi.com'],
    ['sip:bob@biloxi.com', 'sip:bob:secret@biloxi.com'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;maddr=192.0.2.1'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;user=phone'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;ttl=1'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;method=INVITE'],
    ['sip:a;b@example.com', 'sip:a%3Bb@example.com'],
    ['sip:%00@example.com', 'sip:%00%00@example.com'],
  ] as const)('%s and %s', ([a, b]) => {
    expect(sameUri(uri(a), uri(b))).toBe(false)
    expect(sameUri(uri(b), uri(a))).toBe(false)
  })
})

describe('aorOf', () => {
  test.for([
    ['sips:Bob:pw@Example.COM:5061;transport=tls?a=b', 'Bob@example.com'],
    ['im:Bob@example.com', 'Bob@example.com'],
    ['sip:%42ob%3a@example.com', 'Bob%3A@example.com'],
    ['sip:example.com', 'example.com'],
    ['tel:+1-201-555', 'tel:+1201555'],
  ] as const)('%s → %s', ([text, key]) => expect(aorOf(uri(text))).toBe(key))
  test('case of the user counts', () =>
    expect(aorOf(uri('sip:Bob@a.example'))).not.toBe(aorOf(uri('sip:bob@a.example'))))
})

describe('parseUri refuses', () => {
  test.for([
    ['', 'no-scheme'],
    ['alice@example.com', 'no-scheme'],
    ['1sip:alice@example.com', 'no-scheme'],
    ['sip:', 'bad-host'],
    ['sip:@example.com', 'bad-user'],
    ['sip:a b@example.com', 'bad-user'],
    ['sip:ä@example.com', 'bad-user'],
    ['sip:a%4@example.com', 'bad-user'],
    ['sip:a"b@example.com', 'bad-user'],
    ['sip:a\r\nX: y@example.com', 'bad-user'],
    ['sip:a@b@example.com', 'bad-host'],
    ['sip:alice@', 'bad-host'],
    ['sip:alice@exa mple.com', 'bad-host'],
    ['sip:alice@[::1', 'bad-host'],
    ['sip:alice@[fe80::1%25eth0]', 'bad-host'],
    ['sip:alice@2001:db8::1', 'bad-port'],
    ['sip:alice@example.com:0', 'bad-port'],
    ['sip:alice@example.com:65536', 'bad-port'],
    ['sip:alice@example.com:', 'bad-port'],
    ['sip:alice@example.com;', 'bad-params'],
    ['sip:alice@example.com;a=b;A=c', 'bad-params'],
    ['sip:alice@example.com; lr', 'bad-params'],
    ['sip:alice@example.com?', 'bad-headers'],
    ['sip:alice@example.com?a="b"', 'bad-headers'],
    ['im:example.com', 'bad-user'],
    ['tel:bob', 'bad-user'],
    ['urn:a b', 'bad-character'],
    ['x-other:', 'bad-character'],
  ] as const)('%j: %s', ([text, error]) => expect(parseUri(text)).toEqual({ ok: false, error }))
})

describe('userOf', () => {
  test('octets that are not UTF-8 are no user', () => {
    expect(userOf(uri('sip:%ff@example.com'))).toBeUndefined()
    expect(userOf(uri('sip:%c3%a4%ED%A0%80@example.com'))).toBeUndefined()
  })
  test('a byte order mark is a character', () =>
    expect(userOf(uri('sip:%EF%BB%BFa@example.com'))).toBe('\ufeffa'))
  test('no user', () => expect(userOf(uri('sip:example.com'))).toBeUndefined())
})

const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })

test('any text survives as a user', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: 'binary', minLength: 1 })), (text) => {
      expect(userOf(uri(`sip:${escapeUser(text)}@example.com`))).toBe(text)
    }),
  )
})

test('any text survives as a parameter', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = uri(`sip:bob@example.com;gr=${escapeParamValue(text)};lr`)
      expect('params' in parsed && unescapeText(param(parsed.params, 'gr') ?? '')).toBe(text)
    }),
  )
})

test('what RFC 7247 §6.5 lists is escaped, what SIP allows is not', () => {
  expect(escapeUser('#%[\\]^{|}`@: "<>ä')).toBe('%23%25%5B%5C%5D%5E%7B%7C%7D%60%40%3A%20%22%3C%3E%C3%A4')
  expect(escapeUser("aZ09-_.!~*'()&=+$,;?/")).toBe("aZ09-_.!~*'()&=+$,;?/")
})

const host = fc.oneof(
  fc.domain().map((name) => name.toLowerCase()),
  fc.ipV4(),
  fc
    .ipV6()
    .filter((address) => !address.includes('%'))
    .map((address) => `[${address.toLowerCase()}]`),
)
const pieces = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.!~*'), minLength: 1, maxLength: 12 })
const sipUri = fc.record({
  scheme: fc.constantFrom('sip' as const, 'sips' as const),
  user: fc.option(anyText.map(escapeUser), { nil: undefined }),
  password: fc.constant(undefined),
  host,
  port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
  params: fc.uniqueArray(
    fc.tuple(
      pieces.map((name) => name.toLowerCase()),
      fc.option(anyText.map(escapeParamValue), { nil: undefined }),
    ),
    { selector: ([name]) => name, maxLength: 4 },
  ),
  headers: fc.option(
    pieces.map((value) => `Subject=${value}`),
    { nil: undefined },
  ),
})

test('parse undoes write', () => {
  fc.assert(
    fc.property(sipUri, (value) => {
      expect(parseUri(uriText(value))).toEqual({ ok: true, value })
      expect(sameUri(value, uri(uriText(value)))).toBe(true)
    }),
  )
})
