import { notWellFormed, restricted, StreamFault } from './fault.ts'

const S = '[ \\t\\r\\n]'
const quoted = (value: string): string => `${S}*=${S}*(?:'(?:${value})'|"(?:${value})")`
/** XML 1.0 §2.8, between `<?` and `>`. */
const DECLARATION = new RegExp(
  `^xml${S}+version${quoted('1\\.[0-9]+')}(?:${S}+encoding(${quoted('[A-Za-z][A-Za-z0-9._-]*')}))?(?:${S}+standalone${quoted('yes|no')})?${S}*\\?$`,
)
const XML = /^xml(?:[ \t\r\n?]|$)/

/**
 * Checks what stands between `<?` and the first `>`. The rules are those of XML 1.0 whatever version is named (§2.8).
 *
 * @param first whether it stands at the very start of the stream, where a declaration may be
 */
export function checkDeclaration(text: string, first: boolean): void {
  if (!XML.test(text)) throw restricted('processing instructions')
  const found = first ? DECLARATION.exec(text) : null
  if (found === null) throw notWellFormed()
  const encoding = found[1]
  if (encoding !== undefined && !/["']utf-8["']$/i.test(encoding))
    throw new StreamFault('unsupported-encoding', 'only UTF-8 is spoken')
}

const CDATA = '[CDATA['
const DOCTYPE = 'DOCTYPE'
const COMMENT = '--'

/**
 * What stands after `<!`, character for character: true once it starts a CDATA section; false: more must follow.
 *
 * @throws StreamFault for all else; comments and document types are what RFC 6120 §11.1 forbids
 */
export function isSectionStart(seen: string): boolean {
  if (seen === CDATA) return true
  if (seen === COMMENT) throw restricted('comments')
  if (seen === DOCTYPE) throw restricted('document types')
  if (![CDATA, COMMENT, DOCTYPE].some((start) => start.startsWith(seen))) throw notWellFormed()
  return false
}
