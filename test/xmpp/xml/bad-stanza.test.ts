import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { StreamReader } from '../../../src/xmpp/xml/reader.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'

const OPEN = "<s:stream xmlns='a' xmlns:s='http://etherx.jabber.org/streams' xmlns:p='u:p' xml:lang='en'>"
const LIMITS = { stanzaBytes: 2_000, depth: 5, attributes: 5 }
const GOOD = "<m to='x' p:a='1'><b>good</b><p:c/></m>"
const GOOD_READ = '<m to="x" p:a="1" xmlns="a" xml:lang="en" xmlns:p="u:p"><b>good</b><p:c/></m>'

function readerOf(limits = LIMITS) {
  const seen: string[] = []
  const reader = new StreamReader(
    {
      header: () => {},
      element: (element) => seen.push(writeElement(element)),
      badStanza: ({ root, condition, text }) => seen.push(`${condition} ${writeElement(root)} ${text}`),
      end: () => seen.push('end'),
      error: (error) => seen.push(error.condition),
    },
    limits,
  )
  return { reader, seen }
}

function read(chunks: readonly Buffer[], limits = LIMITS): readonly string[] {
  const { reader, seen } = readerOf(limits)
  for (const chunk of chunks) reader.write(chunk)
  return seen
}

/** In one piece, in two at every byte, and byte by byte. */
function readEveryWay(xml: string): readonly string[] {
  const bytes = Buffer.from(xml)
  const whole = read([bytes])
  for (let at = 1; at < bytes.length; at++)
    expect(read([bytes.subarray(0, at), bytes.subarray(at)]), `split at ${at}`).toEqual(whole)
  expect(read([...bytes].map((byte) => Buffer.of(byte)))).toEqual(whole)
  return whole
}

const XML = 'http://www.w3.org/XML/1998/namespace'
const LONG = 'ü'.repeat(1_000)
const DEEP = `${'<b>'.repeat(5)}x${'</b>'.repeat(5)}`
const ROOT = '<m from="f" to="t" id="i" type="y" xmlns="a"/>'
const around = (inner: string, attrs = ''): string =>
  `<m from='f' to='t' ${attrs}id='i' type='y'>${inner}</m>`

/** Each with the condition it is told with; all of them are one stanza with the attributes of `ROOT`. */
const BAD = [
  ['elements too deep', around(DEEP), 'policy-violation'],
  ['elements too deep, twice', around(DEEP + DEEP), 'policy-violation'],
  ['too many attributes', around("<b a='' b='' c='' d='' e='' f=''/>"), 'policy-violation'],
  ['too many attributes of the stanza itself', around('', "a='' b='' "), 'policy-violation'],
  ['too long a text', around(`<b>${LONG}</b>`), 'policy-violation'],
  ['too long a CDATA section', around(`<b><![CDATA[${LONG}]]></b>`), 'policy-violation'],
  ['too long a value', around(`<b c='${LONG}'/>`), 'policy-violation'],
  ['too long a name', around(`<${LONG}/>`), 'policy-violation'],
  ['too many elements', around(`<b>${'<c/>'.repeat(600)}</b>`), 'policy-violation'],
  ['too long, and then a prefix that is not bound', around(`${LONG}<q:b/>`), 'policy-violation'],
  ['a prefix that is not bound, and then too long', around(`<q:b/>${LONG}`), 'policy-violation'],
  ['an element of a prefix that is not bound', around('<q:b/>'), 'bad-request'],
  ['an attribute of a prefix that is not bound', around("<b q:c=''/>"), 'bad-request'],
  ['an element of prefix xmlns', around('<xmlns:b/>'), 'bad-request'],
  ['xml bound to another name', around("<b xmlns:xml='u'><c/></b>"), 'bad-request'],
  ['another prefix for the name of xml', around(`<n:b xmlns:n='${XML}'/>`), 'bad-request'],
  ['the name of xml as default', around(`<b xmlns='${XML}'><c/></b>`), 'bad-request'],
  ['a prefix bound to nothing', around("<b xmlns:q=''/>"), 'bad-request'],
  ['two colons', around('<p:b:c/>'), 'bad-request'],
  ['two colons in an attribute', around("<b p:c:d=''/>"), 'bad-request'],
  ['one attribute by two prefixes', around("<b xmlns:q='u:p' p:c='' q:c=''/>"), 'bad-request'],
  ['a fault of the stanza itself', around('<b/>', "q:r='' "), 'bad-request'],
  ['first a prefix, then too deep', around(`<q:b/>${DEEP}`), 'bad-request'],
  ['first too deep, then a prefix', around(`${DEEP}<q:b/>`), 'policy-violation'],
] as const

describe('a bad stanza is told, and the next is read the same', () => {
  test.for(BAD)('%s', ([, xml, condition]) => {
    const seen = readEveryWay(`${OPEN}${GOOD}${xml}${GOOD}</s:stream>`)
    expect(seen).toEqual([GOOD_READ, expect.stringContaining(`${condition} ${ROOT}`), GOOD_READ, 'end'])
  })

  test('a declaration of a bad stanza is not in force behind it', () => {
    const bad = "<m xmlns='v' xmlns:p='w'><q:b/><c xmlns:r='z'></c></m>"
    expect(readEveryWay(`${OPEN}${bad}${GOOD}<r:m/>${GOOD}`)).toEqual([
      expect.stringContaining('bad-request <m xmlns="v"/>'),
      GOOD_READ,
      expect.stringContaining('bad-request <r:m xmlns="a"/>'),
      GOOD_READ,
    ])
  })

  test('a value longer than any address is not kept', () => {
    const limits = { ...LIMITS, stanzaBytes: 6_000 }
    const xml = Buffer.from(
      `${OPEN}<m to='${'x'.repeat(20_000)}' xmlns='${'v'.repeat(5_000)}' id='i'/>${GOOD}`,
    )
    const expected = [expect.stringContaining('policy-violation <m id="i"/>'), GOOD_READ]
    expect(read([xml], limits)).toEqual(expected)
    expect(
      read(
        [...xml].map((byte) => Buffer.of(byte)),
        limits,
      ),
    ).toEqual(expected)
  })

  test('in any order, split anywhere', () => {
    const stanza = fc.constantFrom(...BAD.map(([, xml]) => xml), GOOD, GOOD, ' ')
    fc.assert(
      fc.property(
        fc.array(stanza, { maxLength: 8 }),
        fc.array(fc.nat(20_000), { maxLength: 12 }),
        (stanzas, cuts) => {
          const bytes = Buffer.from(OPEN + stanzas.join('') + GOOD)
          const points = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
          const chunks = [0, ...points].map((from, i) => bytes.subarray(from, points[i]))
          const seen = read(chunks)
          expect(seen).toEqual(read([bytes]))
          expect(seen).toHaveLength(stanzas.filter((each) => each !== ' ').length + 1)
          expect(seen.at(-1)).toBe(GOOD_READ)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('what ends the stream does so within a bad stanza too', () => {
  test.for([
    ['a comment', '<!-- x -->', 'restricted-xml'],
    ['a processing instruction', '<?x y?>', 'restricted-xml'],
    ['an entity', '&lol;', 'restricted-xml'],
    ['a wrong end tag', '<b></c>', 'not-well-formed'],
    ['a control character', '\u0001', 'not-well-formed'],
    ['an attribute twice', "<b c='' c=''/>", 'not-well-formed'],
    ['an attribute twice, of a prefix that is not bound', "<b q:c='' q:c=''/>", 'not-well-formed'],
  ] as const)('%s', ([, inner, condition]) => {
    for (const before of ['<q:b/>', LONG, DEEP, "<b a='' b='' c='' d='' e='' f=''/>"])
      expect(readEveryWay(`${OPEN}${GOOD}<m>${before}${inner}</m>${GOOD}`)).toEqual([GOOD_READ, condition])
  })

  test('wrong bytes', () => {
    const chunks = [Buffer.from(`${OPEN}<m><q:b/>`), Buffer.of(0x80), Buffer.from(`</m>${GOOD}`)]
    expect(read(chunks)).toEqual(['not-well-formed'])
  })

  test('text between stanzas, however much white space came before', () => {
    expect(readEveryWay(`${OPEN}${' '.repeat(2_500)}x${GOOD}`)).toEqual(['bad-format'])
  })

  test('the header is no stanza', () => {
    expect(readEveryWay("<q:stream xmlns='a'>")).toEqual(['bad-namespace-prefix'])
    expect(read([Buffer.from(`<s:stream a='${'x'.repeat(2_000)}`)])).toEqual(['policy-violation'])
  })

  test('sixteen times the limit', () => {
    const stanza = (octets: number) => Buffer.from(`<m>${'x'.repeat(octets - 7)}</m>`)
    for (const size of [1_000, 100_000]) {
      const fed = (octets: number): readonly string[] => {
        const bytes = Buffer.concat([Buffer.from(OPEN), stanza(octets), Buffer.from(GOOD)])
        return read(
          Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          ),
        )
      }
      expect(fed(32_000)).toEqual([expect.stringContaining('policy-violation <m xmlns="a"/>'), GOOD_READ])
      expect(fed(32_001)).toEqual(['policy-violation'])
    }
  })
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test.for([
  ['text', '<m>', 'x'],
  ['CDATA', '<m><![CDATA[', 'x'],
  ['a value', "<m a='", 'x'],
  ['references', '<m>', '&amp;'],
  ['elements', '<m>', '<b>x</b>'],
  ['attributes', '<m', " a='x'"],
] as const)('%s beyond the limit: memory stays where it is', ([, start, unit]) => {
  const limits = { ...DEFAULT_XML_LIMITS, stanzaBytes: 2_000_000, attributes: 1 }
  const { reader, seen } = readerOf(limits)
  reader.write(Buffer.from(OPEN + start))
  const chunk = Buffer.from(unit.repeat(Math.ceil(50_000 / unit.length)))
  const used = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  for (let fed = 0; fed < 2_100_000; fed += chunk.length) reader.write(chunk)
  const before = used()
  for (let fed = 0; fed < 20_000_000; fed += chunk.length) reader.write(chunk)
  expect(used() - before).toBeLessThan(8_000_000)
  expect(seen).toEqual([])
})

test('elements that lie deeper than any stanza of allowed length can have them end the stream, not the memory', () => {
  const most = Math.floor(LIMITS.stanzaBytes / 7)
  const nested = (levels: number): string => `${OPEN}${'<b>'.repeat(levels)}${'</b>'.repeat(levels)}${GOOD}`
  const refused = 'policy-violation <b xmlns="a"/> elements lie more than 5 deep'
  expect(readEveryWay(nested(most))).toEqual([refused, GOOD_READ])
  expect(read([Buffer.from(nested(most + 1))])).toEqual(['policy-violation'])
  expect(read([Buffer.from(`${OPEN}${'<b>'.repeat(1_000_000)}`)])).toEqual(['policy-violation'])
})
