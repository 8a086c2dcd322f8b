import type { Element } from './element.ts'

/** Characters that need a second look in text or in an attribute; everything else is written as it is. */
const TEXT = /[&<>\u0000-\u0008\u000b-\u001f\ufffe\uffff\ud800-\udfff]/
const ATTRIBUTE = /[&<>"'\u0000-\u001f\ufffe\uffff\ud800-\udfff]/
/** XML 1.0 §2.2: no character reference can bring these in. Lone surrogates are matched as code points by `u`. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Cs}]/gu
const ENTITY: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
const entity = (char: string): string => ENTITY[char] as string

/** Text without the characters that XML 1.0 forbids. */
export const xmlText = (text: string): string => text.replace(FORBIDDEN, '')

/** A carriage return is written as a reference: a bare one would be read as a line feed (XML 1.0 §2.11). */
export const escapeText = (text: string): string =>
  TEXT.test(text) ? xmlText(text).replace(/[&<>\r]/g, entity) : text

export const escapeAttribute = (text: string): string =>
  ATTRIBUTE.test(text) ? xmlText(text).replace(/[&<>"'\t\n\r]/g, entity) : text

/**
 * The only way out: the element as text. What XML 1.0 forbids is dropped, for one such character would cost the whole
 * stream. An element or attribute whose value is undefined or null is left out.
 */
export function writeElement(element: Element): string {
  const { name, attrs, children } = element
  let text = `<${name}`
  for (const key in attrs) {
    const value: unknown = attrs[key]
    if (value !== undefined && value !== null) text += ` ${key}="${escapeAttribute(String(value))}"`
  }
  if (children.length === 0) return `${text}/>`
  text += '>'
  for (const child of children) text += typeof child === 'string' ? escapeText(child) : writeElement(child)
  return `${text}</${name}>`
}
