import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Element, xml } from '../../../src/xmpp/xml/element.ts'
import { DEFAULT_XML_LIMITS } from '../../../src/xmpp/xml/limits.ts'
import { StreamReader } from '../../../src/xmpp/xml/reader.ts'
import { escapeAttribute, escapeText, writeElement, xmlText } from '../../../src/xmpp/xml/writer.ts'

function back(text: string): Element {
  let found: Element | undefined
  const reader = new StreamReader(
    {
      header: () => {},
      element: (element) => {
        found = element
      },
      end: () => {},
      error: (error) => expect.unreachable(`${error.condition} for ${text}`),
    },
    DEFAULT_XML_LIMITS,
  )
  reader.write(Buffer.from("<s:stream xmlns='a' xmlns:s='http://etherx.jabber.org/streams'>"))
  reader.write(Buffer.from(text))
  return found as Element
}

test.for([
  ['markup', `<&>"'`, `&lt;&amp;&gt;"'`, '&lt;&amp;&gt;&quot;&apos;'],
  ['white space', '\t\n\r', '\t\n&#13;', '&#9;&#10;&#13;'],
  ['controls', 'a\u0000\u001b\u000bb', 'ab', 'ab'],
  ['lone surrogates and non-characters', 'a\ud800b\udc00\uffff', 'ab', 'ab'],
  ['pairs', '🌹', '🌹', '🌹'],
] as const)('%s', ([, text, asText, asAttribute]) => {
  expect(escapeText(text)).toBe(asText)
  expect(escapeAttribute(text)).toBe(asAttribute)
})

test('whatever is written is read the same, without what XML forbids', () => {
  const any = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(any, any, (attribute, body) => {
      const element = back(writeElement(xml('message', { id: attribute }, xml('body', {}, body))))
      expect(element.attrs.id).toBe(xmlText(attribute))
      expect(element.getChildText('body')).toBe(xmlText(body))
    }),
  )
})
