import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeLocalpart, unescapeLocalpart } from '../../src/xmpp/escaping.ts'

interface Row {
  readonly unescaped: string
  readonly escaped: string
}
const table: { rows: Row[] } = JSON.parse(
  readFileSync(new URL('../vectors/tables/jid-escaping.json', import.meta.url), 'utf8'),
)

describe('table of XEP-0106', () => {
  test.for(table.rows)('$unescaped', ({ unescaped, escaped }) => {
    expect(escapeLocalpart(unescaped)).toBe(escaped)
    expect(unescapeLocalpart(escaped)).toBe(unescaped)
  })
})

test.for([
  ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
  ['::foo::', '\\3a\\3afoo\\3a\\3a'],
  ['user@host', 'user\\40host'],
  ['c:\\\\net', 'c\\3a\\\\net'],
  ['c:\\5commas', 'c\\3a\\5c5commas'],
  ['\\2plus\\2is\\4', '\\2plus\\2is\\4'],
  ['foob\\41r', 'foob\\41r'],
  ['somenick!user"&\'/: \\3address', 'somenick!user\\22\\26\\27\\2f\\3a\\20\\5c3address'],
  ['\\2F upper case is no sequence', '\\2F\\20upper\\20case\\20is\\20no\\20sequence'],
] as const)('example of XEP-0106: %s', ([unescaped, escaped]) => {
  expect(escapeLocalpart(unescaped)).toBe(escaped)
  expect(unescapeLocalpart(escaped)).toBe(unescaped)
})

test.for([...' "&\'/:<>@'].map((char) => [char] as const))('all-ten-jid-escapes-round-trip: %s', ([char]) => {
  const sequence = `\\${char.charCodeAt(0).toString(16)}`
  expect(escapeLocalpart(`a${char}b`)).toBe(`a${sequence}b`)
  expect(unescapeLocalpart(`a${sequence}b`)).toBe(`a${char}b`)
  expect(unescapeLocalpart(escapeLocalpart(`a${sequence}b`))).toBe(`a${sequence}b`)
})

test('backslash-before-escape-sequence-becomes-5c', () => {
  expect(escapeLocalpart('a\\5cb')).toBe('a\\5c5cb')
  expect(escapeLocalpart('a\\27b')).toBe('a\\5c27b')
  expect(escapeLocalpart('a\\b')).toBe('a\\b')
  expect(unescapeLocalpart('a\\5cb')).toBe('a\\b')
})

test('any text comes back', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'\\20235acef4 @&/') }),
  )
  fc.assert(fc.property(text, (t) => unescapeLocalpart(escapeLocalpart(t)) === t))
})
