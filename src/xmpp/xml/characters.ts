/**
 * XML 1.0 §2.2: what no document may hold. Surrogates are not looked for: text decoded from UTF-8 has them in pairs only.
 */
export const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

const START = 1
const NAME = 2
const ASCII = new Uint8Array(128)
for (const [first, last, kind] of [
  ['A', 'Z', START | NAME],
  ['a', 'z', START | NAME],
  ['_', '_', START | NAME],
  [':', ':', START | NAME],
  ['0', '9', NAME],
  ['-', '.', NAME],
] as const)
  ASCII.fill(kind, first.charCodeAt(0), last.charCodeAt(0) + 1)

/** XML 1.0 (fifth edition) §2.3, beyond ASCII: pairs of first and last. */
const STARTS = [
  0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x2ff, 0x370, 0x37d, 0x37f, 0x1fff, 0x200c, 0x200d, 0x2070, 0x218f, 0x2c00,
  0x2fef, 0x3001, 0xd7ff, 0xf900, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0xeffff,
] as const
const MORE = [0xb7, 0xb7, 0x300, 0x36f, 0x203f, 0x2040] as const

function within(code: number, ranges: readonly number[]): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (code >= (ranges[i] as number) && code <= (ranges[i + 1] as number)) return true
  }
  return false
}

/** NameStartChar, the colon included. */
export const isNameStart = (code: number): boolean =>
  code < 128 ? ((ASCII[code] as number) & START) !== 0 : within(code, STARTS)

/** NameChar, the colon included. */
export const isNameChar = (code: number): boolean =>
  code < 128 ? (ASCII[code] as number) !== 0 : within(code, STARTS) || within(code, MORE)

/** The production S: space, tab, line feed, carriage return. */
export const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

/** The production Char, as a code point. NaN is none. */
export const isChar = (code: number): boolean =>
  (code >= 0x20 && code <= 0xd7ff) ||
  isSpace(code) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff)

/** Line ends as XML 1.0 §2.11 has them. */
export const lineFeeds = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text)
