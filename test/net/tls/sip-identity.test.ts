import { expect, test } from 'vitest'
import { readCertificate } from '../../../src/net/tls/certificate.ts'
import { presentedNames } from '../../../src/net/tls/presented-names.ts'
import { provesSip, sipIdentities } from '../../../src/net/tls/sip-identity.ts'
import { alternatives, der, selfSigned, type Wish } from '../../support/certificates.ts'

/** What a real certificate of that kind proves; undefined: it proves nothing since it cannot be read. */
function identities(wish: Wish): readonly string[] | undefined {
  const certificate = readCertificate(selfSigned(wish).x509)
  const names = certificate.ok ? presentedNames(certificate.value) : undefined
  return names === undefined ? undefined : sipIdentities(names)
}

test.for<readonly [clause: string, wish: Wish, expected: readonly string[]]>([
  ['§7.1: a sip: URI without user', { uri: ['sip:example.net'] }, ['example.net']],
  ['§7.1: the scheme is case-insensitive', { uri: ['SIP:Example.NET'] }, ['example.net']],
  ['§7.1: any other scheme is none', { uri: ['sips:a.example', 'https://b.example', 'im:c.example'] }, []],
  ['§7.1: a URI with a user names a person', { uri: ['sip:romeo@example.net'] }, []],
  ['§7.1: an empty user is one too', { uri: ['sip:@example.net'] }, []],
  ['§7.1: every such URI counts', { uri: ['sip:a.example', 'sip:b.example'] }, ['a.example', 'b.example']],
  ['§7.1: DNS names without such a URI', { dns: ['a.example', 'b.example'] }, ['a.example', 'b.example']],
  ['§7.1: no DNS name beside one', { dns: ['a.example'], uri: ['sip:b.example'] }, ['b.example']],
  ['§7.1: DNS names beside other URIs', { dns: ['a.example'], uri: ['sips:b.example'] }, ['a.example']],
  ['§7.1: DNS names beside a person', { dns: ['a.example'], uri: ['sip:me@b.example'] }, ['a.example']],
  ['§7.1: the CN without subjectAltName', { commonName: 'a.example' }, ['a.example']],
  ['§7.1: no CN beside a DNS name', { commonName: 'a.example', dns: ['b.example'] }, ['b.example']],
  ['§7.1: no CN beside useless names', { commonName: 'a.example', uri: ['https://b.example'] }, []],
  ['§7.1: a CN that is no DNS name', { commonName: 'Example Ltd' }, []],
  ['§7.2: no parameters, no port', { uri: ['sip:a.example:5061;transport=tls'] }, ['a.example']],
  ['§7.2: case is settled', { dns: ['A.Example'] }, ['a.example']],
  ['§7.2: a wildcard is nobody', { dns: ['*.example.com'], commonName: '*.example.com' }, []],
  ['§7.2: a wildcard in a URI is nobody', { uri: ['sip:*.example.com'], dns: ['example.com'] }, []],
  ['§7.2: a leading dot is nobody', { dns: ['.example.com'] }, []],
  ['§7.2: A-labels (RFC 5280 §7.2)', { dns: ['xn--bcher-kva.example'] }, ['xn--bcher-kva.example']],
  ['no address', { dns: ['192.0.2.1'], commonName: '192.0.2.1' }, []],
  ['no name that ends early', { dns: ['good.example\0.evil.example'] }, []],
  ['no name with others in it', { dns: ['a.example, DNS:good.example', '"good.example"'] }, []],
])('%s', ([, wish, expected]) => {
  expect(identities(wish)).toEqual(expected)
})

test('names that are not ASCII make the certificate worthless', () => {
  expect(identities({ dns: ['good.example', 'b\xfccher.example'] })).toBeUndefined()
})

test('two subjectAltName extensions make it worthless: each reader would see the one it likes', () => {
  const second = ['2.5.29.17', false, alternatives(['victim.example'])] as const
  expect(identities({ dns: ['evil.example'], extensions: [second] })).toBeUndefined()
})

test.for([
  ['no list', der(0x04, Buffer.from('x'))],
  ['cut short', alternatives(['good.example']).subarray(0, 8)],
  ['something behind it', Buffer.concat([alternatives(['good.example']), der(0x05)])],
  ['a length that is longer than needed', Buffer.from('30810e820c676f6f642e6578616d706c65', 'hex')],
  ['an indefinite length', Buffer.from('3080820c676f6f642e6578616d706c650000', 'hex')],
] as const)('subjectAltName that is not DER makes it worthless: %s', ([, value]) => {
  expect(identities({ extensions: [['2.5.29.17', false, value]] })).toBeUndefined()
})

test.for([
  ['itself', 'example.com', true],
  ['one below', 'foo.example.com', false],
  ['one above', 'com', false],
  ['one with it as suffix', 'badexample.com', false],
] as const)('sip-certificate-has-no-wildcard-match: %s', ([, name, expected]) => {
  expect(provesSip(['example.com'], [name])).toBe(expected)
  expect(provesSip(['other.example', 'example.com'], ['further.example', name])).toBe(expected)
})

test('who proves nothing, or is asked for nothing, does not match', () => {
  expect([provesSip([], ['a.example']), provesSip(['a.example'], []), provesSip([], [])]).toEqual([
    false,
    false,
    false,
  ])
})
