import { describe, expect, test } from 'vitest'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { StreamReader } from '../../../src/xmpp/xml/reader.ts'
import type { TokenSink } from '../../../src/xmpp/xml/token-sink.ts'
import { Tokenizer } from '../../../src/xmpp/xml/tokenizer.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'
import { isLinear } from '../../support/cost.ts'

const OPEN = "<s:stream xmlns='a' xmlns:s='http://etherx.jabber.org/streams'>"

function read(chunks: readonly Buffer[], limits = DEFAULT_XML_LIMITS): readonly string[] {
  const seen: string[] = []
  const reader = new StreamReader(
    {
      header: () => {},
      element: (element) => seen.push(writeElement(element)),
      end: () => seen.push('end'),
      error: (error) => seen.push(error.condition),
    },
    limits,
  )
  for (const chunk of chunks) reader.write(chunk)
  return seen
}

/** The same in one piece, in two at every byte, and byte by byte. */
function readEveryWay(xml: string): readonly string[] {
  const bytes = Buffer.from(xml)
  const whole = read([bytes])
  for (let at = 1; at < bytes.length; at++)
    expect(read([bytes.subarray(0, at), bytes.subarray(at)]), `split at ${at}`).toEqual(whole)
  expect(read([...bytes].map((byte) => Buffer.of(byte)))).toEqual(whole)
  return whole
}

describe('what is well-formed', () => {
  test.for([
    ['line ends in text', '<m>a\r\nb\rc\r\r\nd</m>', '<m xmlns="a">a\nb\nc\n\nd</m>'],
    ['line ends in CDATA', '<m><![CDATA[a\r\nb\r]]>c</m>', '<m xmlns="a">a\nb\nc</m>'],
    ['line ends in a tag', "<m\r\nb='1'\r\nc='2'\r\n></m\r\n>", '<m b="1" c="2" xmlns="a"/>'],
    ['white space in a value', "<m b='a\tb\nc\r\nd\re'/>", '<m b="a b c d e" xmlns="a"/>'],
    ['referenced white space in a value', "<m b='&#9;&#xA;&#13;'/>", '<m b="&#9;&#10;&#13;" xmlns="a"/>'],
    ['a carriage return by reference', '<m>&#13;\n</m>', '<m xmlns="a">&#13;\n</m>'],
    ['the five entities', '<m>&lt;&gt;&amp;&quot;&apos;</m>', `<m xmlns="a">&lt;&gt;&amp;"'</m>`],
    ['the other quote in a value', `<m b='"' c="'"/>`, '<m b="&quot;" c="&apos;" xmlns="a"/>'],
    ['brackets in text', '<m>]]]&gt;]]&#62;]</m>', '<m xmlns="a">]]]&gt;]]&gt;]</m>'],
    ['brackets in CDATA', '<m><![CDATA[]]]]]><![CDATA[>]>]]]></m>', '<m xmlns="a">]]]&gt;]&gt;]</m>'],
    ['brackets after CDATA', '<m><![CDATA[]]]>]><![CDATA[]]></m>', '<m xmlns="a">]]&gt;</m>'],
    ['an end of CDATA in a value', "<m b=']]>'/>", '<m b="]]&gt;" xmlns="a"/>'],
    ['space around an equals sign', "<m b = '1'/>", '<m b="1" xmlns="a"/>'],
    ['names beyond ASCII', '<é·\u{10000}>x</é·\u{10000}>', '<é·\u{10000} xmlns="a">x</é·\u{10000}>'],
    ['the xml prefix undeclared', "<m xml:lang='de'/>", '<m xml:lang="de" xmlns="a"/>'],
    [
      'the xml prefix declared',
      "<m xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
      '<m xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns="a"/>',
    ],
    [
      'a prefix bound after its use',
      "<b:m b:x='1' x='2' xmlns:b='u'/>",
      '<b:m b:x="1" x="2" xmlns:b="u" xmlns="a"/>',
    ],
    ['no default namespace', "<m xmlns=''/>", '<m xmlns=""/>'],
    ['a name out of Object', "<m toString='1' __proto__='2'/>", '<m toString="1" xmlns="a"/>'],
  ] as const)('%s', ([, xml, written]) => {
    expect(readEveryWay(`${OPEN}${xml}`)).toEqual([written])
  })

  test('a declaration, with a byte order mark before it', () => {
    expect(
      readEveryWay(
        `\ufeff<?xml version="1.0" encoding='utf-8' standalone='yes' ?>\r\n${OPEN}<m/></s:stream>x`,
      ),
    ).toEqual(['<m xmlns="a"/>', 'end'])
  })
})

describe('what is not', () => {
  const XML = 'http://www.w3.org/XML/1998/namespace'
  const XMLNS = 'http://www.w3.org/2000/xmlns/'
  test.for([
    ['an end of CDATA in text', '<m>a]]>', 'not-well-formed'],
    ['three brackets and an end', '<m>]]]>', 'not-well-formed'],
    ['a less-than sign in a value', "<m b='<'/>", 'not-well-formed'],
    ['a value without quotes', '<m b=c>', 'not-well-formed'],
    ['an attribute without a value', '<m b>', 'not-well-formed'],
    ['no space between attributes', "<m b='1'c='2'/>", 'not-well-formed'],
    ['a slash within a tag', '<m/ >', 'not-well-formed'],
    ['a space before a name', '< m/>', 'not-well-formed'],
    ['a space before the name of an end tag', '<m></ m>', 'not-well-formed'],
    ['an end tag without a name', '<m></>', 'not-well-formed'],
    ['an end tag with an attribute', "<m></m b='1'>", 'not-well-formed'],
    ['an end tag of another case', '<m></M>', 'not-well-formed'],
    ['an end tag that begins alike', '<m></mm>', 'not-well-formed'],
    ['an end tag cut short', '<mm></m>', 'not-well-formed'],
    ['an end tag of another prefix', "<m xmlns:b='u' xmlns:c='u'><b:x></c:x>", 'not-well-formed'],
    ['the end of the stream within a stanza', '<m></s:stream>', 'not-well-formed'],
    ['another end of the stream', '</t:stream>', 'not-well-formed'],
    ['a name that begins with a digit', '<1/>', 'not-well-formed'],
    ['a name that begins with a middle dot', '<\u00b7/>', 'not-well-formed'],
    ['a name with a multiplication sign', '<a\u00d7/>', 'not-well-formed'],
    ['a name beyond U+EFFFF', '<\u{f0000}/>', 'not-well-formed'],
    ['two colons', "<m xmlns:b='u' b:c:d='1'/>", 'not-well-formed'],
    ['no prefix before a colon', '<:m/>', 'not-well-formed'],
    ['nothing after a colon', '<s:/>', 'not-well-formed'],
    ['a digit after a colon', "<m xmlns:b='u' b:1='1'/>", 'not-well-formed'],
    ['the same attribute twice', "<m a='1' b='' a='2'/>", 'not-well-formed'],
    ['the same declaration twice', "<m xmlns:b='u' xmlns:b='u'/>", 'not-well-formed'],
    ['a prefix bound to nothing', "<m xmlns:b=''/>", 'not-well-formed'],
    ['a prefix out of scope', "<m><b:x xmlns:b='u'/><b:x/></m>", 'bad-namespace-prefix'],
    ['an element of prefix xmlns', '<xmlns:m/>', 'bad-namespace-prefix'],
    ['xml bound to another name', "<m xmlns:xml='u'/>", 'bad-namespace-prefix'],
    ['xmlns bound to another name', "<m xmlns:xmlns='u'/>", 'bad-namespace-prefix'],
    ['xmlns bound at all', `<m xmlns:xmlns='${XMLNS}'/>`, 'not-well-formed'],
    ['another prefix for the name of xml', `<m xmlns:b='${XML}'/>`, 'not-well-formed'],
    ['another prefix for the name of xmlns', `<m xmlns:b='${XMLNS}'/>`, 'not-well-formed'],
    ['the name of xml as default', `<m xmlns='${XML}'/>`, 'not-well-formed'],
    ['the name of xmlns as default', `<m xmlns='${XMLNS}'/>`, 'not-well-formed'],
    ['an ampersand alone', '<m>a & b', 'not-well-formed'],
    ['an empty reference', '<m>&;', 'not-well-formed'],
    ['a reference without its semicolon', '<m>&amp<', 'not-well-formed'],
    ['a hexadecimal reference with a capital X', '<m>&#X41;', 'not-well-formed'],
    ['a reference to a surrogate', '<m>&#xD800;', 'not-well-formed'],
    ['a reference to U+FFFE', '<m>&#xFFFE;', 'not-well-formed'],
    ['a reference beyond Unicode', '<m>&#x110000;', 'not-well-formed'],
    ['an entity in a value', "<m b='&lol;'/>", 'restricted-xml'],
    ['a form feed', '<m>\f', 'not-well-formed'],
    ['U+FFFF', '<m>\uffff', 'not-well-formed'],
    ['a control character in a value', "<m b='\u001f'/>", 'not-well-formed'],
    ['a control character in CDATA', '<m><![CDATA[\u0000', 'not-well-formed'],
    ['a control character in a tag', '<m \u0000', 'not-well-formed'],
    ['CDATA of another case', '<m><![cdata[', 'not-well-formed'],
    ['a declaration within', "<m><?xml version='1.0'?>", 'not-well-formed'],
    ['a document type within', '<m><!DOCTYPE x>', 'restricted-xml'],
    ['a comment within', '<m><!--', 'restricted-xml'],
    ['text in CDATA between stanzas', '<![CDATA[x]]><m/>', 'bad-format'],
  ] as const)('%s: %s', ([, xml, condition]) => {
    expect(readEveryWay(`${OPEN}<ok/>${xml}`)).toEqual(['<ok xmlns="a"/>', condition])
  })

  test.for([
    ['white space before the declaration', " <?xml version='1.0'?>", 'not-well-formed'],
    ['a declaration without a version', "<?xml encoding='UTF-8'?>", 'not-well-formed'],
    ['a declaration in another order', "<?xml encoding='UTF-8' version='1.0'?>", 'not-well-formed'],
    ['a version of another kind', "<?xml version='2.0'?>", 'not-well-formed'],
    ['standalone perhaps', "<?xml version='1.0' standalone='perhaps'?>", 'not-well-formed'],
    ['a declaration that ends like a tag', "<?xml version='1.0'>", 'not-well-formed'],
    ['two declarations', "<?xml version='1.0'?><?xml version='1.0'?>", 'not-well-formed'],
    ['text before the root', `x`, 'not-well-formed'],
    ['CDATA before the root', '<![CDATA[', 'not-well-formed'],
    ['an end tag before the root', '</s:stream>', 'not-well-formed'],
    ['controls of XML 1.1', `<?xml version='1.1'?>${OPEN}<m>&#1;`, 'not-well-formed'],
    ['a byte order mark after the declaration', `<?xml version='1.0'?>\ufeff${OPEN}`, 'not-well-formed'],
    ['two byte order marks', `\ufeff\ufeff${OPEN}`, 'not-well-formed'],
  ] as const)('%s', ([, xml, condition]) => {
    expect(readEveryWay(xml)).toEqual([condition])
  })

  test('a stanza whose end tag is wrong is not given', () => {
    expect(readEveryWay(`${OPEN}<message></iq>`)).toEqual(['not-well-formed'])
  })
})

describe('the cost of what drips', () => {
  const silent: TokenSink = { attribute: () => {}, open: () => {}, close: () => {}, text: () => {} }

  test.for([
    ['an attribute', "<a b='", 'x'],
    ['a name', '<a', 'x'],
    ['text', '<a>', 'x'],
    ['brackets', '<a>', ']'],
    ['CDATA', '<a><![CDATA[', ']'],
    ['a reference', '<a>&#', '0'],
    ['white space in a tag', '<a ', ' '],
    ['an end tag', '<a></', 'x'],
  ] as const)(
    '%s of eight times the size costs no more than eight times the work, byte by byte',
    ([, start, unit]) => {
      const drip = (octets: number): void => {
        const tokenizer = new Tokenizer(silent)
        tokenizer.write(`<r>${start}`)
        for (let i = 0; i < octets; i++) tokenizer.write(unit)
      }
      expect(isLinear(drip, 50_000)).toBe(true)
    },
  )

  test('many references in one chunk cost as much as in many', () => {
    const whole = (count: number): void => new Tokenizer(silent).write(`<a>${'&lt;'.repeat(count)}`)
    expect(isLinear(whole, 12_500)).toBe(true)
  })
})

describe('octets of a stanza across chunks', () => {
  const limits = { ...DEFAULT_XML_LIMITS, stanzaBytes: 10_000 }
  const stanza = (octets: number): Buffer => Buffer.from(`<m>${'x'.repeat(octets - 7)}</m>`)

  test('those of the chunk before a stanza are not its own', () => {
    const chunk = Buffer.concat([stanza(6_000), stanza(6_000)])
    expect(read([Buffer.from(OPEN), chunk, chunk, chunk], limits)).not.toContain('policy-violation')
  })

  test.for([
    ['at the limit', 10_000, 1],
    ['one above', 10_001, 0],
  ] as const)('%s, split', ([, octets, elements]) => {
    const bytes = stanza(octets)
    const seen = read(
      [
        Buffer.concat([Buffer.from(OPEN), bytes.subarray(0, 4_000)]),
        bytes.subarray(4_000, 9_000),
        bytes.subarray(9_000),
      ],
      limits,
    )
    expect(seen.filter((each) => each.startsWith('<m'))).toHaveLength(elements)
    expect(seen.includes('policy-violation')).toBe(elements === 0)
  })
})
