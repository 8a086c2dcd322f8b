/**
 * The two string classes of RFC 8264 §4 as one regular expression each, evaluated with the Unicode data of the
 * JavaScript engine. A code point that the engine's Unicode version does not know is unassigned and therefore refused
 * (§4.2.4), so two hosts with different versions may disagree on the newest characters, never on the others.
 *
 * Derived property values follow the order of §8. Two categories need no place in the expressions: JoinControl and the
 * CONTEXTO code points are let through here and judged in `context.ts`; HasCompat is `hasCompat` below.
 */

/** Exceptions (F), RFC 5892 §2.6: valid although their category is not … */
const VALID = '\\u06fd\\u06fe\\u0f0b\\u3007'
/** … valid under a contextual rule (with JoinControl) … */
const CONTEXT = '\\u00b7\\u0375\\u05f3\\u05f4\\u30fb\\u200c\\u200d'
/** … and disallowed although they are letters or marks. */
const DISALLOWED = '\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b'
/** OldHangulJamo (I): Hangul_Syllable_Type L, V and T. */
const OLD_JAMO = '\\u1100-\\u11ff\\ua960-\\ua97c\\ud7b0-\\ud7c6\\ud7cb-\\ud7fb'
/** PrecisIgnorableProperties (M). */
const IGNORABLE = '\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}'
const LETTER_DIGITS = '\\p{Ll}\\p{Lu}\\p{Lo}\\p{Nd}\\p{Lm}\\p{Mn}\\p{Mc}'
const ASCII7 = '\\x21-\\x7e'
/** OtherLetterDigits (R), Spaces (N), Symbols (O), Punctuation (P). */
const FREEFORM_ONLY = '\\p{Lt}\\p{Nl}\\p{No}\\p{Me}\\p{Zs}\\p{S}\\p{P}'

const members = (valid: string): RegExp =>
  new RegExp(`^(?:[${CONTEXT}]|(?![${DISALLOWED}${OLD_JAMO}${IGNORABLE}])[${VALID}${ASCII7}${valid}])*$`, 'u')

const IDENTIFIER = members(LETTER_DIGITS)
const FREEFORM = members(LETTER_DIGITS + FREEFORM_ONLY)

/** HasCompat (Q) for a string in Normalization Form C: NFKC changes it exactly if one of its code points has one. */
const hasCompat = (text: string): boolean => text.normalize('NFKC') !== text

/** Every code point of `text` (which is in NFC) is of the IdentifierClass, contextual rules aside. */
export const isIdentifier = (text: string): boolean => IDENTIFIER.test(text) && !hasCompat(text)

/** Every code point of `text` is of the FreeformClass, contextual rules aside. */
export const isFreeform = (text: string): boolean => FREEFORM.test(text)
