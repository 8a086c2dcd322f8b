import { describe, expect, test } from 'vitest'
import { readDocument } from '../../../src/xmpp/xml/document.ts'
import { writeElement } from '../../../src/xmpp/xml/writer.ts'

const LIMITS = { stanzaBytes: 2_000, depth: 5, attributes: 5 }
const read = (text: string | Uint8Array) => {
  const result = readDocument(typeof text === 'string' ? Buffer.from(text) : text, LIMITS)
  return result.ok ? writeElement(result.value) : result.error.condition
}

describe('a document', () => {
  test.for([
    ['<a/>', '<a xmlns=""/>'],
    ['<?xml version="1.0" encoding="UTF-8"?>\r\n<a xmlns="u">x</a>\r\n', '<a xmlns="u">x</a>'],
    ["\ufeff<?xml version='1.0'?><p:a xmlns:p='u'/>", '<p:a xmlns:p="u" xmlns=""/>'],
    [' \n<a>é<![CDATA[<b>]]>&#x10FFFF;</a> ', '<a xmlns="">é&lt;b&gt;\u{10ffff}</a>'],
  ])('%j', ([text, wanted]) => expect(read(text as string)).toBe(wanted))

  test.for([
    ['nothing', '', 'not-well-formed'],
    ['space alone', ' \n', 'not-well-formed'],
    ['a declaration alone', '<?xml version="1.0"?>', 'not-well-formed'],
    ['an end that does not come', '<a><b/>', 'not-well-formed'],
    ['two roots', '<a/><b/>', 'not-well-formed'],
    ['text behind', '<a/>x', 'not-well-formed'],
    ['NUL behind', '<a/>\0', 'not-well-formed'],
    ['a comment behind', '<a/><!-- x -->', 'not-well-formed'],
    ['text before', 'x<a/>', 'not-well-formed'],
    ['a declaration that comes late', ' <?xml version="1.0"?><a/>', 'not-well-formed'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 'unsupported-encoding'],
    ['a document type', '<!DOCTYPE a><a/>', 'restricted-xml'],
    ['entities', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 'restricted-xml'],
    ['an entity', '<a>&b;</a>', 'restricted-xml'],
    ['a comment', '<a><!-- x --></a>', 'restricted-xml'],
    ['a processing instruction', '<a><?php x?></a>', 'restricted-xml'],
    ['an attribute twice', "<a b='1' b='2'/>", 'not-well-formed'],
    ['an attribute twice under two names', "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", 'not-well-formed'],
    ['an unbound prefix', '<p:a/>', 'bad-namespace-prefix'],
    ['the prefix of streams', '<a stream:b="c"/>', 'bad-namespace-prefix'],
    ['a control character', '<a>\u0001</a>', 'not-well-formed'],
    ['too deep', '<a><a><a><a><a><a/></a></a></a></a></a>', 'policy-violation'],
    ['too many attributes', "<a b='' c='' d='' e='' f='' g=''/>", 'policy-violation'],
    ['too long', `<a>${'x'.repeat(2_000)}</a>`, 'policy-violation'],
  ])('%s', ([, text, condition]) => expect(read(text as string)).toBe(condition))

  test('what is not UTF-8', () => {
    expect(read(Buffer.concat([Buffer.from('<a>'), Buffer.of(0xff), Buffer.from('</a>')]))).toBe(
      'not-well-formed',
    )
    expect(read(Buffer.from('\ufeff<a/>', 'utf16le'))).toBe('not-well-formed')
  })
})
