/** RFC 5646 §2.1 in outline: subtags of one to eight letters or digits, the first of letters alone. */
const TAG = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/
const MAX_TAG = 64

/** The tag, if it is well formed; anything else is left out, since neither header nor attribute may carry it. */
export const languageTag = (text: string | undefined): string | undefined =>
  text !== undefined && text.length <= MAX_TAG && TAG.test(text) ? text : undefined

/** The first well-formed tag of a Content-Language header (RFC 3261 §20.13). */
export function contentLanguage(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const comma = value.indexOf(',')
  return languageTag((comma < 0 ? value : value.slice(0, comma)).trim())
}
