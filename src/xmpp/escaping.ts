/**
 * JID escaping, XEP-0106: how a localpart carries the characters that RFC 7622 §3.3.1 forbids there.
 * Only for localparts; domainparts and resourceparts are never escaped (§2).
 */
const ESCAPE_OF: Readonly<Record<string, string>> = {
  ' ': '\\20',
  '"': '\\22',
  '&': '\\26',
  "'": '\\27',
  '/': '\\2f',
  ':': '\\3a',
  '<': '\\3c',
  '>': '\\3e',
  '@': '\\40',
  '\\': '\\5c',
}
const CHARACTER_OF: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ESCAPE_OF).map(([character, sequence]) => [sequence, character]),
)

/** A backslash is escaped only where it begins one of the sequences (§4.2). Case is significant. */
const TO_ESCAPE = /[ "&'/:<>@]|\\(?=2[0267f]|3[ace]|40|5c)/g
const SEQUENCE = /\\(?:2[0267f]|3[ace]|40|5c)/g
const ANYTHING_TO_DO = /[ "&'/:<>@\\]/

/**
 * The escaped form. Total: a space at either end gives a `\20` there, which is no localpart and which `jid` refuses.
 *
 * Trap: the localpart is mapped to lower case afterwards, so `\3A` would become a sequence that was not there. Map the
 * text first (`mapUsername`), then escape it.
 */
export const escapeLocalpart = (text: string): string =>
  ANYTHING_TO_DO.test(text) ? text.replace(TO_ESCAPE, (character) => ESCAPE_OF[character] ?? character) : text

/** The text that an escaped localpart stands for. Sequences that are not listed stay as they are. */
export const unescapeLocalpart = (localpart: string): string =>
  localpart.includes('\\')
    ? localpart.replace(SEQUENCE, (sequence) => CHARACTER_OF[sequence] ?? sequence)
    : localpart
