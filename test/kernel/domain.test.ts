import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Domain, isWithin, lineageOf, parseDomain, unicodeOf } from '../../src/kernel/domain.ts'

test.for([
  ['example.com', 'example.com'],
  ['EXAMPLE.Com', 'example.com'],
  ['example.com.', 'example.com'],
  ['localhost', 'localhost'],
  ['_sip._udp.example.com', '_sip._udp.example.com'],
  ['münchen.example', 'xn--mnchen-3ya.example'],
  ['MÜNCHEN.example', 'xn--mnchen-3ya.example'],
  ['mu\u0308nchen.example', 'xn--mnchen-3ya.example'],
  ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['ｅｘａｍｐｌｅ．com', 'example.com'],
  ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
  ['faß.example', 'xn--fa-hia.example'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ['1.example', '1.example'],
  ['a--b.example', 'a--b.example'],
] as const)('%s is %s', ([text, expected]) => {
  expect(parseDomain(text)).toEqual({ ok: true, value: expected })
})

test.for([
  ['', 'empty'],
  ['.', 'not-idna'],
  ['a..b', 'bad-label'],
  ['.example.com', 'bad-label'],
  ['-a.example', 'bad-label'],
  ['a-.example', 'bad-label'],
  ['exa mple.com', 'bad-label'],
  ['example.com/path', 'bad-label'],
  ['user@example.com', 'bad-label'],
  ['example.com:5060', 'bad-label'],
  ['exam%70le.com', 'bad-label'],
  ['example.com\r\n', 'bad-label'],
  ['example.com\0', 'bad-label'],
  ['*.example.com', 'bad-label'],
  [`${'a'.repeat(64)}.example`, 'bad-label'],
  [`${'a.'.repeat(127)}a`, 'too-long'],
  ['x'.repeat(2000), 'too-long'],
  ['xn--\u0000', 'bad-label'],
  ['xn--a', 'not-idna'],
  ['127.0.0.1', 'ip-literal'],
  ['999.1.1.1', 'ip-literal'],
  ['１２７.0.0.1', 'ip-literal'],
  ['[::1]', 'ip-literal'],
  ['::1', 'bad-label'],
] as const)('%j is refused as %s', ([text, error]) => {
  expect(parseDomain(text)).toEqual({ ok: false, error })
})

test('what comes out goes in again unchanged, and through its U-labels', () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.string({ unit: 'grapheme', maxLength: 30 })), (text) => {
      const first = parseDomain(text)
      if (!first.ok) return
      expect(parseDomain(first.value)).toEqual(first)
      expect(first.value).toMatch(/^[a-z0-9_.-]+$/)
      expect(first.value.length).toBeLessThanOrEqual(253)
      expect(parseDomain(unicodeOf(first.value))).toEqual(first)
    }),
  )
})

test('U-labels are shown where there are A-labels', () => {
  expect(unicodeOf('xn--mnchen-3ya.example' as Domain)).toBe('münchen.example')
  expect(unicodeOf('plain.example' as Domain)).toBe('plain.example')
})

test.for([
  ['example.com', 'example.com', true],
  ['a.example.com', 'example.com', true],
  ['b.a.example.com', 'example.com', true],
  ['notexample.com', 'example.com', false],
  ['example.com', 'a.example.com', false],
  ['com', 'example.com', false],
  ['example.com.evil.org', 'example.com', false],
] as const)('%s within %s: %s', ([name, parent, expected]) => {
  expect(isWithin(name as Domain, parent as Domain)).toBe(expected)
})

test('a lineage is the name and every name above it', () => {
  const name = parseDomain('a.b.example')
  expect(name.ok && lineageOf(name.value)).toEqual(['a.b.example', 'b.example', 'example'])
})
