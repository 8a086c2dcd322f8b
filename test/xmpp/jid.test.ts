import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bareOf,
  domainOf,
  domainTextOf,
  isBare,
  type Jid,
  jid,
  localOf,
  parseJid,
  resourceOf,
} from '../../src/xmpp/jid.ts'
import { enforceDomainpart, enforceLocalpart, enforceResourcepart } from '../../src/xmpp/jid-parts.ts'

const canonical = (text: string): string => {
  const parsed = parseJid(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

describe('RFC 7622 §3.5, legal', () => {
  test.for([
    ['1', 'juliet@example.com', 'juliet@example.com'],
    ['2', 'juliet@example.com/foo', 'juliet@example.com/foo'],
    ['3', 'juliet@example.com/foo bar', 'juliet@example.com/foo bar'],
    ['4', 'juliet@example.com/foo@bar', 'juliet@example.com/foo@bar'],
    ['5', 'foo\\20bar@example.com', 'foo\\20bar@example.com'],
    ['6', 'fussball@example.com', 'fussball@example.com'],
    ['7', 'fu\u00dfball@example.com', 'fu\u00dfball@example.com'],
    ['8', '\u03c0@example.com', '\u03c0@example.com'],
    ['9', '\u03a3@example.com/foo', '\u03c3@example.com/foo'],
    ['10', '\u03c3@example.com/foo', '\u03c3@example.com/foo'],
    ['11', '\u03c2@example.com/foo', '\u03c2@example.com/foo'],
    ['12', 'king@example.com/\u265a', 'king@example.com/\u265a'],
    ['13', 'example.com', 'example.com'],
    ['14', 'example.com/foobar', 'example.com/foobar'],
    ['15', 'a.example.com/b@example.net', 'a.example.com/b@example.net'],
  ] as const)('example %s', ([, text, expected]) => {
    expect(parseJid(text)).toEqual({ ok: true, value: expected })
  })
})

describe('RFC 7622 §3.5, not JIDs', () => {
  test.for([
    ['16', '"juliet"@example.com', 'localpart-disallowed'],
    ['17', 'foo bar@example.com', 'localpart-disallowed'],
    ['18', 'juliet@example.com/ foo', 'resourcepart-edge-space'],
    ['19', '@example.com/', 'localpart-empty'],
    ['20', 'henry\u2163@example.com', 'localpart-disallowed'],
    ['21', '\u265a@example.com', 'localpart-disallowed'],
    ['22', 'juliet@', 'domainpart-empty'],
    ['23', '/foobar', 'domainpart-empty'],
  ] as const)('example %s', ([, text, reason]) => {
    expect(parseJid(text)).toEqual({ ok: false, error: reason })
  })
})

test.for([
  ['case of local part and domain', 'Juliet@Example.COM/Balcony', 'juliet@example.com/Balcony'],
  ['final dot', 'juliet@example.com.', 'juliet@example.com'],
  ['A-label becomes U-label', 'a@xn--bcher-kva.example', 'a@bücher.example'],
  ['fullwidth domain', 'a@ＥＸＡＭＰＬＥ.com', 'a@example.com'],
  ['right to left', 'שלום@example.com/בית', 'שלום@example.com/בית'],
  ['emoji in the resource', 'a@example.com/😀', 'a@example.com/😀'],
  ['no separators out of fullwidth ones', 'a@example.com/b＠c／d', 'a@example.com/b＠c／d'],
  ['IPv4', 'a@192.0.2.1', 'a@192.0.2.1'],
  ['IPv6', 'a@[2001:DB8:0::1]/x', 'a@[2001:db8::1]/x'],
  ['digits in the last label', 'A@FOO.0x1', 'a@foo.0x1'],
  ['slashes in the resource', 'a@b/c/d', 'a@b/c/d'],
] as const)('canonical: %s', ([, text, expected]) => {
  expect(canonical(text)).toBe(expected)
  expect(canonical(canonical(text))).toBe(expected)
})

test.for([
  ['nothing', '', 'domainpart-empty'],
  ['emoji in the local part', '😀@example.com', 'localpart-disallowed'],
  ['fullwidth at in the local part', 'a＠b@example.com', 'localpart-disallowed'],
  ['two ats', 'a@b@example.com', 'domainpart-malformed'],
  ['mixed direction', 'שלוםa@example.com', 'localpart-direction'],
  ['escaped space first', '\\20a@example.com', 'localpart-edge-space'],
  ['escaped space last', 'a\\20@example.com', 'localpart-edge-space'],
  ['empty resource', 'a@example.com/', 'resourcepart-empty'],
  ['NUL in the resource', 'a@example.com/\0', 'resourcepart-disallowed'],
  ['line break in the resource', 'a@example.com/a\r\nb', 'resourcepart-disallowed'],
  ['no-break space first in the resource', 'a@example.com/\u00a0b', 'resourcepart-edge-space'],
  ['two final dots', 'a@example.com..', 'domainpart-malformed'],
  ['empty label', 'a@example..com', 'domainpart-malformed'],
  ['hyphen first', 'a@-example.com', 'domainpart-malformed'],
  ['label of 64', `a@${'b'.repeat(64)}.com`, 'domainpart-malformed'],
  ['broken A-label', 'a@xn--\u00df', 'domainpart-malformed'],
  ['IPv4 out of range', 'a@192.0.2.256', 'domainpart-malformed'],
  ['IPv4 with leading zero', 'a@192.0.2.01', 'domainpart-malformed'],
  ['IPv6 without end', 'a@[::1', 'domainpart-malformed'],
  ['IPv6 with zone', 'a@[fe80::1%25eth0]', 'domainpart-malformed'],
  ['space in the domain', 'a@exam ple.com', 'domainpart-malformed'],
] as const)('refused: %s', ([, text, reason]) => {
  expect(parseJid(text)).toEqual({ ok: false, error: reason })
})

describe('over-long-jid-part-is-refused', () => {
  test('1023 octets fit, 1024 do not', () => {
    expect(parseJid(`${'a'.repeat(1023)}@example.com/${'b'.repeat(1023)}`).ok).toBe(true)
    expect(parseJid(`${'a'.repeat(1024)}@example.com`)).toEqual({ ok: false, error: 'localpart-too-long' })
    expect(parseJid(`a@example.com/${'b'.repeat(1024)}`)).toEqual({
      ok: false,
      error: 'resourcepart-too-long',
    })
    expect(parseJid(`${'a.'.repeat(127)}example`)).toEqual({ ok: false, error: 'domainpart-malformed' })
  })

  test('octets of UTF-8 after normalization are counted', () => {
    expect(parseJid(`${'漢'.repeat(341)}@example.com`).ok).toBe(true)
    expect(parseJid(`${'漢'.repeat(342)}@example.com`).ok).toBe(false)
    expect(parseJid(`${'e\u0301'.repeat(511)}@example.com`).ok).toBe(true)
    expect(parseJid(`${'a'.repeat(1_000_000)}@example.com`)).toEqual({
      ok: false,
      error: 'localpart-too-long',
    })
  })
})

describe('parts', () => {
  test('are taken out and put together', () => {
    const full = canonical('Juliet@bücher.example/a@b/c') as Jid
    expect([localOf(full), domainTextOf(full), resourceOf(full)]).toEqual([
      'juliet',
      'bücher.example',
      'a@b/c',
    ])
    expect(domainOf(full)).toBe('xn--bcher-kva.example')
    expect(bareOf(full)).toBe('juliet@bücher.example')
    expect([isBare(full), isBare(bareOf(full))]).toEqual([false, true])
    expect(jid('Juliet', 'BÜCHER.example', 'a@b/c')).toEqual({ ok: true, value: full })
  })

  test('of a domain with an at sign in its resource', () => {
    const full = canonical('example.com/b@example.net') as Jid
    expect([localOf(full), domainTextOf(full), resourceOf(full)]).toEqual([
      undefined,
      'example.com',
      'b@example.net',
    ])
  })

  test('IP literals are no domains', () => {
    expect(domainOf(canonical('a@192.0.2.1') as Jid)).toBeUndefined()
    expect(domainOf(canonical('a@[::1]') as Jid)).toBeUndefined()
  })

  test('a separator in a part separates nothing', () => {
    expect(jid('a/b', 'example.com')).toEqual({ ok: false, error: 'localpart-disallowed' })
    expect(jid('a@b', 'example.com')).toEqual({ ok: false, error: 'localpart-disallowed' })
    expect(jid(undefined, 'a@example.com')).toEqual({ ok: false, error: 'domainpart-malformed' })
    expect(jid('a', 'example.com/b')).toEqual({ ok: false, error: 'domainpart-malformed' })
  })
})

/** The rules without the fast path. */
function slowly(local: string | undefined, domain: string, resource: string | undefined): string | undefined {
  const parts = [
    enforceDomainpart(domain),
    local === undefined ? undefined : enforceLocalpart(local),
    resource === undefined ? undefined : enforceResourcepart(resource),
  ] as const
  if (parts.some((part) => part?.ok === false)) return undefined
  const [d, l, r] = parts.map((part) => (part?.ok ? part.value : undefined))
  return `${l === undefined ? '' : `${l}@`}${d}${r === undefined ? '' : `/${r}`}`
}

describe('properties', () => {
  const ascii = fc.string({ unit: 'binary-ascii' })
  const local = fc.oneof(fc.string({ unit: fc.constantFrom(...'aBz09\\2._-+ "') }), ascii)
  const label = fc.string({ unit: fc.constantFrom(...'aBz09_-x'), minLength: 1, maxLength: 66 })
  const domain = fc.oneof(
    fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.')),
    fc.string({ unit: fc.constantFrom(...'aB12.-[:]') }),
    fc.constantFrom('127.0.0.1', 'xn--bcher-kva.example', 'a.xn--0', 'x.1', 'X.0X1', 'a.b.', 'a--b.c'),
  )
  const resource = fc.oneof(ascii, fc.constantFrom(' ', 'a ', 'a/b@c'))
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

  test('the fast path and the rules agree', () => {
    fc.assert(
      fc.property(optional(local), domain, optional(resource), (l, d, r) => {
        const fast = jid(l, d, r)
        expect(fast.ok ? fast.value : undefined).toBe(slowly(l, d, r))
      }),
      { numRuns: 3000 },
    )
  })

  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.string({
      unit: fc.constantFrom('a', 'É', '@', '/', '.', '\\', '2', '0', 'ש', 'Σ', '\u0301', '［', '＠'),
    }),
    fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.string({ unit: 'grapheme', maxLength: 8 }))
      .map(([a, b]) => `${a}@${b}.example/${b}`),
  )

  test('canonical is idempotent, takes itself apart and never throws', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const once = parseJid(text)
        if (!once.ok) return
        expect(parseJid(once.value)).toEqual(once)
        expect(jid(localOf(once.value), domainTextOf(once.value), resourceOf(once.value))).toEqual(once)
        const domain = domainOf(once.value)
        if (domain !== undefined)
          expect(jid(localOf(once.value), domain, resourceOf(once.value))).toEqual(once)
      }),
      { numRuns: 2000 },
    )
  })

  test('case of local part and domain does not matter', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abzäéσж'), minLength: 1 })
    fc.assert(
      fc.property(name, name, (a, b) => {
        const lower = parseJid(`${a}@${b}.example`)
        expect(parseJid(`${a.toUpperCase()}@${b.toUpperCase()}.EXAMPLE`)).toEqual(lower)
      }),
    )
  })
})
