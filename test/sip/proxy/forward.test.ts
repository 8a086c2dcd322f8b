import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HeaderField, Headers } from '../../../src/sip/headers.ts'
import { forwarded, type Passage, passedFields } from '../../../src/sip/proxy/forward.ts'
import { type RequestParts, request, response, sipUri, source, valuesOf } from './bed.ts'

const TARGET = sipUri('sip:romeo@192.0.2.77')

const passage = (parts: Partial<Passage> = {}): Passage => ({
  uri: TARGET,
  routes: [],
  recordRoutes: [],
  without: new Set(),
  extra: [],
  ...parts,
})

function forward(parts: RequestParts, change: Partial<Passage> = {}, from = source()) {
  const passed = forwarded(request(parts), from, passage(change))
  return { passed, values: (name: string) => valuesOf(passed.headers.fields(), name) }
}

describe('RFC 3261 §16.6', () => {
  test('(2) the Request-URI is the target', () => {
    expect(forward({}).passed.uri).toBe(TARGET)
  })

  test('(3) Max-Forwards is one less', () => {
    expect(forward({ lines: ['Max-Forwards: 10'] }).values('Max-Forwards')).toEqual(['9'])
  })

  test('(3) Max-Forwards is added where there is none', () => {
    expect(forward({ lines: [] }).values('Max-Forwards')).toEqual(['70'])
  })

  test('(4) our Record-Route stands above those before us, the far side’s on top', () => {
    const lines = ['Record-Route: <sip:p2.example;lr>', 'Record-Route: <sip:p1.example;lr>']
    const recordRoutes = ['<sip:far;lr>', '<sip:near;lr>']
    expect(forward({ lines }, { recordRoutes }).values('Record-Route')).toEqual([
      '<sip:far;lr>',
      '<sip:near;lr>',
      '<sip:p2.example;lr>',
      '<sip:p1.example;lr>',
    ])
  })

  test('(6) what is left of the Route, and nothing else of it', () => {
    const lines = ['Route: <sip:edge.sip.example:5061;lr>, <sip:x;lr>', 'Route: <sip:y;lr>']
    expect(forward({ lines }, { routes: ['<sip:x;lr>', '<sip:y;lr>'] }).values('Route')).toEqual([
      '<sip:x;lr>',
      '<sip:y;lr>',
    ])
    expect(forward({ lines }).values('Route')).toEqual([])
  })

  test('fields that go no further are left out, however often they come', () => {
    const lines = ['P-Asserted-Identity: <sip:a@x>', 'p-asserted-identity: <sip:b@x>', 'X-Kept: 1']
    const { values } = forward({ lines }, { without: new Set(['P-Asserted-Identity']) })
    expect(values('P-Asserted-Identity')).toEqual([])
    expect(values('X-Kept')).toEqual(['1'])
  })

  test('what is stripped can be set anew', () => {
    const { values } = forward(
      { lines: ['X-Mark: forged'] },
      { without: new Set(['X-Mark']), extra: [['X-Mark', 'ours']] },
    )
    expect(values('X-Mark')).toEqual(['ours'])
  })

  test('the body and the method are the same', () => {
    const original = { ...request({ method: 'INFO' }), body: new TextEncoder().encode('text') }
    const passed = forwarded(original, source(), passage())
    expect(passed.body).toBe(original.body)
    expect(passed.method).toBe('INFO')
  })
})

describe('RFC 5393 §5.3.3: Max-Breadth', () => {
  test.for([
    ['is added where there is none', [], ['60']],
    ['is passed on as it is', ['Max-Breadth: 7'], ['7']],
    ['is no more than 60', ['Max-Breadth: 4000'], ['60']],
    ['comes once', ['Max-Breadth: 7', 'Max-Breadth: 9'], ['7']],
    ['that is no number is ours instead', ['Max-Breadth: many'], ['60']],
  ] as const)('%s', ([, lines, expected]) => {
    expect(forward({ lines }).values('Max-Breadth')).toEqual(expected)
  })
})

describe('RFC 3261 §18.2.1, RFC 3581 §4: the topmost Via says where it came from', () => {
  test.for([
    [
      'not where sent-by is right',
      'SIP/2.0/UDP 192.0.2.9:5060;branch=b',
      'SIP/2.0/UDP 192.0.2.9:5060;branch=b',
    ],
    [
      'received where it is a name',
      'SIP/2.0/UDP p.example;branch=b',
      'SIP/2.0/UDP p.example;branch=b;received=192.0.2.9',
    ],
    [
      'rport where it was asked for',
      'SIP/2.0/UDP 192.0.2.9;rport;branch=b',
      'SIP/2.0/UDP 192.0.2.9;branch=b;received=192.0.2.9;rport=5060',
    ],
    [
      'what the sender claims there is replaced',
      'SIP/2.0/UDP p.example;received=203.0.113.1;branch=b',
      'SIP/2.0/UDP p.example;branch=b;received=192.0.2.9',
    ],
  ] as const)('%s', ([, via, expected]) => {
    expect(forward({ via: [via] }).values('Via')).toEqual([expected])
  })

  test('over IPv6', () => {
    const { values } = forward(
      { via: ['SIP/2.0/TLS [2001:db8::9];branch=b;rport'] },
      {},
      source({ address: '2001:db8::9', port: 40_000 }),
    )
    expect(values('Via')).toEqual(['SIP/2.0/TLS [2001:db8::9];branch=b;received=2001:db8::9;rport=40000'])
  })

  test('those below it are not touched, in the same line or another', () => {
    const below = 'SIP/2.0/UDP q.example;branch=c;received=203.0.113.1'
    const { values } = forward({ via: [`SIP/2.0/UDP p.example;branch=b, ${below}`, below] })
    expect(values('Via')).toEqual([`SIP/2.0/UDP p.example;branch=b;received=192.0.2.9, ${below}`, below])
  })
})

test('RFC 3261 §16.6: every other header field survives, in its order', () => {
  const name = fc.constantFrom(
    'Contact',
    'Subject',
    'X-A',
    'Ms-Diagnostics',
    'Record-Route',
    'Proxy-Require',
    'Date',
  )
  const value = fc.stringMatching(/^[ -~]{0,20}$/).map((text) => text.trim())
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), fc.boolean(), (fields, hops) => {
      const original: SipFields = {
        ...request(),
        headers: new Headers([
          ['Via', 'SIP/2.0/UDP 192.0.2.9:5060;branch=b'],
          ...(hops ? [['Max-Forwards', '5'] as const] : []),
          ...fields,
        ]),
      }
      const passed = forwarded(
        original,
        source(),
        passage({ routes: ['<sip:r;lr>'], without: new Set(['X-A']) }),
      )
      const changed = new Set(['Via', 'Route', 'Max-Forwards', 'Max-Breadth'])
      const rest = passed.headers.fields().filter(([each]) => !changed.has(each))
      expect(rest).toEqual(fields.filter(([each]) => each !== 'X-A'))
    }),
  )
})

type SipFields = ReturnType<typeof request>

describe('RFC 3261 §16.7: a response that is passed on', () => {
  const names = (fields: readonly HeaderField[]): readonly string[] => fields.map(([each]) => each)

  test('has all of its fields but those that its request gives', () => {
    const from = response(200, [
      'Contact: <sip:romeo@192.0.2.77>',
      'Record-Route: <sip:edge;lr>',
      'X-A: 1',
      'X-A: 2',
    ])
    expect(passedFields(from, new Set(), [])).toEqual([
      ['Contact', '<sip:romeo@192.0.2.77>'],
      ['Record-Route', '<sip:edge;lr>'],
      ['X-A', '1'],
      ['X-A', '2'],
    ])
  })

  test('without what goes no further, with what is ours', () => {
    const from = response(200, ['MS-Diagnostics: 1;reason="x"', 'X-Mark: forged', 'Server: s'])
    const fields = passedFields(from, new Set(['Ms-Diagnostics', 'X-Mark']), [['X-Mark', 'ours']])
    expect(names(fields)).toEqual(['Server', 'X-Mark'])
    expect(valuesOf(fields, 'X-Mark')).toEqual(['ours'])
  })

  test('the response itself is not changed', () => {
    const from = response(200, ['Server: s'])
    const before = from.headers.fields().length
    passedFields(from, new Set(), [['X-Mark', 'ours']])
    expect(from.headers.fields()).toHaveLength(before)
  })
})
