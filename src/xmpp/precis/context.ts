/**
 * Contextual rules, RFC 5892 Appendix A. The regular expressions of JavaScript know neither Canonical_Combining_Class nor Joining_Type, so these three
 * sets are written out, from Unicode 14: letters newer than that do not join, and ZERO WIDTH NON-JOINER between
 * them is refused.
 */

/** Canonical_Combining_Class=Virama. */
const VIRAMA =
  String.raw`\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0e3a` +
  String.raw`\u0eba\u0f84\u1039\u103a\u1714\u1715\u1734\u17d2\u1a60\u1b44\u1baa\u1bab\u1bf2` +
  String.raw`\u1bf3\u2d7f\ua806\ua82c\ua8c4\ua953\ua9c0\uaaf6\uabed\u{10a3f}\u{11046}\u{11070}` +
  String.raw`\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}` +
  String.raw`\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}` +
  String.raw`\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}`

/** Joining_Type L or D. */
const JOINS_LEFT =
  String.raw`\u0620\u0626\u0628\u062a-\u062e\u0633-\u063f\u0641-\u0647\u0649\u064a\u066e\u066f` +
  String.raw`\u0678-\u0687\u069a-\u06bf\u06c1\u06c2\u06cc\u06ce\u06d0\u06d1\u06fa-\u06fc\u06ff` +
  String.raw`\u0712-\u0714\u071a-\u071d\u071f-\u0727\u0729\u072b\u072d\u072e\u074e-\u0758\u075c-` +
  String.raw`\u076a\u076d-\u0770\u0772\u0775-\u0777\u077a-\u077f\u07ca-\u07ea\u0841-\u0845\u0848` +
  String.raw`\u084a-\u0853\u0855\u0860\u0862-\u0865\u0868\u0886\u0889-\u088d\u08a0-\u08a9\u08af` +
  String.raw`\u08b0\u08b3-\u08b8\u08ba-\u08c8\u1807\u1820-\u1878\u1887-\u18a8\u18aa\ua840-\ua872` +
  String.raw`\u{10ac0}-\u{10ac4}\u{10acd}\u{10ad3}-\u{10adc}\u{10ade}-\u{10ae0}\u{10aeb}-\u{10aee}` +
  String.raw`\u{10b80}\u{10b82}\u{10b86}-\u{10b88}\u{10b8a}\u{10b8b}\u{10b8d}\u{10b90}\u{10bad}` +
  String.raw`\u{10bae}\u{10d00}-\u{10d21}\u{10d23}\u{10f30}-\u{10f32}\u{10f34}-\u{10f44}\u{10f51}-` +
  String.raw`\u{10f53}\u{10f70}-\u{10f73}\u{10f76}-\u{10f81}\u{10fb0}\u{10fb2}\u{10fb3}\u{10fb8}` +
  String.raw`\u{10fbb}\u{10fbc}\u{10fbe}\u{10fbf}\u{10fc1}\u{10fc4}\u{10fca}\u{10fcb}\u{1e900}-` +
  String.raw`\u{1e943}`

/** Joining_Type R or D. */
const JOINS_RIGHT =
  String.raw`\u0620\u0622-\u063f\u0641-\u064a\u066e\u066f\u0671-\u0673\u0675-\u06d3\u06d5\u06ee` +
  String.raw`\u06ef\u06fa-\u06fc\u06ff\u0710\u0712-\u072f\u074d-\u077f\u07ca-\u07ea\u0840-\u0858` +
  String.raw`\u0860\u0862-\u0865\u0867-\u086a\u0870-\u0882\u0886\u0889-\u088e\u08a0-\u08ac\u08ae-` +
  String.raw`\u08c8\u1807\u1820-\u1878\u1887-\u18a8\u18aa\ua840-\ua871\u{10ac0}-\u{10ac5}\u{10ac7}` +
  String.raw`\u{10ac9}\u{10aca}\u{10ace}-\u{10ad6}\u{10ad8}-\u{10ae1}\u{10ae4}\u{10aeb}-\u{10aef}` +
  String.raw`\u{10b80}-\u{10b91}\u{10ba9}-\u{10bae}\u{10d01}-\u{10d23}\u{10f30}-\u{10f44}\u{10f51}-` +
  String.raw`\u{10f54}\u{10f70}-\u{10f81}\u{10fb0}\u{10fb2}-\u{10fb6}\u{10fb8}-\u{10fbf}\u{10fc1}-` +
  String.raw`\u{10fc4}\u{10fc9}\u{10fca}\u{1e900}-\u{1e943}`

/** Joining_Type T, of the code points that a string class lets through. */
const TRANSPARENT = String.raw`\p{Mn}\p{Me}\u{1e94b}`
/** Each finds its code point in a place where it may not stand. */
const MISPLACED: readonly RegExp[] = [
  // A.1 ZERO WIDTH NON-JOINER: after a virama, or between letters that would join.
  new RegExp(
    String.raw`(?<![${VIRAMA}])(?:(?<![${JOINS_LEFT}][${TRANSPARENT}]*)\u200c|\u200c(?![${TRANSPARENT}]*[${JOINS_RIGHT}]))`,
    'u',
  ),
  // A.2 ZERO WIDTH JOINER: after a virama.
  new RegExp(String.raw`(?<![${VIRAMA}])\u200d`, 'u'),
  // A.3 MIDDLE DOT: between two l.
  /(?<!l)\u00b7|\u00b7(?!l)/u,
  // A.4 GREEK LOWER NUMERAL SIGN (KERAIA): before Greek.
  /\u0375(?!\p{Script=Greek})/u,
  // A.5, A.6 HEBREW PUNCTUATION GERESH and GERSHAYIM: after Hebrew.
  /(?<!\p{Script=Hebrew})[\u05f3\u05f4]/u,
]

/** A.7 KATAKANA MIDDLE DOT: somewhere in the string stands Hiragana, Katakana or Han. */
const MIDDLE_DOT = '\u30fb'
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u
/** A.8, A.9 ARABIC-INDIC and EXTENDED ARABIC-INDIC DIGITS: not both. */
const ARABIC_INDIC = /[\u0660-\u0669]/
const EXTENDED_ARABIC_INDIC = /[\u06f0-\u06f9]/

const GOVERNED = /[\u00b7\u0375\u05f3\u05f4\u0660-\u0669\u06f0-\u06f9\u30fb]|\u200c|\u200d/u

/** Every code point that needs a context (CONTEXTJ, CONTEXTO) stands in it. */
export function isWellPlaced(text: string): boolean {
  if (!GOVERNED.test(text)) return true
  if (text.includes(MIDDLE_DOT) && !JAPANESE.test(text)) return false
  if (ARABIC_INDIC.test(text) && EXTENDED_ARABIC_INDIC.test(text)) return false
  return !MISPLACED.some((rule) => rule.test(text))
}
