import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mapUsername, opaqueString, usernameCaseMapped } from '../../src/xmpp/precis/profile.ts'
import { isLinear } from '../support/cost.ts'

const ok = (value: string) => ({ ok: true, value })
const err = (error: string) => ({ ok: false, error })

describe('UsernameCaseMapped', () => {
  test.for([
    ['RFC 8265 §3.6 example 1', 'juliet@example.com', 'juliet@example.com'],
    ['RFC 8265 §3.6 example 2', 'fussball', 'fussball'],
    ['RFC 8265 §3.6 example 3', 'fu\u00dfball', 'fu\u00dfball'],
    ['RFC 8265 §3.6 example 4', '\u03c0', '\u03c0'],
    ['RFC 8265 §3.6 example 5', '\u03a3', '\u03c3'],
    ['RFC 8265 §3.6 example 6', '\u03c3', '\u03c3'],
    ['RFC 8265 §3.6 example 7', '\u03c2', '\u03c2'],
    ['no final sigma appears', 'ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['fullwidth letters', 'Ｊｕｌｉｅｔ', 'juliet'],
    ['halfwidth katakana', 'ｶﾞ', 'ガ'],
    ['decomposed', 'e\u0301', '\u00e9'],
    ['Kelvin sign', '\u212a', 'k'],
    ['conjoining jamo compose', '\u1112\u1161\u11ab', '한'],
    ['dotted capital I', '\u0130', 'i\u0307'],
    ['Hebrew', 'שלום', 'שלום'],
    ['Hebrew with digits', 'שלום1', 'שלום1'],
    ['ZWNJ between joining letters', 'می\u200cخواهم', 'می\u200cخواهم'],
    ['ZWJ after virama', 'क\u094d\u200dष', 'क\u094d\u200dष'],
    ['middle dot between l', 'col\u00b7lega', 'col\u00b7lega'],
    ['keraia before Greek', 'α\u0375β', 'α\u0375β'],
    ['gershayim after Hebrew', 'צה\u05f4ל', 'צה\u05f4ל'],
    ['katakana middle dot', 'ア\u30fbイ', 'ア\u30fbイ'],
    ['ideographic zero', '二\u3007', '二\u3007'],
  ] as const)('%s', ([, text, canonical]) => {
    expect(usernameCaseMapped(text)).toEqual(ok(canonical))
  })

  test.for([
    ['RFC 8265 §3.6 example 8', 'foo bar', 'disallowed'],
    ['RFC 8265 §3.6 example 9', '', 'empty'],
    ['RFC 8265 §3.6 example 10', 'henry\u2163', 'disallowed'],
    ['RFC 8265 §3.6 example 11', '\u221e', 'disallowed'],
    ['emoji', '😀', 'disallowed'],
    ['control', 'a\0', 'disallowed'],
    ['private use', '\ue000', 'disallowed'],
    ['lone surrogate', 'a\ud800', 'disallowed'],
    ['noncharacter', '\ufdd0', 'disallowed'],
    ['soft hyphen', 'a\u00adb', 'disallowed'],
    ['unassigned', '\u0378', 'disallowed'],
    ['tatweel', 'مـحمد', 'disallowed'],
    ['Hangul tone mark', '한\u302e', 'disallowed'],
    ['old jamo alone', '\u1100', 'disallowed'],
    ['ligature', 'ﬁ', 'disallowed'],
    ['fullwidth space', 'a\u3000b', 'disallowed'],
    ['ZWNJ elsewhere', 'a\u200cb', 'context'],
    ['ZWJ elsewhere', 'a\u200db', 'context'],
    ['middle dot elsewhere', 'a\u00b7b', 'context'],
    ['keraia elsewhere', 'a\u0375a', 'context'],
    ['geresh elsewhere', 'a\u05f3', 'context'],
    ['katakana middle dot alone', 'a\u30fbb', 'context'],
    ['both kinds of Arabic digits', 'ب\u0661\u06f1', 'context'],
    ['Latin in a right-to-left name', 'שלוםa', 'direction'],
    ['right-to-left in a Latin name', 'aש', 'direction'],
    ['right-to-left name ends in a hyphen', 'שלום-', 'direction'],
    ['right-to-left name begins with a digit', '1שלום', 'direction'],
    ['European and Arabic digits', 'ب1\u0661', 'direction'],
  ] as const)('refuses: %s', ([, text, reason]) => {
    expect(usernameCaseMapped(text)).toEqual(err(reason))
  })
})

describe('OpaqueString', () => {
  test.for([
    ['RFC 8265 §4.3 example 12', 'correct horse battery staple', 'correct horse battery staple'],
    ['RFC 8265 §4.3 example 13', 'Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
    ['RFC 8265 §4.3 example 14', 'πßå', 'πßå'],
    ['RFC 8265 §4.3 example 15', 'Jack of ♦s', 'Jack of ♦s'],
    ['RFC 8265 §4.3 example 16', 'foo\u1680bar', 'foo bar'],
    ['emoji', '😀', '😀'],
    ['compatibility characters stay', 'Ⅳ ﬁ Ａ', 'Ⅳ ﬁ Ａ'],
    ['mixed direction', 'aש', 'aש'],
    ['decomposed', 'e\u0301', '\u00e9'],
  ] as const)('%s', ([, text, canonical]) => {
    expect(opaqueString(text)).toEqual(ok(canonical))
  })

  test.for([
    ['RFC 8265 §4.3 example 17', '', 'empty'],
    ['RFC 8265 §4.3 example 18', 'my cat is a \tby', 'disallowed'],
    ['variation selector', '❤\ufe0f', 'disallowed'],
    ['line separator', 'a\u2028b', 'disallowed'],
    ['ZWJ between emoji', '👩\u200d💻', 'context'],
  ] as const)('refuses: %s', ([, text, reason]) => {
    expect(opaqueString(text)).toEqual(err(reason))
  })
})

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string())

test('canonical is idempotent', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const profile of [usernameCaseMapped, opaqueString]) {
        const once = profile(text)
        if (once.ok) expect(profile(once.value)).toEqual(once)
      }
      const mapped = mapUsername(text)
      if (mapped !== undefined) expect(mapUsername(mapped)).toBe(mapped)
    }),
  )
})

const HOSTILE = ['\u0301', 'a\u0301\u0316', '\u30fb', 'ש\u05b0', '\u200c', 'ب\u200c', '1', '\u0661']

test.for(HOSTILE)('much of %j in linear time, whatever it ends with', (unit) => {
  const map = (length: number): void => {
    for (const end of ['', '漢', 'א', 'a']) usernameCaseMapped(unit.repeat(length / unit.length) + end)
  }
  expect(isLinear(map, 2_048)).toBe(true)
})
