import { expect, test } from 'vitest'
import { checkForwarded } from '../../../src/sip/proxy/check.ts'
import { request } from './bed.ts'

const statusOf = (parts: Parameters<typeof request>[0]): number | string => {
  const verdict = checkForwarded(request(parts))
  return verdict.kind === 'answer' ? verdict.status : verdict.kind
}

test.for([
  ['an ordinary request passes', {}, 'pass'],
  ['so does one without Max-Forwards', { lines: [] }, 'pass'],
  ['one hop is enough', { lines: ['Max-Forwards: 1'] }, 'pass'],
  ['none is left: 483', { lines: ['Max-Forwards: 0'] }, 483],
  ['a scheme that is not SIP’s: 416', { uri: 'tel:+15551234' }, 416],
  ['sips: passes', { uri: 'sips:romeo@sip.example' }, 'pass'],
  ['Require is for the far end', { lines: ['Require: 100rel'] }, 'pass'],
  ['a body of any type is for the far end', { lines: ['Content-Type: application/x-unknown'] }, 'pass'],
  ['an empty Proxy-Require asks nothing', { lines: ['Proxy-Require: '] }, 'pass'],
] as const)('RFC 3261 §16.3: %s', ([, parts, expected]) => {
  expect(statusOf(parts)).toBe(expected)
})

test('RFC 3261 §16.3 (5): what Proxy-Require asks is named in Unsupported', () => {
  const verdict = checkForwarded(request({ lines: ['Proxy-Require: foo, bar', 'Proxy-Require: baz'] }))
  expect(verdict).toEqual({ kind: 'answer', status: 420, headers: [['Unsupported', 'foo, bar, baz']] })
})
