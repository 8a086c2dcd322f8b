import { expect, test } from 'vitest'
import { checkRequest, MESSAGE_SUPPORT, type UasSupport } from '../../../src/sip/endpoint/uas.ts'
import type { SipRequest } from '../../../src/sip/message.ts'
import { parseMessage } from '../../../src/sip/parse.ts'
import { requestText, type Shape } from './bed.ts'

function request(shape: Shape): SipRequest {
  const parsed = parseMessage(Buffer.from(requestText(5060, shape)))
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error(JSON.stringify(parsed))
  return parsed.value
}

const support: UasSupport = { ...MESSAGE_SUPPORT, languages: ['en'], extensions: ['path'] }

test.for<[name: string, Shape, verdict: string]>([
  ['MESSAGE', {}, 'pass'],
  ['a supported extension', { extra: 'Require: path' }, 'pass'],
  ['an unsupported one', { extra: 'Require: path, 100rel' }, '420 Unsupported: 100rel'],
  ['of a proxy', { extra: 'Proxy-Require: foo' }, '420 Unsupported: foo'],
  ['unknown method', { method: 'DANCE' }, '501 Allow: MESSAGE, OPTIONS'],
  ['method is case-sensitive', { method: 'message' }, '501 Allow: MESSAGE, OPTIONS'],
  ['INVITE', { method: 'INVITE' }, '405 Allow: MESSAGE, OPTIONS'],
  ['SUBSCRIBE', { method: 'SUBSCRIBE' }, '405 Allow: MESSAGE, OPTIONS'],
  ['NOTIFY without a subscription', { method: 'NOTIFY' }, '481'],
  ['BYE without a dialog', { method: 'BYE' }, '481'],
  ['ACK', { method: 'ACK' }, 'ignore'],
  ['scheme', { uri: 'http://example.com' }, '416'],
  ['content type', { body: 'x', extra: 'Content-Encoding: gzip' }, '415 Accept-Encoding: identity'],
  ['language', { extra: 'Content-Language: fr' }, '415 Accept-Language: en'],
  [
    'body that may be ignored',
    { extra: 'Content-Encoding: gzip\r\nContent-Disposition: x;handling=optional' },
    'pass',
  ],
  [
    'OPTIONS',
    { method: 'OPTIONS', body: '' },
    '200 Allow: MESSAGE, OPTIONS | Accept: text/plain, text/html, message/cpim | Accept-Encoding: identity | Supported: path',
  ],
])('%s', ([, shape, expected]) => {
  const verdict = checkRequest(request(shape), support)
  const shown =
    verdict.kind === 'answer'
      ? `${verdict.status} ${verdict.headers.map(([name, value]) => `${name}: ${value}`).join(' | ')}`.trim()
      : verdict.kind
  expect(shown).toBe(expected)
})

test('Max-Forwards 0 ends what would be passed on, not OPTIONS', () => {
  const zero = (method: string): SipRequest => {
    const text = requestText(5060, { method, body: '' }).replace('Max-Forwards: 70', 'Max-Forwards: 0')
    const parsed = parseMessage(Buffer.from(text))
    if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('not parsed')
    return parsed.value
  }
  expect(checkRequest(zero('MESSAGE'), support)).toMatchObject({ status: 483 })
  expect(checkRequest(zero('OPTIONS'), support)).toMatchObject({ status: 200 })
  expect(checkRequest(zero('MESSAGE'), { ...support, forwards: false })).toEqual({ kind: 'pass' })
})
