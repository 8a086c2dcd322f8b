import { canonicalName, knownName } from './header-names.ts'
import type { HeaderField } from './headers.ts'
import { type Fault, misframed, TOO_MANY_FIELDS } from './parse-error.ts'
import { TOKEN, trimSpace } from './scan.ts'

/** Lines that could be read, and the first thing that was wrong. */
export interface Fields {
  readonly fields: HeaderField[]
  readonly fault: Fault | undefined
}

const QUOTED_PAIR = /\\([\s\S])/g
const HIGH = /[\x80-\xff]/

/**
 * Header field lines (RFC 3261 §7.3) of a head that was decoded as latin1 and ends with the CR LF of its last line.
 * A line that is wrong is left out and the others are still read, so that a request can be answered.
 * @param ascii no octet of the head is above 0x7f
 */
export function scanFields(text: string, start: number, limit: number, ascii: boolean): Fields {
  const fields: HeaderField[] = []
  let fault: Fault | undefined
  const end = text.length
  const nul = text.includes('\0')
  let at = start
  let lines = 0
  while (at < end) {
    const colon = text.indexOf(':', at)
    let cr = text.indexOf('\r', at)
    let folded = false
    let broken = false
    for (;;) {
      if (cr < 0 || text.charCodeAt(cr + 1) !== 0x0a || (!folded && text.indexOf('\n', at) !== cr + 1)) {
        // A bare CR or LF: what other parsers take for the end of a line. Go on after the next CR LF.
        broken = true
        const next = text.indexOf('\r\n', at)
        cr = next < 0 ? end - 2 : next
        break
      }
      const code = text.charCodeAt(cr + 2)
      if (code !== 0x20 && code !== 0x09) break
      folded = true
      const after = cr + 2
      cr = text.indexOf('\r', after)
      if (text.indexOf('\n', after) !== cr + 1) cr = -1
    }
    if (++lines > limit) {
      fault = TOO_MANY_FIELDS
      break
    }
    const lineEnd = cr
    const lineStart = at
    at = cr + 2
    if (broken) {
      fault ??= misframed('Bare CR or LF')
      continue
    }
    const rawName = colon < 0 || colon > lineEnd ? '' : trimEnd(text.slice(lineStart, colon))
    const name = knownName(rawName) ?? (TOKEN.test(rawName) ? canonicalName(rawName) : undefined)
    if (name === undefined) {
      fault ??= misframed('Malformed header field name')
      continue
    }
    let value = text.slice(colon + 1, lineEnd)
    value = folded ? unfold(value) : trimSpace(value)
    if (nul && value.includes('\0')) {
      // Legal as a quoted-pair (RFC 4475 §3.1.1.2), but no writer of ours repeats it.
      value = value.replace(QUOTED_PAIR, (pair, char) => (char === '\0' ? '\\\xef\xbf\xbd' : pair))
      if (value.includes('\0')) {
        fault ??= misframed('NUL in header field')
        continue
      }
      if (ascii) value = utf8(value)
    }
    fields.push([name, ascii ? value : utf8(value)])
  }
  return { fields, fault }
}

/** RFC 3261 §7.3.1: each fold with the space around it is one SP. No regular expression: they take squared time here. */
const unfold = (value: string): string => trimSpace(value.split('\r\n').map(trimSpace).join(' '))

/** Space may stand before the colon, but not before the name: that would be a fold. */
function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && (text.charCodeAt(end - 1) === 0x20 || text.charCodeAt(end - 1) === 0x09)) end--
  return end === text.length ? text : text.slice(0, end)
}

/** Text that was read as latin1, read as UTF-8; what is not UTF-8 becomes U+FFFD. */
export const utf8 = (latin1: string): string =>
  HIGH.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1
