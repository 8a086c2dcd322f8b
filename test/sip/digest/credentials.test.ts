import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseAlgorithm } from '../../../src/sip/digest/algorithm.ts'
import { type DigestChallenge, parseChallenges } from '../../../src/sip/digest/challenge.ts'
import { credentialsText, type Plan, type Qop } from '../../../src/sip/digest/credentials.ts'

const EMPTY = new Uint8Array()

function planOf(line: string, qop: Qop | undefined): Plan {
  const parsed = parseChallenges(line)
  const challenge = parsed.ok ? (parsed.value[0] as DigestChallenge) : undefined
  const algorithm = parseAlgorithm(challenge?.algorithm)
  if (challenge === undefined || algorithm === undefined) throw new Error(line)
  return { challenge, algorithm, qop }
}

/** The parameters of a header field value, unquoted. */
function paramsOf(value: string): Readonly<Record<string, string>> {
  expect(value.startsWith('Digest ')).toBe(true)
  return Object.fromEntries(
    value
      .slice(7)
      .split(', ')
      .map((field) => [
        field.slice(0, field.indexOf('=')),
        field.slice(field.indexOf('=') + 1).replace(/^"(.*)"$/, '$1'),
      ]),
  )
}

describe('RFC 7616 §3.9.1', () => {
  const credentials = {
    realm: 'http-auth@example.org',
    username: 'Mufasa',
    password: 'Circle of Life',
  }
  const request = { method: 'GET', uri: '/dir/index.html', body: EMPTY }
  const use = { cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ', count: 1 }
  const line = (algorithm: string): string =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`

  test.for([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('%s', ([algorithm, response]) => {
    const value = credentialsText(planOf(line(algorithm), 'auth'), credentials, request, use)
    expect(value).toBe(
      `Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", response="${response}", algorithm=${algorithm}, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", nc=00000001`,
    )
  })
})

/**
 * The values that the RFC prints are those of SHA-512 with half of it cut off, which is another function than
 * SHA-512/256 (FIPS 180-4 §6.7): so the same text must give both, each by its own function.
 */
describe('RFC 7616 §3.9.2: SHA-512-256, charset and userhash', () => {
  const credentials = { realm: 'api@example.org', username: 'Jäsøn Doe', password: 'Secret, or not?' }
  const request = { method: 'GET', uri: '/doe.json', body: EMPTY }
  const use = { cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v', count: 1 }
  const line =
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true'

  const byHand = (hash: (data: string) => string) => ({
    username: hash('Jäsøn Doe:api@example.org'),
    response: hash(
      `${hash('Jäsøn Doe:api@example.org:Secret, or not?')}:5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK:00000001:${use.cnonce}:auth:${hash('GET:/doe.json')}`,
    ),
  })

  test('the formula gives what the RFC prints, with its function', () => {
    const cut = (data: string): string => createHash('sha512').update(data).digest('hex').slice(0, 64)
    expect(byHand(cut)).toEqual({
      username: '488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec',
      response: 'ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd',
    })
  })

  test('and what is sent is the same formula with SHA-512/256', () => {
    const sent = paramsOf(credentialsText(planOf(line, 'auth'), credentials, request, use))
    const real = (data: string): string => createHash('sha512-256').update(data).digest('hex')
    expect(sent).toMatchObject({
      ...byHand(real),
      userhash: 'true',
      algorithm: 'SHA-512-256',
      nc: '00000001',
    })
    expect(sent.response).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5')
  })

  test('name and password are brought to NFC where the charset is UTF-8 (§4)', () => {
    const decomposed = { ...credentials, username: credentials.username.normalize('NFD') }
    expect(decomposed.username).not.toBe(credentials.username)
    const sent = (who: typeof credentials) => credentialsText(planOf(line, 'auth'), who, request, use)
    expect(sent(decomposed)).toBe(sent(credentials))
  })
})

describe('RFC 2617 §3.5', () => {
  const credentials = { realm: 'testrealm@host.com', username: 'Mufasa', password: 'Circle Of Life' }
  const request = { method: 'GET', uri: '/dir/index.html', body: EMPTY }
  const use = { cnonce: '0a4f113b', count: 1 }
  const line =
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
  const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex')
  const secret = md5('Mufasa:testrealm@host.com:Circle Of Life')

  test('MD5, which is meant where no algorithm is named', () => {
    const value = credentialsText(planOf(line, 'auth'), credentials, request, use)
    expect(paramsOf(value).response).toBe('6629fae49393a05397450978507c4ef1')
    expect(value).not.toContain('algorithm')
  })

  test('without qop as RFC 2069 had it: no client nonce, no count', () => {
    const value = credentialsText(
      planOf(line.replace('qop="auth,auth-int", ', ''), undefined),
      credentials,
      request,
      use,
    )
    expect(paramsOf(value).response).toBe(
      md5(`${secret}:dcd98b7102dd2f0e8b11d0f600bfb0c093:${md5('GET:/dir/index.html')}`),
    )
    expect(value).not.toMatch(/qop|cnonce|nc=/)
  })

  test.for([
    ['a body', Buffer.from([0, 255, 13, 10])],
    ['no body (RFC 8760 §2.6)', EMPTY],
  ] as const)('auth-int signs %s', ([, body]) => {
    const value = credentialsText(planOf(line, 'auth-int'), credentials, { ...request, body }, use)
    const a2 = md5(`GET:/dir/index.html:${md5(body)}`)
    expect(paramsOf(value)).toMatchObject({
      qop: 'auth-int',
      response: md5(`${secret}:dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth-int:${a2}`),
    })
  })

  test('MD5-sess: server and client nonce are part of the key', () => {
    const plan = planOf(`${line}, algorithm=MD5-sess`, 'auth')
    const key = md5(`${secret}:dcd98b7102dd2f0e8b11d0f600bfb0c093:0a4f113b`)
    const value = credentialsText(plan, credentials, request, { ...use, count: 0x2a })
    expect(paramsOf(value)).toMatchObject({
      algorithm: 'MD5-sess',
      nc: '0000002a',
      response: md5(
        `${key}:dcd98b7102dd2f0e8b11d0f600bfb0c093:0000002a:0a4f113b:auth:${md5('GET:/dir/index.html')}`,
      ),
    })
  })
})
