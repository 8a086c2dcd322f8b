import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAlgorithm } from '../../../src/sip/digest/algorithm.ts'
import { type Challenge, type DigestChallenge, parseChallenges } from '../../../src/sip/digest/challenge.ts'
import { credentialsText } from '../../../src/sip/digest/credentials.ts'
import { quote } from '../../../src/sip/scan.ts'
import { isLinear } from '../../support/cost.ts'

const read = (line: string): readonly Challenge[] | string => {
  const parsed = parseChallenges(line)
  return parsed.ok ? parsed.value : parsed.error
}
const first = (line: string): DigestChallenge => {
  const [challenge] = read(line) as readonly Challenge[]
  if (challenge?.scheme !== 'digest') throw new Error(line)
  return challenge
}

test('the example of RFC 3261 §22.2', () => {
  const line =
    'Digest realm="biloxi.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
  expect(read(line)).toEqual([
    {
      scheme: 'digest',
      realm: 'biloxi.com',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      opaque: '5ccc069c403ebaf9f0171e9517f40e41',
      algorithm: undefined,
      stale: false,
      qop: ['auth', 'auth-int'],
      utf8: false,
      userhash: false,
    },
  ])
})

test('names and flags in any case, space around, parameters that we do not know', () => {
  const line =
    'DIGEST  Realm = "a" ,NONCE="b", Stale=TRUE, qop="Auth , auth-INT", Charset=utf-8, userhash=True, x=y, z="1, 2"'
  expect(first(line)).toMatchObject({
    realm: 'a',
    nonce: 'b',
    stale: true,
    qop: ['auth', 'auth-int'],
    utf8: true,
    userhash: true,
  })
})

test('several challenges in one line, in their order, whatever their schemes', () => {
  const line =
    'Digest realm="a", nonce="1", algorithm=SHA-256, Basic realm="b", Negotiate abc/d+e==, NTLM, Digest realm="a", nonce="2"'
  expect(
    (read(line) as readonly Challenge[]).map((one) => (one.scheme === 'digest' ? one.nonce : '-')),
  ).toEqual(['1', '-', '-', '-', '2'])
})

test('quoted strings stand for what they quote', () => {
  expect(first('Digest realm="a\\"b\\\\c, Digest x=\\"", nonce=""')).toMatchObject({
    realm: 'a"b\\c, Digest x="',
    nonce: '',
  })
})

describe('what is malformed is no challenge', () => {
  test.for([
    ['nothing', ''],
    ['no scheme', 'realm="a", nonce="b"'],
    ['no parameters', 'Digest'],
    ['no realm', 'Digest nonce="b"'],
    ['no nonce', 'Digest realm="a"'],
    ['realm not quoted', 'Digest realm=a, nonce="b"'],
    ['nonce not quoted', 'Digest realm="a", nonce=b'],
    ['opaque not quoted', 'Digest realm="a", nonce="b", opaque=c'],
    ['a quoted string that never closes', 'Digest realm="a", nonce="b'],
    ['an escaped last quote', 'Digest realm="a", nonce="b\\"'],
    ['text behind a quoted string', 'Digest realm="a"b, nonce="c"'],
    ['no comma', 'Digest realm="a" nonce="b"'],
    ['a parameter twice', 'Digest realm="a", nonce="b", realm="c"'],
    ['an empty value', 'Digest realm="a", nonce="b", stale='],
    ['an algorithm that is no token', 'Digest realm="a", nonce="b", algorithm="MD5, x=y"'],
    ['a line break', 'Digest realm="a\r\nX: y", nonce="b"'],
    ['a NUL', 'Digest realm="a\0", nonce="b"'],
    ['no space after the scheme', 'Digest"a"'],
    [
      'too many parameters',
      `Digest realm="a", nonce="b"${Array.from({ length: 40 }, (_, i) => `, p${i}=1`).join('')}`,
    ],
    ['too many challenges', Array.from({ length: 20 }, () => 'Digest realm="a", nonce="b"').join(', ')],
  ] as const)('%s', ([, line]) => {
    expect(read(line)).toBe('bad-challenge')
  })

  test('any text is read as something', () => {
    const pieces = fc.constantFrom(
      'Digest ',
      'realm=',
      '"',
      'a',
      '\\',
      ', ',
      '=',
      'nonce="b"',
      ' ',
      'Basic x==',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        expect(typeof parseChallenges(parts.join('')).ok).toBe('boolean')
      }),
      { numRuns: 2_000 },
    )
  })

  test.for(['Digest ', ', ', 'a=b, ', 'Basic a', '"', '\\"', '= '])('much of %s in linear time', (piece) => {
    expect(isLinear((n) => parseChallenges(piece.repeat(n)), 12_500)).toBe(true)
  })
})

test('nothing of a challenge can break out of the answer', () => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', ',', ' ', '=', 'a', 'ü', 'nc=1', 'Digest ') })
  fc.assert(
    fc.property(text, text, text, (realm, nonce, opaque) => {
      const line = `Digest realm=${quote(realm)}, nonce=${quote(nonce)}, opaque=${quote(opaque)}, qop="auth"`
      const challenge = first(line)
      expect(challenge).toMatchObject({ realm, nonce, opaque })
      const algorithm = parseAlgorithm(undefined)
      if (algorithm === undefined) throw new Error('MD5')
      const value = credentialsText(
        { challenge, algorithm, qop: 'auth' },
        { realm, username: 'u"\\', password: 'p' },
        { method: 'MESSAGE', uri: 'sip:a.example', body: new Uint8Array() },
        { cnonce: 'c', count: 1 },
      )
      // The answer has the form of a challenge: whoever reads it finds the same texts.
      expect(first(value)).toMatchObject({ realm, nonce, opaque })
      expect(value).toContain(`nc=00000001`)
    }),
  )
})

test.for([
  [undefined, 'MD5', false],
  ['md5', 'MD5', false],
  ['MD5-sess', 'MD5', true],
  ['SHA-256', 'SHA-256', false],
  ['sha-256-SESS', 'SHA-256', true],
  ['SHA-512-256', 'SHA-512-256', false],
  ['SHA-512-256-sess', 'SHA-512-256', true],
] as const)('algorithm %s', ([token, hash, session]) => {
  expect(parseAlgorithm(token)).toEqual({ hash, session })
})

test.for(['SHA-512', 'SHA-1', '', 'toString', 'constructor-sess', '-sess'])(
  'algorithm %s is not ours',
  (token) => {
    expect(parseAlgorithm(token)).toBeUndefined()
  },
)
