import { describe, expect, test } from 'vitest'
import { assertedBy } from '../../src/edge/asserted.ts'
import { address, sipProvider } from '../federation/fixtures.ts'
import { request } from '../sip/proxy/bed.ts'

const PARIS = address('paris@partner.example')
const asserted = (header: string | undefined, ...lines: readonly string[]) =>
  assertedBy(sipProvider({ assertingHeader: header }), request({ lines }).headers, PARIS)

describe('the header that a provider asserts its users with', () => {
  test.for([
    ['verified', 'verified'],
    ['VERIFIED', 'verified'],
    [' verified ', 'verified'],
    ['ms-source-verified-user=verified', 'verified'],
    ['ms-source-type=x; ms-source-verified-user = verified;y=z', 'verified'],
    ['verified;x=1', 'verified'],
    ['a, verified', 'verified'],
    ['unverified', 'unverified'],
    ['ms-source-verified-user=unverified', 'unverified'],
    ['verified, unverified', 'unverified'],
    ['unverified;verified', 'unverified'],
    ['', 'absent'],
    ['yes', 'absent'],
    ['not verified', 'absent'],
    ['verified-user', 'absent'],
    ['"verified', 'absent'],
    ['verified=no', 'absent'],
    ['x=verified=no', 'absent'],
  ] as const)('"%s" says %s', ([value, expected]) => {
    expect(asserted('X-Verified', `X-Verified: ${value}`)).toBe(expected)
  })

  test('is known in any spelling, and a contradiction in several lines counts as unverified', () => {
    expect(asserted('x-verified', 'X-VERIFIED: verified')).toBe('verified')
    expect(asserted('x-verified', 'X-Verified: verified', 'x-verified: unverified')).toBe('unverified')
  })

  test('another header says nothing', () => {
    expect(asserted('X-Verified', 'X-Other: verified')).toBe('absent')
  })

  test('a provider without one says nothing, and neither does a domain without a provider', () => {
    expect(asserted(undefined, 'X-Verified: verified')).toBe('absent')
    expect(assertedBy(undefined, request({ lines: ['X-Verified: verified'] }).headers, PARIS)).toBe('absent')
  })
})

describe('P-Asserted-Identity (RFC 3325)', () => {
  test.for([
    ['the sender’s own', ['<sip:paris@partner.example>'], 'verified'],
    ['the same with a name, port and escapes', ['"P" <sip:%70aris@PARTNER.example:5060>'], 'verified'],
    ['among others', ['<tel:+15551234>, <sip:paris@partner.example>'], 'verified'],
    ['in the second line', ['<tel:+15551234>', '<sip:paris@partner.example>'], 'verified'],
    ['somebody else', ['<sip:mercutio@partner.example>'], 'unverified'],
    ['a namesake elsewhere', ['<sip:paris@elsewhere.example>'], 'unverified'],
    [
      'the sender’s address as a display name',
      ['"<sip:paris@partner.example>" <sip:x@y.example>'],
      'unverified',
    ],
    ['a word', ['verified'], 'unverified'],
    ['something that cannot be read', ['<sip:paris@partner.example'], 'unverified'],
    ['no such header', [], 'absent'],
  ] as const)('%s: %s', ([, values, expected]) => {
    const lines = values.map((value) => `P-Asserted-Identity: ${value}`)
    expect(asserted('p-asserted-identity', ...lines)).toBe(expected)
  })
})
