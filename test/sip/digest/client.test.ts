import { describe, expect, test } from 'vitest'
import type { Random } from '../../../src/kernel/random.ts'
import { DigestClient, type DigestClientOptions } from '../../../src/sip/digest/client.ts'
import { type HeaderField, Headers } from '../../../src/sip/headers.ts'

const REQUEST = { method: 'MESSAGE', uri: 'sip:romeo@b.example', body: new Uint8Array() }
const B = { realm: 'b.example', username: 'edge', password: 'secret' }
const PROXY = { realm: 'proxy.example', username: 'edge', password: 'other' }

function client(options: Partial<DigestClientOptions> = {}): DigestClient {
  let n = 0
  const random: Random = { fraction: () => 0, token: () => `cnonce${++n}` }
  return new DigestClient({ credentials: [B, PROXY], random, ...options })
}

const www = (rest: string): HeaderField => ['WWW-Authenticate', `Digest ${rest}`]
const proxy = (rest: string): HeaderField => ['Proxy-Authenticate', `Digest ${rest}`]
const b = (nonce: string, rest = ''): HeaderField =>
  www(`realm="b.example", nonce="${nonce}", qop="auth", algorithm=SHA-256${rest}`)
const refusal = (...fields: readonly HeaderField[]): Headers => new Headers(fields)

/** `Authorization b.example n1 00000001 SHA-256`, for each field. */
const brief = (fields: readonly HeaderField[]): readonly string[] =>
  fields.map(([name, value]) =>
    [
      name,
      ...['realm', 'nonce', 'nc', 'algorithm'].map(
        (key) => new RegExp(`[ ,]${key}="?([^",]*)`).exec(value)?.[1],
      ),
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  )

describe('a challenge is answered', () => {
  test('by the header field that belongs to it', () => {
    const attempt = client().begin()
    expect(attempt.fields(REQUEST)).toEqual([])
    expect(attempt.challenged(refusal(b('n1')))).toEqual({ ok: true })
    expect(brief(attempt.fields(REQUEST))).toEqual(['Authorization b.example n1 00000001 SHA-256'])

    const through = client().begin()
    through.challenged(refusal(proxy('realm="proxy.example", nonce="p1"')))
    expect(brief(through.fields(REQUEST))).toEqual(['Proxy-Authorization proxy.example p1'])
  })

  test('the topmost that we support, of several in several lines or one (RFC 8760 §2.4)', () => {
    const attempt = client().begin()
    const [sha512, sha256, md5] = ['SHA-512', 'SHA-256', 'MD5'].map(
      (name) => `realm="b.example", nonce="${name}", qop="auth", algorithm=${name}`,
    )
    attempt.challenged(refusal(www(`${sha512}, Basic realm="b.example"`), www(`${sha256}, Digest ${md5}`)))
    expect(brief(attempt.fields(REQUEST))).toEqual(['Authorization b.example SHA-256 00000001 SHA-256'])
  })

  test('the order is the server’s, even where it prefers MD5; but not where we refuse MD5', () => {
    const both = refusal(www('realm="b.example", nonce="weak", qop="auth"'), b('strong'))
    const willing = client().begin()
    willing.challenged(both)
    expect(brief(willing.fields(REQUEST))).toEqual(['Authorization b.example weak 00000001'])
    const strict = client({ hashes: ['SHA-256', 'SHA-512-256'] }).begin()
    strict.challenged(both)
    expect(brief(strict.fields(REQUEST))).toEqual(['Authorization b.example strong 00000001 SHA-256'])
  })

  test.for([
    ['auth before auth-int', 'qop="auth-int,auth"', 'qop=auth,'],
    ['auth-int where there is nothing else', 'qop="auth-int, x"', 'qop=auth-int,'],
  ] as const)('%s', ([, qop, expected]) => {
    const attempt = client().begin()
    attempt.challenged(refusal(www(`realm="b.example", nonce="n", ${qop}`)))
    expect(attempt.fields(REQUEST)[0]?.[1]).toContain(expected)
  })

  test('proxy and server one after the other: the credentials of both go along (RFC 3261 §22.3)', () => {
    const attempt = client().begin()
    attempt.challenged(refusal(proxy('realm="proxy.example", nonce="p1", qop="auth"')))
    attempt.fields(REQUEST)
    expect(attempt.challenged(refusal(b('n1')))).toEqual({ ok: true })
    expect(brief(attempt.fields(REQUEST))).toEqual([
      'Proxy-Authorization proxy.example p1 00000002',
      'Authorization b.example n1 00000001 SHA-256',
    ])
  })

  test('both in one response, as a forking proxy collects them', () => {
    const attempt = client().begin()
    attempt.challenged(refusal(b('n1'), proxy('realm="proxy.example", nonce="p1", qop="auth"')))
    expect(brief(attempt.fields(REQUEST)).length).toBe(2)
  })

  test('realms that are not ours do not keep us from answering ours', () => {
    const attempt = client().begin()
    expect(attempt.challenged(refusal(www('realm="x.example", nonce="x"'), b('n1')))).toEqual({ ok: true })
    expect(brief(attempt.fields(REQUEST))).toEqual(['Authorization b.example n1 00000001 SHA-256'])
  })
})

describe('later requests', () => {
  test('are sent with credentials beforehand, and the nonce is counted', () => {
    const digest = client()
    const first = digest.begin()
    first.challenged(refusal(b('n1')))
    first.fields(REQUEST)
    const [second, third] = [digest.begin(), digest.begin()]
    expect(brief(second.fields(REQUEST))).toEqual(['Authorization b.example n1 00000002 SHA-256'])
    expect(brief(third.fields(REQUEST))).toEqual(['Authorization b.example n1 00000003 SHA-256'])
  })

  test('a nonce that has become stale is replaced, and counting starts anew', () => {
    const digest = client()
    const first = digest.begin()
    first.challenged(refusal(b('n1')))
    first.fields(REQUEST)
    const second = digest.begin()
    second.fields(REQUEST)
    expect(second.challenged(refusal(b('n2', ', stale=true')))).toEqual({ ok: true })
    expect(brief(second.fields(REQUEST))).toEqual(['Authorization b.example n2 00000001 SHA-256'])
  })

  test('so is one that the server has forgotten: it was no answer to a challenge of this request', () => {
    const digest = client()
    const first = digest.begin()
    first.challenged(refusal(b('n1')))
    first.fields(REQUEST)
    const second = digest.begin()
    second.fields(REQUEST)
    expect(second.challenged(refusal(b('n2')))).toEqual({ ok: true })
  })

  test('one nonce given to two requests at the same time is counted once', () => {
    const digest = client()
    const [one, two] = [digest.begin(), digest.begin()]
    one.fields(REQUEST)
    two.fields(REQUEST)
    one.challenged(refusal(b('n1')))
    expect(brief(one.fields(REQUEST))).toEqual(['Authorization b.example n1 00000001 SHA-256'])
    two.challenged(refusal(b('n1')))
    expect(brief(two.fields(REQUEST))).toEqual(['Authorization b.example n1 00000002 SHA-256'])
  })

  test('the client nonce of a session stays, and each session has its own', () => {
    const digest = client()
    const cnonce = (fields: readonly HeaderField[]) => /cnonce="([^"]*)"/.exec(fields[0]?.[1] ?? '')?.[1]
    const first = digest.begin()
    first.challenged(refusal(b('n1', '-sess')))
    const own = cnonce(first.fields(REQUEST))
    expect(cnonce(digest.begin().fields(REQUEST))).toBe(own)
    first.challenged(refusal(b('n2', '-sess, stale=true')))
    expect(cnonce(first.fields(REQUEST))).not.toBe(own)
  })
})

describe('no loop', () => {
  test('credentials that were refused are not sent again (RFC 3261 §22.1)', () => {
    const attempt = client().begin()
    attempt.challenged(refusal(b('n1')))
    attempt.fields(REQUEST)
    expect(attempt.challenged(refusal(b('n2')))).toEqual({ ok: false, error: 'rejected' })
  })

  test('nor beforehand with the next request', () => {
    const digest = client()
    const attempt = digest.begin()
    attempt.challenged(refusal(b('n1')))
    attempt.fields(REQUEST)
    attempt.challenged(refusal(b('n2')))
    expect(digest.begin().fields(REQUEST)).toEqual([])
  })

  test('a nonce is not answered twice, even if it is called stale', () => {
    const attempt = client().begin()
    attempt.challenged(refusal(b('n1')))
    attempt.fields(REQUEST)
    expect(attempt.challenged(refusal(b('n1', ', stale=true')))).toEqual({ ok: false, error: 'rejected' })
    const digest = client()
    const first = digest.begin()
    first.challenged(refusal(b('n1')))
    first.fields(REQUEST)
    const second = digest.begin()
    second.fields(REQUEST)
    expect(second.challenged(refusal(b('n1')))).toEqual({ ok: false, error: 'rejected' })
  })

  test('ever new stale nonces end after some rounds', () => {
    const attempt = client({ rounds: 3 }).begin()
    const answers = [1, 2, 3, 4].map((n) => {
      attempt.fields(REQUEST)
      return attempt.challenged(refusal(b(`n${n}`, ', stale=true')))
    })
    expect(answers.map((answer) => (answer.ok ? 'again' : answer.error))).toEqual([
      'again',
      'again',
      'again',
      'too-many',
    ])
  })

  test('ever new realms end too: only those with credentials are answered', () => {
    const attempt = client().begin()
    attempt.challenged(refusal(b('n1')))
    attempt.fields(REQUEST)
    expect(attempt.challenged(refusal(www('realm="c.example", nonce="x"')))).toEqual({
      ok: false,
      error: 'no-credentials',
    })
  })
})

describe('what is not answered', () => {
  test.for([
    ['no challenge at all', [], 'no-challenge'],
    ['a malformed one', [www('realm="b.example"')], 'malformed'],
    [
      'another scheme: never Basic (RFC 3261 §22)',
      [['WWW-Authenticate', 'Basic realm="b.example"']],
      'unsupported',
    ],
    ['another algorithm', [www('realm="b.example", nonce="n", algorithm=SHA-1')], 'unsupported'],
    ['another qop', [www('realm="b.example", nonce="n", qop="auth-conf"')], 'unsupported'],
    ['-sess without qop', [www('realm="b.example", nonce="n", algorithm=MD5-sess')], 'unsupported'],
    ['another realm', [www('realm="x.example", nonce="n"')], 'no-credentials'],
    ['a realm in another case', [www('realm="B.example", nonce="n"')], 'no-credentials'],
    ['the most telling reason of several', [www('realm'), www('realm="x", nonce="n"')], 'no-credentials'],
  ] as const)('%s', ([, fields, error]) => {
    expect(
      client()
        .begin()
        .challenged(refusal(...fields)),
    ).toEqual({ ok: false, error })
  })

  test('more lines than are read', () => {
    const fields = Array.from({ length: 50 }, (_, i) => www(`realm="x${i}", nonce="n"`))
    expect(
      client()
        .begin()
        .challenged(refusal(...fields, b('n1'))),
    ).toEqual({ ok: false, error: 'no-credentials' })
  })
})

test('credentials that could not be sent are our own fault', () => {
  for (const username of ['a:b', 'a\r\nb', 'a\0b'])
    expect(() => client({ credentials: [{ ...B, username }] })).toThrow(RangeError)
  expect(() => client({ credentials: [B, B] })).toThrow(RangeError)
})
