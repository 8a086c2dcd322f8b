const UNFIT = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/
const UNFIT_RUN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu

/** Without the code points that XML 1.0 forbids (§2.2): controls, lone surrogates, U+FFFE, U+FFFF. */
export const xmlText = (text: string): string => (UNFIT.test(text) ? text.replace(UNFIT_RUN, '') : text)

const RETURN = '\r'

/** CR LF and lone CR become LF: what an XML reader makes of them anyway (XML 1.0 §2.11). */
export const lineFeeds = (text: string): string =>
  text.includes(RETURN) ? text.replace(/\r\n?/g, '\n') : text

/** Every line end becomes CR LF, the canonical form of text/plain (RFC 2046 §4.1.1). */
export const networkLines = (text: string): string =>
  text.includes('\n') || text.includes(RETURN) ? text.replace(/\r\n|\r|\n/g, '\r\n') : text

const BREAKING = /[\0-\x1f\x7f-\x9f\u2028\u2029]/
const BREAKING_RUN = /[\0-\x20\x7f-\x9f\u2028\u2029]+/g

/**
 * Text fit for one header line or a Reason-Phrase: well-formed, without controls or line ends, trimmed, cut at a
 * whole code point.
 *
 * @param limit in UTF-16 units
 */
export function lineText(text: string, limit: number): string {
  const whole = UNFIT.test(text) || BREAKING.test(text) ? xmlText(text.replace(BREAKING_RUN, ' ')) : text
  const line = whole.trim()
  if (line.length <= limit) return line
  const last = line.charCodeAt(limit - 1)
  return line.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit).trimEnd()
}
