import { describe, expect, test } from 'vitest'
import { parseMessage } from '../../src/sip/parse.ts'
import { response } from '../../src/sip/response.ts'
import { writeResponse } from '../../src/sip/serialize.ts'
import { isLinear } from '../support/cost.ts'

const LINES = [
  'MESSAGE sip:bob@example.net SIP/2.0',
  'Via: SIP/2.0/UDP a.example;branch=z9hG4bK1',
  'Via: SIP/2.0/UDP b.example',
  'From: <sip:alice@example.com>;tag=1',
  'To: <sip:bob@example.net>',
  'Call-ID: one',
  'CSeq: 1 MESSAGE',
]
const text = (lines: readonly string[], body = '') => Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
const changed = (from: string | RegExp, to: string) => text([LINES.join('\r\n').replace(from, to)])
const LIMITS = { headBytes: 400, headerCount: 10, bodyBytes: 20 }

function refusal(bytes: Buffer) {
  const parsed = parseMessage(bytes, LIMITS)
  if (parsed.ok) throw new Error('accepted')
  return parsed.error
}

describe('a malformed request has what is needed to answer it', () => {
  test('every Via, From, To, Call-ID and CSeq', () => {
    const error = refusal(changed('CSeq: 1 MESSAGE', 'CSeq: 1 INFO'))
    if (error.kind !== 'answer') throw new Error('not to be answered')
    expect(error.method).toBe('MESSAGE')
    const answer = writeResponse(response(error, error.status, error.reason, { toTag: 'x' })).toString()
    expect(answer.split('\r\n')).toEqual([
      'SIP/2.0 400 CSeq method does not match',
      'Via: SIP/2.0/UDP a.example;branch=z9hG4bK1',
      'Via: SIP/2.0/UDP b.example',
      'From: <sip:alice@example.com>;tag=1',
      'To: <sip:bob@example.net>;tag=x',
      'Call-ID: one',
      'CSeq: 1 INFO',
      'Content-Length: 0',
      '',
      '',
    ])
  })
  test.for([
    [/Via[\s\S]*?From/, 'From', 'drop'],
    [/.*SIP\/2.0\r\n/, 'nonsense\r\n', 'answer'],
    ['MESSAGE sip', 'ACK sip', 'drop'],
    [/MESSAGE.*/, 'SIP/2.0 200 OK\r\nMax-Forwards: x', 'drop'],
    [/MESSAGE.*/, 'SIP/3.0 200 OK', 'drop'],
    ['Call-ID: one', 'Call-ID: o ne', 'answer'],
    ['Call-ID: one', 'Subject: a\0b', 'answer'],
    ['Call-ID: one', 'Call-ID: one\r\nMax-Forwards: -1', 'answer'],
    ['To: <', 'To: <sip:x@y.example>, <', 'answer'],
    ['From: ', 'From : sip:x@y.example\r\nF: ', 'answer'],
  ] as const)('%s → %j: %s', ([from, to, kind]) => expect(refusal(changed(from, to)).kind).toBe(kind))
})

describe('limits', () => {
  test('head', () => {
    expect(refusal(text([...LINES, `X: ${'x'.repeat(400)}`]))).toMatchObject({ kind: 'answer', status: 513 })
    expect(refusal(Buffer.from('x'.repeat(5000)))).toMatchObject({ kind: 'drop' })
  })
  test('header fields', () => {
    expect(parseMessage(text([...LINES, 'X-A: 1', 'X-A: 1', 'X-A: 1', 'X-A: 1']), LIMITS).ok).toBe(true)
    expect(refusal(text([...LINES, 'X-A: 1', 'X-A: 1', 'X-A: 1', 'X-A: 1', 'X-A: 1']))).toMatchObject({
      status: 513,
      reason: 'Too many header fields',
    })
  })
  test('body, with and without Content-Length', () => {
    expect(refusal(text(LINES, 'x'.repeat(21)))).toMatchObject({ status: 413 })
    expect(refusal(text([...LINES, 'Content-Length: 21'], 'x'.repeat(21)))).toMatchObject({ status: 413 })
    expect(parseMessage(text(LINES, 'x'.repeat(20)), LIMITS).ok).toBe(true)
  })
})

describe('datagrams', () => {
  const body = (bytes: Buffer) => {
    const parsed = parseMessage(bytes, LIMITS)
    return parsed.ok ? Buffer.from(parsed.value.body).toString() : parsed.error.reason
  }
  test('the body is the rest, or as long as Content-Length says', () => {
    expect(body(text(LINES, 'a\r\n\r\nb'))).toBe('a\r\n\r\nb')
    expect(body(text([...LINES, 'l: 2'], 'abcd'))).toBe('ab')
  })
  test('CR LF before the start line', () => {
    expect(body(Buffer.concat([Buffer.from('\r\n\r\n'), text(LINES, 'a')]))).toBe('a')
  })
  test('LF alone, in the whole head or not at all', () => {
    expect(body(Buffer.from(`${LINES.join('\n')}\n\na\r\nb`))).toBe('No empty line after the header fields')
    expect(body(Buffer.from(`${LINES.join('\n')}\n\na\nb`))).toBe('a\nb')
    expect(body(text([...LINES, 'X: a\nY: b'], 'a'))).toBe('Bare CR or LF')
  })
  test('no empty line, where nothing can be missing', () => {
    expect(body(Buffer.from(`${LINES.join('\r\n')}\r\nl: 0\r\n`))).toBe('')
    expect(body(Buffer.from(`${LINES.join('\r\n')}\r\n`))).toBe('No empty line after the header fields')
  })
  test('keep-alives and rubbish are dropped', () => {
    for (const rubbish of ['', '\r\n', '\r\n\r\n', '\0', '\r', 'x', '\r\n\r\n\r'])
      expect(refusal(Buffer.from(rubbish)).kind).toBe('drop')
  })
})

test('UTF-8 in header fields; what is none becomes U+FFFD', () => {
  const parsed = parseMessage(
    Buffer.concat([
      Buffer.from(`${LINES.join('\r\n')}\r\nSubject: größer 😀 `),
      Buffer.from([0xff]),
      Buffer.from('\r\n\r\n'),
    ]),
  )
  expect(parsed.ok && parsed.value.headers.get('Subject')).toBe('größer 😀 \ufffd')
})

test.for([
  ['spaces within a value', (n: number) => `Subject: a${' '.repeat(n)}b\r\n c`],
  ['folded lines', (n: number) => `Subject:${'\r\n '.repeat(n / 3)}`],
  ['spaces before a colon', (n: number) => `Subject${' '.repeat(n)}x : y`],
  ['spaces within a Via', (n: number) => `Via: SIP/2.0/UDP${' '.repeat(n)}h${' '.repeat(n)}x`],
  ['spaces within a CSeq', (n: number) => `CSeq: 1${' '.repeat(n)}MESSAGE x`],
  ['parameters of a Via', (n: number) => `Via: SIP/2.0/UDP h${parameters(n / 3)}`],
  ['parameters of a URI', (n: number) => `From: <sip:h${parameters(n / 3)}>`],
  ['quotation marks', (n: number) => `From: ${'"'.repeat(n + 1)}<sip:x@y.example>`],
  ['hyphens', (n: number) => `From: <sip:${'-'.repeat(n)}>`],
  ['lines that are none', (n: number) => 'nonsense\r\n'.repeat(n / 64)],
] as const)('no head takes squared time: %s', ([, line]) => {
  const limits = { headBytes: 1_000_000, headerCount: 1000, bodyBytes: 0 }
  const parse = (n: number): void => {
    parseMessage(text([LINES[0] as string, line(n), ...LINES.slice(1)]), limits)
  }
  expect(isLinear(parse, 7_500)).toBe(true)
})

const parameters = (count: number): string => Array.from({ length: count }, (_, i) => `;p${i}`).join('')
