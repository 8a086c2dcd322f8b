import { describe, expect, test } from 'vitest'
import { diagnosticsOf } from '../../src/edge/diagnostics.ts'
import { REFUSALS, type RefusalReason } from '../../src/federation/refusals.ts'
import { quote } from '../../src/sip/scan.ts'
import { checkWritable } from '../../src/sip/serialize.ts'

const refused = (parts: Partial<Parameters<typeof diagnosticsOf>[0]> = {}) =>
  diagnosticsOf(
    {
      kind: 'refused',
      reason: 'not-a-contact',
      id: 'abc123',
      step: 'level',
      detail: 'contacts only',
      ...parts,
    },
    'edge.sip.example',
  )

describe('ms-diagnostics', () => {
  test('has a number, the words, who says it, the step, the rule and what finds the line of the log', () => {
    expect(refused()).toEqual([
      'Ms-Diagnostics',
      '2004;reason="contacts only";source="edge.sip.example";step=level;rule=not-a-contact;ref="abc123"',
    ])
  })

  test.for(Object.keys(REFUSALS) as RefusalReason[])('has a number for %s', (reason) => {
    expect(refused({ reason })[1]).toMatch(/^\d{4};reason="/)
  })

  test.for([
    ['quotes', 'a "b" c', 'a "b" c'],
    ['a backslash at the end', 'a\\', 'a\\'],
    ['what would begin a parameter', 'x";rule=none;y="', 'x";rule=none;y="'],
    ['line breaks', 'a\r\nX-Forged: 1\r\n\r\nbody', 'a X-Forged: 1 body'],
    ['NUL and other controls', 'a\u0000b\u001bc\u2028d', 'a b c d'],
    ['other scripts', 'Ромео', 'Ромео'],
  ] as const)('is one quoted string, whatever is in the words: %s', ([, detail, expected]) => {
    const field = refused({ detail })
    expect(() => checkWritable(undefined, [field])).not.toThrow()
    expect(field[1]).toBe(
      `2004;reason=${quote(expected)};source="edge.sip.example";step=level;rule=not-a-contact;ref="abc123"`,
    )
    expect(field[1].replace(/\\./g, '').split('"')).toHaveLength(7)
  })
})
