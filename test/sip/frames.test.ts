import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Frame, SipFramer } from '../../src/sip/frames.ts'
import { isLinear } from '../support/cost.ts'
import { vectorBytes, vectors } from './vectors.ts'

const MESSAGE = (id: string, body = '', lines = '') =>
  `MESSAGE sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/TCP a.example.com;branch=z9hG4bK${id}\r\nMax-Forwards: 70\r\n` +
  `From: "Älice" <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.net>\r\nCall-ID: ${id}\r\nCSeq: 1 MESSAGE\r\n` +
  `${lines}Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Frames with everything in them as plain data. */
const plain = (frames: readonly Frame[]): unknown[] =>
  frames.map((frame) => {
    if (frame.kind === 'message') {
      const { headers, body, ...rest } = frame.message
      return {
        kind: frame.kind,
        message: rest,
        fields: headers.fields(),
        body: Buffer.from(body).toString('latin1'),
      }
    }
    if (frame.kind === 'malformed' || frame.kind === 'fatal') {
      const { error } = frame
      return {
        ...frame,
        error: error.kind === 'drop' ? error : { ...error, headers: error.headers.fields() },
      }
    }
    return frame
  })

function feed(framer: SipFramer, bytes: Buffer, cuts: readonly number[]): unknown[] {
  const frames: Frame[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    const chunk = Buffer.from(bytes.subarray(from, cut))
    frames.push(...framer.push(chunk))
    // The caller may use its buffer again.
    chunk.fill(0x58)
    from = cut
  }
  return plain(frames)
}

const LIMITS = { headBytes: 2000, headerCount: 20, bodyBytes: 500 }
const frame = (bytes: Buffer, cuts: readonly number[] = []) => feed(new SipFramer(LIMITS), bytes, cuts)
const each = (bytes: Buffer) => Array.from({ length: bytes.length }, (_, i) => i)

const STREAMS: readonly (readonly [name: string, text: string, kinds: readonly string[]])[] = [
  [
    'three messages',
    MESSAGE('a', 'one\r\n\r\n') + MESSAGE('b') + MESSAGE('c', 'größer'),
    ['message', 'message', 'message'],
  ],
  [
    'keep-alives between',
    `\r\n\r\n${MESSAGE('a')}\r\n${MESSAGE('b', 'x')}\r\n\r\n\r\n`,
    ['pong', 'ping', 'message', 'pong', 'message', 'pong', 'ping', 'pong'],
  ],
  [
    'a message that can be skipped',
    MESSAGE('a', 'body').replace('CSeq: 1 MESSAGE', 'CSeq: 1 INFO') + MESSAGE('b'),
    ['malformed', 'message'],
  ],
  ['no Content-Length', MESSAGE('a').replace(/Content-Length.*\r\n/, '') + MESSAGE('b'), ['fatal']],
  ['two Content-Lengths', MESSAGE('a', '', 'Content-Length: 0\r\n') + MESSAGE('b'), ['fatal']],
  [
    'a line without a colon',
    MESSAGE('z') + MESSAGE('a', '', 'nonsense\r\n') + MESSAGE('b'),
    ['message', 'fatal'],
  ],
  ['a bare CR', MESSAGE('a', '', 'X: a\rb\r\n'), ['fatal']],
  ['a bare LF', MESSAGE('a', '', 'X: a\nb\r\n'), ['fatal']],
  ['a folded line', MESSAGE('a', '', 'Subject: one\r\n two\r\n\t three\r\n'), ['message']],
  ['too many fields', MESSAGE('a', '', 'X: 1\r\n'.repeat(30)), ['fatal']],
  ['a head too large', MESSAGE('a', '', `X: ${'x'.repeat(3000)}\r\n`), ['fatal']],
  ['a body too large', MESSAGE('a', 'x'.repeat(600)), ['fatal']],
  ['a CR that begins nothing', '\rX', ['fatal']],
  ['another protocol', `GET / HTTP/1.1\r\nHost: example.com\r\n\r\n`, ['fatal']],
]

describe('the same frames whatever the split', () => {
  test.for(STREAMS)('%s', ([, text, kinds]) => {
    const bytes = Buffer.from(text, 'utf8')
    const whole = frame(bytes)
    expect(whole.map((found) => (found as Frame).kind)).toEqual(kinds)
    expect(frame(bytes, each(bytes))).toEqual(whole)
    for (let cut = 0; cut <= bytes.length; cut++) expect(frame(bytes, [cut])).toEqual(whole)
  })

  test('random cuts through a long stream', () => {
    const bytes = Buffer.from(
      Array.from({ length: 12 }, (_, i) => MESSAGE(`m${i}`, 'x'.repeat(i * 37)) + '\r\n'.repeat(i % 4)).join(
        '',
      ),
      'utf8',
    )
    const whole = frame(bytes)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        expect(
          frame(
            bytes,
            cuts.sort((a, b) => a - b),
          ),
        ).toEqual(whole)
      }),
      { numRuns: 100 },
    )
  })

  test('every torture message, a byte at a time', () => {
    for (const { file } of vectors('sip-torture')) {
      const bytes = vectorBytes('sip-torture', file)
      expect(feed(new SipFramer(), bytes, each(bytes)), file).toEqual(feed(new SipFramer(), bytes, []))
    }
  })
})

describe('limits act while bytes arrive', () => {
  /** Octets taken until the framer gave up. */
  function takenBefore(
    first: string,
    endless: string,
    most: number,
  ): { taken: number; last: Frame | undefined } {
    const framer = new SipFramer(LIMITS)
    let frames = framer.push(Buffer.from(first, 'utf8'))
    let taken = first.length
    const chunk = Buffer.from(endless, 'utf8')
    while (frames.length === 0 && taken < most) {
      frames = framer.push(chunk)
      taken += chunk.length
    }
    return { taken, last: frames[0] }
  }
  const start = MESSAGE('a').split('Content-Type')[0] as string

  test('an endless header field', () => {
    const { taken, last } = takenBefore(`${start}X: `, 'x'.repeat(100), 1e6)
    expect(last).toMatchObject({ kind: 'fatal', error: { kind: 'answer', status: 513, method: 'MESSAGE' } })
    expect(taken).toBeLessThan(2200)
  })
  test('endless header fields', () => {
    const { taken, last } = takenBefore(start, 'X: 1\r\n', 1e6)
    expect(last).toMatchObject({ kind: 'fatal', error: { status: 513, reason: 'Too many header fields' } })
    expect(taken).toBeLessThan(start.length + 20 * 6)
  })
  test('an endless start line', () => {
    const { taken, last } = takenBefore('', 'A', 1e5)
    expect(last).toMatchObject({ kind: 'fatal', error: { kind: 'drop' } })
    expect(taken).toBeLessThan(2100)
  })
  test('a body that is announced too large is refused before it comes', () => {
    const head = `${start}Content-Length: 501\r\n\r\n`
    expect(new SipFramer(LIMITS).push(Buffer.from(head))).toMatchObject([
      { kind: 'fatal', error: { kind: 'answer', status: 413 } },
    ])
  })
  test('nothing is taken after the end', () => {
    const framer = new SipFramer(LIMITS)
    framer.push(Buffer.from('nonsense\r\n\r\n'))
    expect(framer.push(Buffer.from(MESSAGE('a')))).toEqual([])
    expect(framer.buffered).toBe(0)
  })
})

test('a byte at a time costs no more than linear time', () => {
  const cut = (bodyBytes: number): void => {
    const framer = new SipFramer({ ...LIMITS, bodyBytes: 1e7 })
    const bytes = Buffer.from(MESSAGE('a', 'x'.repeat(bodyBytes)))
    let frames = 0
    for (let i = 0; i < bytes.length; i += 16) frames += framer.push(bytes.subarray(i, i + 16)).length
    expect(frames).toBe(1)
  }
  expect(isLinear(cut, 50_000, 16)).toBe(true)
})
