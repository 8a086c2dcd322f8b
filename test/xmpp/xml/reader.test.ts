import { describe, expect, test } from 'vitest'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS, type XmlLimits } from '../../../src/xmpp/xml/limits.ts'
import { type StreamHeader, StreamReader } from '../../../src/xmpp/xml/reader.ts'
import type { StreamError } from '../../../src/xmpp/xml/stream-error.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'

const OPEN =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='3BF&amp;96D32' from='x.example'>"

function collect(limits: XmlLimits = DEFAULT_XML_LIMITS) {
  const seen: string[] = []
  const elements: Element[] = []
  const errors: StreamError[] = []
  const headers: StreamHeader[] = []
  const reader = new StreamReader(
    {
      header: (header) => {
        headers.push(header)
        seen.push(`header ${header.id}`)
      },
      element: (element) => {
        elements.push(element)
        seen.push(writeElement(element))
      },
      end: () => seen.push('end'),
      error: (error) => {
        errors.push(error)
        seen.push(`error ${error.condition}`)
      },
    },
    limits,
  )
  return { reader, seen, elements, errors, headers }
}

function read(xml: string | Buffer, limits?: XmlLimits) {
  const all = collect(limits)
  all.reader.write(Buffer.from(xml))
  return all
}

describe('a stream that is right', () => {
  const stream = Buffer.from(
    `${OPEN} <message to='a@x' from='ü@y'><body>h&#233;llo &lt;&#x1F600;&gt; <![CDATA[<&]]>ש</body><x:x xmlns:x='u:x' x:y='1'/></message>\n<db:result to='a'>key</db:result><iq xml:lang='de'/></stream:stream>after`,
  )

  test('gives its header, its elements whole, and its end', () => {
    const { seen, headers } = read(stream)
    expect(headers[0]).toMatchObject({
      namespace: 'jabber:component:accept',
      id: '3BF&96D32',
      from: 'x.example',
    })
    expect(seen).toEqual([
      'header 3BF&96D32',
      '<message to="a@x" from="ü@y" xmlns="jabber:component:accept"><body>héllo &lt;😀&gt; &lt;&amp;ש</body><x:x xmlns:x="u:x" x:y="1"/></message>',
      '<db:result to="a" xmlns="jabber:component:accept" xmlns:db="jabber:server:dialback">key</db:result>',
      '<iq xml:lang="de" xmlns="jabber:component:accept"/>',
      'end',
    ])
  })

  test('gives the same whatever the split', () => {
    const whole = read(stream).seen
    for (let at = 1; at < stream.length; at++) {
      const { reader, seen } = collect()
      reader.write(stream.subarray(0, at))
      reader.write(stream.subarray(at))
      expect(seen, `split at ${at}`).toEqual(whole)
    }
    const { reader, seen } = collect()
    for (const byte of stream) reader.write(Buffer.of(byte))
    expect(seen).toEqual(whole)
  })

  test('namespaces are found without the stream around', () => {
    const { elements } = read(stream)
    expect(elements[0]?.getChild('body')?.getNS()).toBe('jabber:component:accept')
    expect(elements[0]?.getChild('x', 'u:x')?.attrs['x:y']).toBe('1')
    expect(elements[1]?.is('result', 'jabber:server:dialback')).toBe(true)
  })

  test('the language of the stream is that of its stanzas', () => {
    const { elements } = read(
      `${OPEN.replace("id='", "xml:lang='fr' id='")}<message/><message xml:lang='de'/>`,
    )
    expect(elements.map((each) => each.attrs['xml:lang'])).toEqual(['fr', 'de'])
  })
})

describe('RFC 6120 §11', () => {
  test.for([
    ['a comment', `${OPEN}<!-- x -->`, 'restricted-xml'],
    ['a processing instruction', `${OPEN}<?x y?>`, 'restricted-xml'],
    ['a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${OPEN}`, 'restricted-xml'],
    ['an entity of its own', `${OPEN}<message>&lol;</message>`, 'restricted-xml'],
    ['a duplicate attribute', `${OPEN}<message to='a' to='b'/>`, 'not-well-formed'],
    [
      'a duplicate attribute by namespace',
      `${OPEN}<m xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>`,
      'not-well-formed',
    ],
    ['an unbound prefix', `${OPEN}<a:message/>`, 'bad-namespace-prefix'],
    ['an unbound prefix of an attribute', `${OPEN}<message a:b='c'/>`, 'bad-namespace-prefix'],
    ['a control character', `${OPEN}<message>\u0001</message>`, 'not-well-formed'],
    ['a reference to a forbidden character', `${OPEN}<message>&#0;</message>`, 'not-well-formed'],
    ['a mismatched end', `${OPEN}<message></iq>`, 'not-well-formed'],
    ['text between stanzas', `${OPEN}<message/>text<message/>`, 'bad-format'],
    ['another encoding', `<?xml version='1.0' encoding='latin1'?>${OPEN.slice(21)}`, 'unsupported-encoding'],
    ['no stream', '<html>', 'invalid-namespace'],
    [
      'another element of the stream namespace',
      `<s:features xmlns:s='http://etherx.jabber.org/streams'>`,
      'bad-format',
    ],
  ] as const)('%s is %s', ([, xml, condition]) => {
    expect(read(xml).errors.map((error) => error.condition)).toEqual([condition])
  })

  test.for([
    ['a stray continuation byte', [0x80]],
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character cut off by ASCII', [0xc3, 0x41]],
  ] as const)('%s is not-well-formed', ([, bytes]) => {
    const stream = Buffer.concat([
      Buffer.from(`${OPEN}<message>`),
      Buffer.from(bytes),
      Buffer.from('</message>'),
    ])
    expect(read(stream).errors.map((error) => error.condition)).toEqual(['not-well-formed'])
    const { reader, errors } = collect()
    for (const byte of stream) reader.write(Buffer.of(byte))
    expect(errors.map((error) => error.condition)).toEqual(['not-well-formed'])
  })
})

describe('limits act while bytes arrive', () => {
  const limits = { stanzaBytes: 10_000, depth: 5, attributes: 3 }

  test('a stanza that does not end is cut off near its limit', () => {
    const { reader, errors } = collect(limits)
    reader.write(Buffer.from(`${OPEN}<message><body>`))
    let sent = 0
    while (errors.length === 0 && sent < 100_000) {
      reader.write(Buffer.alloc(500, 'a'))
      sent += 500
    }
    expect(errors[0]?.condition).toBe('policy-violation')
    expect(sent).toBeLessThan(11_000)
  })

  test.for([
    ['an attribute', "<message to='"],
    ['a name', '<message'],
    ['white space', ' '],
  ] as const)('an endless %s is cut off', ([, start]) => {
    const { reader, errors } = collect(limits)
    reader.write(Buffer.from(`${OPEN}${start}`))
    for (let i = 0; i < 30; i++) reader.write(Buffer.alloc(500, start === ' ' ? ' ' : 'a'))
    expect(errors[0]?.condition).toBe('policy-violation')
  })

  test('octets are counted, not characters', () => {
    const stanza = (n: number) => `<message><body>${'ü'.repeat(n)}</body></message>`
    expect(read(`${OPEN}${stanza(4_900)}`, limits).errors).toEqual([])
    expect(read(`${OPEN}${stanza(5_000)}`, limits).errors.map((error) => error.condition)).toEqual([
      'policy-violation',
    ])
  })

  test('many stanzas in one piece are not one long stanza', () => {
    const { elements, errors } = read(OPEN + '<message><body>hello</body></message>'.repeat(1_000), limits)
    expect(errors).toEqual([])
    expect(elements).toHaveLength(1_000)
  })

  test('depth', () => {
    expect(read(`${OPEN}<a><a><a><a><a>`, limits).errors).toEqual([])
    expect(read(`${OPEN}<a><a><a><a><a><a>`, limits).errors[0]?.condition).toBe('policy-violation')
  })

  test('attributes', () => {
    expect(read(`${OPEN}<a b='' c='' d=''/>`, limits).errors).toEqual([])
    expect(read(`${OPEN}<a b='' c='' d='' e=''/>`, limits).errors[0]?.condition).toBe('policy-violation')
  })
})
