export type HtmlToken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'open'; readonly name: string; readonly attrs: ReadonlyMap<string, string> }
  | { readonly kind: 'close'; readonly name: string }

const TAG = /<(\/?)([A-Za-z][A-Za-z0-9:-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/y
const ATTRIBUTE = /([^\s"'=/>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g
/** Their content is no text of the message. */
const RAW = new Set([
  'script',
  'style',
  'title',
  'textarea',
  'iframe',
  'noscript',
  'noembed',
  'noframes',
  'xmp',
])
const MAX_TAG = 4096
/** After so many `<` that begin no tag, the rest is text: each of them may cost a scan of `MAX_TAG`. */
const MAX_FAILURES = 64

/** HTML as people's clients send it: never fails, linear in the input. What is no tag is text. */
export function* htmlTokens(html: string): Generator<HtmlToken> {
  let at = 0
  let failures = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    const end = open < 0 ? html.length : open
    if (end > at) yield { kind: 'text', text: unescapeHtml(html.slice(at, end)) }
    if (open < 0) return
    if (html.startsWith('<!--', open)) {
      const close = html.indexOf('-->', open + 4)
      at = close < 0 ? html.length : close + 3
      continue
    }
    const mark = html[open + 1]
    if (mark === '!' || mark === '?') {
      const close = html.indexOf('>', open)
      at = close < 0 ? html.length : close + 1
      continue
    }
    const tag = failures < MAX_FAILURES ? tagAt(html, open) : undefined
    if (tag === undefined) {
      failures++
      yield { kind: 'text', text: '<' }
      at = open + 1
      continue
    }
    at = open + tag.length
    if (tag.closing) {
      yield { kind: 'close', name: tag.name }
    } else if (RAW.has(tag.name)) {
      const close = endOfRaw(html, tag.name, at)
      const bracket = close < 0 ? -1 : html.indexOf('>', close)
      at = bracket < 0 ? html.length : bracket + 1
    } else {
      yield { kind: 'open', name: tag.name, attrs: tag.attrs }
    }
  }
}

function endOfRaw(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}`, 'gi')
  end.lastIndex = from
  return end.exec(html)?.index ?? -1
}

interface Tag {
  readonly length: number
  readonly closing: boolean
  readonly name: string
  readonly attrs: ReadonlyMap<string, string>
}

function tagAt(html: string, open: number): Tag | undefined {
  TAG.lastIndex = 0
  const m = TAG.exec(html.slice(open, open + MAX_TAG))
  if (m === null) return undefined
  const attrs = new Map<string, string>()
  for (const [, name = '', double, single, bare] of (m[3] ?? '').matchAll(ATTRIBUTE)) {
    const key = name.toLowerCase()
    if (!attrs.has(key)) attrs.set(key, unescapeHtml(double ?? single ?? bare ?? ''))
  }
  return { length: m[0].length, closing: m[1] === '/', name: (m[2] ?? '').toLowerCase(), attrs }
}

const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: '\u00a0',
    copy: '©',
    reg: '®',
    trade: '™',
    hellip: '…',
    mdash: '—',
    ndash: '–',
    lsquo: '‘',
    rsquo: '’',
    ldquo: '“',
    rdquo: '”',
    laquo: '«',
    raquo: '»',
    bull: '•',
    middot: '·',
    euro: '€',
    pound: '£',
    yen: '¥',
    cent: '¢',
    sect: '§',
    deg: '°',
    auml: 'ä',
    ouml: 'ö',
    uuml: 'ü',
    Auml: 'Ä',
    Ouml: 'Ö',
    Uuml: 'Ü',
    szlig: 'ß',
    eacute: 'é',
    egrave: 'è',
    agrave: 'à',
    ccedil: 'ç',
    ntilde: 'ñ',
    times: '×',
    divide: '÷',
  }),
)

/** Entities that are not known stay as they are written. */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z]{2,8}));/g,
    (all, decimal, hex, name) => {
      if (name !== undefined) return ENTITIES.get(name) ?? all
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
    },
  )
}
