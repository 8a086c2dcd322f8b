import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { htmlToXhtml } from '../../src/interworking/html.ts'

const inner = (html: string) => htmlToXhtml(html).xhtml?.getChild('body')?.children.join('')

describe('html-body-becomes-xhtml-im-with-plain-body', () => {
  test.for([
    ['a <b>b</b> <i>c</i>', 'a b c', 'a <strong>b</strong> <em>c</em>'],
    ['one<br>two<BR/>three', 'one\ntwo\nthree', 'one<br/>two<br/>three'],
    ['<ul><li>x<li>y</ul>', '- x\n- y', '<ul><li>x</li><li>y</li></ul>'],
    ['<ol><li>x</li><li>y</li></ol>', '1. x\n2. y', '<ol><li>x</li><li>y</li></ol>'],
    [
      '<a href="https://x.example/?a=1&amp;b=2">y</a>',
      'y <https://x.example/?a=1&b=2>',
      '<a href="https://x.example/?a=1&amp;b=2">y</a>',
    ],
    ['<a href="java\nscript:x">y</a>', 'y', '<a>y</a>'],
    ['<a href="JaVaScRiPt:x">y</a>', 'y', '<a>y</a>'],
    ['<p onclick=x style="color:red;background:url(x);width:1px">y</p>', 'y', '<p style="color: red">y</p>'],
    ['<script>x<b></script><STYLE>y</StYle>z', 'z', undefined],
    ['<script>never closed', '', undefined],
    ['<img src="http://x/" alt="cat"><b>!</b>', 'cat!', 'cat<strong>!</strong>'],
    ['1 < 2 &lt; 3 &nope; &#x41;&#0;', '1 < 2 < 3 &nope; A\ufffd', undefined],
    ['<b>open', 'open', '<strong>open</strong>'],
    ['<b><i>x</b>y</i>', 'xy', '<strong><em>x</em></strong>y'],
    ['<div>a</div><div>b</div>', 'a\nb', 'a<br/>b'],
    ['<!-- <b>no</b> -->yes', 'yes', undefined],
  ] as const)('%s', ([html, plain, xhtml]) => {
    expect(htmlToXhtml(html).plain).toBe(plain)
    expect(inner(html)).toBe(xhtml)
  })
  test('depth and number of elements are bounded, the text is kept', () => {
    const deep = htmlToXhtml(`${'<b>'.repeat(10_000)}x`)
    expect(deep.plain).toBe('x')
    expect(deep.xhtml?.toString().match(/<strong/g)?.length).toBe(16)
    expect(htmlToXhtml('<br>x'.repeat(10_000)).xhtml?.toString().match(/<br/g)?.length).toBe(500)
  })
  test.for(['<', '<a"', '<b>x</b>', '<div>x', '&', '<!--', '<a href="', '</b>', 'x '])(
    '1 MiB of %s ends',
    (unit) => {
      const result = htmlToXhtml(unit.repeat(1_048_576 / unit.length))
      expect(result.xhtml).toBeUndefined()
    },
  )
  test('never throws; nothing but listed names comes out', () => {
    const bit = fc.constantFrom(
      '<',
      '>',
      '/',
      '"',
      "'",
      '=',
      'a',
      'script',
      'href',
      'style',
      '&#',
      ';',
      ' ',
      'p',
      '!--',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(bit, fc.string({ unit: 'binary' })), { maxLength: 40 }), (bits) => {
        const { xhtml } = htmlToXhtml(bits.join(''))
        const names = xhtml?.toString().match(/<[a-z]+/g) ?? []
        for (const name of names)
          expect('<html <body <a <blockquote <br <cite <em <li <ol <p <span <strong <ul').toContain(name)
      }),
    )
  })
})
