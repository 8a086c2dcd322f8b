import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { type ReaderEvents, STREAMS, StreamReader } from '../../../src/xmpp/xml/reader.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'
import { SaxesReader } from '../../support/saxes-reader.ts'

/** What a reader told, and the condition it ended with. */
interface Told {
  readonly events: readonly string[]
  readonly condition: string | undefined
}

function told(
  make: (events: ReaderEvents) => { write(chunk: Buffer): void },
  chunks: readonly Buffer[],
): Told {
  const events: string[] = []
  let condition: string | undefined
  const reader = make({
    header: (header) => events.push(JSON.stringify(header)),
    element: (element) => events.push(writeElement(element)),
    end: () => events.push('end'),
    error: (error) => {
      condition = error.condition
    },
  })
  for (const chunk of chunks) reader.write(chunk)
  return { events, condition }
}

const ours = (chunks: readonly Buffer[]): Told =>
  told((events) => new StreamReader(events, DEFAULT_XML_LIMITS), chunks)
const theirs = (chunks: readonly Buffer[]): Told => told((events) => new SaxesReader(events), chunks)

/** Brings to light what either reader still waits to judge; ends every name, value, reference, section and declaration. */
const REST = Buffer.from(`;?>'>">]]>--></x>`)

/**
 * Where we differ from saxes, and why. Otherwise the same elements come before the same condition.
 * - `verdict`: saxes lets through what we refuse, or the other way round; such documents say nothing.
 * - `condition`: both refuse, but find another fault first.
 */
const DIFFERENCES: readonly {
  readonly reason: string
  readonly kind: 'verdict' | 'condition'
  readonly found: RegExp
}[] = [
  {
    reason:
      'saxes takes white space off namespace names; Namespaces in XML 1.0 §2.3 compares them as they are',
    kind: 'verdict',
    found: /xmlns[^=]*=\s*(?:'(?:\s|&#|[^']*(?:\s|&#[^']*)')|"(?:\s|&#|[^"]*(?:\s|&#[^"]*)"))/,
  },
  {
    reason: 'saxes takes a local part that is no NCName (Namespaces in XML 1.0 §4)',
    kind: 'verdict',
    found: /:(?:[-.0-9]|[\u203f\u2040]|\u00b7|[\u0300-\u036f])/,
  },
  {
    reason:
      'what RFC 6120 §11.1 forbids is refused at its start; saxes reads on to its end and may meet another fault',
    kind: 'condition',
    found: /<[?!]/,
  },
  {
    reason: 'an element name that is no QName is refused where it ends; saxes reads on to the end of its tag',
    kind: 'condition',
    found: /<(?::|[^\s<>/]*:(?:[^\s<>/]*:|[\s/>]))/,
  },
  {
    reason: 'a reference without its semicolon is refused at once; saxes reads on to the next one',
    kind: 'condition',
    found: /&/,
  },
]

function agree(document: Buffer, cuts: readonly number[]): void {
  const text = document.toString('utf8')
  const differences = DIFFERENCES.filter(({ found }) => found.test(text))
  if (differences.some(({ kind }) => kind === 'verdict')) return
  const points = [...new Set(cuts.map((cut) => cut % (document.length + 1)))].sort((a, b) => a - b)
  const chunks = [0, ...points].map((from, i) => document.subarray(from, points[i] ?? document.length))
  const mine = ours([...chunks, REST])
  const other = theirs([...chunks, REST])
  expect(mine.events).toEqual(other.events)
  if (differences.length === 0) expect(mine.condition).toBe(other.condition)
  else expect(mine.condition === undefined).toBe(other.condition === undefined)
}

const space = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n', ' \r')
const prefix = fc.constantFrom('', '', '', 'a:', 'b:', 'xml:', 'stream:', 'c:')
const local = fc.constantFrom('x', 'body', 'message', 'é', 'x-1.y', '\u{10000}z', '__proto__', 'toString')
const name = fc.tuple(prefix, local).map((parts) => parts.join(''))
const piece = fc.oneof(
  fc.string({ maxLength: 8 }).map((text) => text.replace(/[<&]/g, '')),
  fc.constantFrom('&lt;', '&amp;', '&#65;', '&#x1F600;', '&#13;', '&apos;', '\r', '\r\n', '\n', '\t'),
  fc.constantFrom(']', ']]', 'ü', '漢字', '🌹', '\u0085', '\u2028', '>', '\ufeff'),
  fc.constantFrom('&lol;', '&#0;', '&#xFFFF;', '&;', '&amp', ']]>', '\u0001', '\ufffe', '&#X41;', '&a:b;'),
)
const clean = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''))
const value = clean.chain((text) =>
  fc.constantFrom(`'${text.replaceAll("'", '')}'`, `"${text.replaceAll('"', '')}"`),
)
const declaration = fc
  .tuple(
    fc.constantFrom('xmlns', 'xmlns:a', 'xmlns:b', 'xmlns:c', 'xmlns:a', 'xmlns:xml', 'xmlns:xmlns'),
    fc.constantFrom(
      'u',
      'v',
      'u',
      '',
      'http://www.w3.org/XML/1998/namespace',
      'http://www.w3.org/2000/xmlns/',
      STREAMS,
    ),
  )
  .map(([key, uri]) => `${key}='${uri}'`)
const attribute = fc
  .tuple(
    space.map((white) => ` ${white}`),
    fc.oneof(
      fc
        .tuple(name, space, space, value)
        .map(([key, before, after, text]) => `${key}${before}=${after}${text}`),
      declaration,
    ),
  )
  .map((parts) => parts.join(''))
const { element } = fc.letrec<{ element: string; child: string }>((tie) => ({
  child: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    clean,
    clean.map((text) => `<![CDATA[${text.replaceAll(']]>', '')}]]>`),
    tie('element'),
  ),
  element: fc
    .tuple(
      name,
      fc.array(attribute, { maxLength: 3 }),
      space,
      fc.array(tie('child'), { maxLength: 3 }),
      space,
    )
    .map(([tag, attributes, before, children, after]) =>
      children.length === 0
        ? `<${tag}${attributes.join('')}${before}/>`
        : `<${tag}${attributes.join('')}${before}>${children.join('')}</${tag}${after}>`,
    ),
}))
const stream = fc
  .tuple(
    fc.constantFrom(
      '',
      "<?xml version='1.0'?>",
      '<?xml version="1.0" encoding=\'utf-8\' standalone="yes" ?>\n',
      '\ufeff',
      ' ',
    ),
    fc.constantFrom("xmlns='jabber:server' ", '', "xml:lang='fr' xmlns:a='u' "),
    fc.array(
      fc.tuple(fc.oneof(element, fc.constantFrom('', ' ', '\n', '\r')), space).map((parts) => parts.join('')),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    fc.constantFrom('', '', '</stream:stream>', '</stream:stream >x', '</stream>'),
  )
  .map(
    ([before, attributes, elements, end]) =>
      `${before}<stream:stream ${attributes}xmlns:stream='${STREAMS}' xmlns:b='w'>${elements.join('')}${end}`,
  )
const cuts = fc.array(fc.nat(2_000), { maxLength: 6 })

/** One change: a piece cut out, put in, put in place of another, or doubled; or the end cut off. */
const TOKENS = [
  '<',
  '>',
  '/',
  '=',
  "'",
  '"',
  '&',
  ';',
  ':',
  ' ',
  '!',
  '?',
  ']',
  '-',
  '[',
  '1',
  'x',
  '\0',
  '\r',
  'xmlns',
  '<!--',
  '<?',
  ']]>',
  '<![CDATA[',
  '</',
  '/>',
  '&#',
  '&lt;',
  'é',
  '\u00b7',
  '<!DOCTYPE x>',
  '<?xml version="1.0"?>',
]
const edit = fc.tuple(
  fc.constantFrom('put', 'take', 'change', 'double', 'end', 'byte'),
  fc.nat(2_000),
  fc.nat(5),
  fc.constantFrom(...TOKENS),
  fc.nat(255),
)
function edited(
  document: Buffer,
  [kind, where, length, token, byte]: readonly [string, number, number, string, number],
): Buffer {
  const at = where % (document.length + 1)
  const after = document.subarray(at + length)
  const put = (middle: Buffer, rest: Buffer): Buffer =>
    Buffer.concat([document.subarray(0, at), middle, rest])
  if (kind === 'put') return put(Buffer.from(token), document.subarray(at))
  if (kind === 'take') return put(Buffer.alloc(0), after)
  if (kind === 'change') return put(Buffer.from(token), after)
  if (kind === 'double') return put(document.subarray(at, at + length), document.subarray(at))
  return kind === 'end' ? document.subarray(0, at) : put(Buffer.of(byte), document.subarray(at + 1))
}

const numRuns = 1_500

test('streams are read as saxes reads them', () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => agree(Buffer.from(text), at)),
    { numRuns },
  )
})

test('streams with faults are refused as saxes refuses them', () => {
  fc.assert(
    fc.property(stream, fc.array(edit, { minLength: 1, maxLength: 3 }), cuts, (text, edits, at) =>
      agree(edits.reduce(edited, Buffer.from(text)), at),
    ),
    { numRuns: numRuns * 2 },
  )
})
