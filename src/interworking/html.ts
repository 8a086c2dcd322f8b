import { Element } from '../xmpp/xml/element.ts'
import { htmlTokens } from './html-tokens.ts'
import { xmlText } from './text.ts'

/** One HTML text in the two forms that a stanza carries side by side (XEP-0071 §9 rule 2: same meaning). */
export interface RichText {
  readonly plain: string
  /** `<html xmlns='http://jabber.org/protocol/xhtml-im'>`; undefined where the text has no markup worth it. */
  readonly xhtml: Element | undefined
}

/** XEP-0071 §7: the recommended elements, and older or similar ones under the recommended name. */
const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ...['a', 'blockquote', 'cite', 'em', 'li', 'ol', 'p', 'span', 'strong', 'ul'].map((n) => [n, n] as const),
  ['b', 'strong'],
  ['i', 'em'],
])
const STYLED = new Set(['a', 'blockquote', 'cite', 'li', 'ol', 'p', 'span', 'ul'])
/** Other elements start and end a line; `LINES` of them that are kept do too, in the plain text. */
const BLOCKS = new Set(
  'div h1 h2 h3 h4 h5 h6 pre table tr section article header footer dl dt dd hr'.split(' '),
)
const LINES = new Set(['p', 'blockquote', 'ol', 'ul', 'li'])
const PROPERTIES = new Set(
  (
    'background-color color font-family font-size font-style font-weight margin-left margin-right ' +
    'text-align text-decoration'
  ).split(' '),
)
const SAFE_VALUE = /^[\w\s#%.,'"+-]{1,80}$/
const SAFE_RGB = /^rgb\([\d\s,%.]{1,40}\)$/
const SAFE_URL = /^(?:https?|mailto|xmpp|sip|tel):[^\s]{1,2048}$/i

const MAX_DEPTH = 16
const MAX_ELEMENTS = 500
const MAX_HTML = 65_536

/**
 * text/html as XHTML-IM and plain text (RFC 7572 §7, XEP-0071). Only elements, attributes, style properties and URL
 * schemes on the lists come through; images become their `alt`. Beyond 16 levels or 500 elements markup is dropped and
 * its text kept; over 64 Ki characters only the plain text is made.
 */
export function htmlToXhtml(html: string): RichText {
  const body = new Element('body', { xmlns: 'http://www.w3.org/1999/xhtml' })
  const open: Element[] = [body]
  const top = () => open[open.length - 1] ?? body
  const markup = html.length <= MAX_HTML
  let elements = 0
  const lines = new Lines()
  const breakLine = () => {
    if (top().children.length > 0 && markup && elements++ < MAX_ELEMENTS) top().c('br')
  }
  const closeTop = () => {
    const element = open.pop()
    if (element?.name === 'a') lines.add(linkNote(element))
    if (element !== undefined && LINES.has(element.name)) lines.end()
  }

  for (const token of htmlTokens(html)) {
    if (token.kind === 'text') {
      const text = xmlText(token.text).replace(/[ \t\r\n]+/g, ' ')
      lines.add(text)
      if (markup && text !== '') addText(top(), text)
      continue
    }
    const { name } = token
    const kept = ELEMENTS.get(name)
    if (token.kind === 'close') {
      if (BLOCKS.has(name)) lines.end()
      const at = kept === undefined ? -1 : open.findLastIndex((element, i) => i > 0 && element.name === kept)
      if (at > 0) while (open.length > at) closeTop()
      continue
    }
    if (name === 'br') {
      lines.feed()
      if (markup && elements++ < MAX_ELEMENTS) top().c('br')
    } else if (name === 'img') {
      const alt = xmlText(token.attrs.get('alt') ?? '')
      lines.add(alt)
      if (markup && alt !== '') addText(top(), alt)
    } else if (kept !== undefined) {
      if ((name === 'p' || name === 'li') && top().name === name && open.length > 1) closeTop()
      if (LINES.has(kept)) lines.end()
      if (kept === 'li') lines.add(top().name === 'ol' ? `${top().getChildren('li').length + 1}. ` : '- ')
      if (!markup || open.length > MAX_DEPTH || ++elements > MAX_ELEMENTS) continue
      const element = new Element(kept, attributes(kept, token.attrs))
      top().cnode(element)
      open.push(element)
    } else if (BLOCKS.has(name)) {
      lines.end()
      breakLine()
    }
  }
  while (open.length > 1) closeTop()

  let xhtml: Element | undefined
  if (elements > 0) {
    xhtml = new Element('html', { xmlns: 'http://jabber.org/protocol/xhtml-im' })
    xhtml.cnode(body)
  }
  return { plain: lines.text(), xhtml }
}

/** The plain text as it grows; no step looks at more than its own line, so that the whole stays linear. */
class Lines {
  readonly #done: string[] = []
  #parts: string[] = []
  #spaced = true

  /** Text with white space already collapsed. */
  add(text: string): void {
    const part = this.#spaced && text.startsWith(' ') ? text.slice(1) : text
    if (part === '') return
    this.#parts.push(part)
    this.#spaced = part.endsWith(' ')
  }

  /** Ends the line if there is anything on it. */
  end(): void {
    if (this.#parts.length > 0) this.feed()
  }

  /** Ends the line, even an empty one. */
  feed(): void {
    this.#done.push(this.#parts.join('').trimEnd())
    this.#parts = []
    this.#spaced = true
  }

  text(): string {
    this.end()
    return this.#done.join('\n').replaceAll('\u00a0', ' ').trim()
  }
}

/** Adjacent texts become one, so that the tree is what a reader of it would build. */
function addText(element: Element, text: string): void {
  const last = element.children.length - 1
  const before = element.children[last]
  if (typeof before === 'string') element.children[last] = before + text
  else element.children.push(text)
}

/** Where a link leads belongs to its meaning. */
function linkNote(element: Element): string {
  const href = element.attrs.href as string | undefined
  return href === undefined || element.getText().trim() === href ? '' : ` <${href}>`
}

function attributes(name: string, attrs: ReadonlyMap<string, string>): Record<string, string> {
  const kept: Record<string, string> = {}
  const href = attrs.get('href')
  // Browsers skip white space and controls in `java\nscript:`: nothing of the kind is let through.
  if (name === 'a' && href !== undefined && SAFE_URL.test(href) && xmlText(href) === href) kept.href = href
  const style = STYLED.has(name) ? safeStyle(attrs.get('style')) : ''
  if (style !== '') kept.style = style
  return kept
}

function safeStyle(style: string | undefined): string {
  if (style === undefined || style.length > 1024) return ''
  const kept: string[] = []
  for (const declaration of style.split(';')) {
    const colon = declaration.indexOf(':')
    if (colon < 0) continue
    const property = declaration.slice(0, colon).trim().toLowerCase()
    const value = declaration.slice(colon + 1).trim()
    if (PROPERTIES.has(property) && (SAFE_VALUE.test(value) || SAFE_RGB.test(value)))
      kept.push(`${property}: ${value}`)
  }
  return kept.join('; ')
}
