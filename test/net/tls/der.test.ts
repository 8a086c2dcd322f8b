import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCertificate } from '../../../src/net/tls/certificate.ts'
import {
  bitOf,
  booleanOf,
  countOf,
  oidOf,
  readAll,
  readOne,
  timeOf,
  utf8Of,
} from '../../../src/net/tls/der.ts'
import { presentedNames } from '../../../src/net/tls/presented-names.ts'
import { Authority, srvName, xmppAddr } from '../../support/certificates.ts'

const one = (hex: string) => readOne(Buffer.from(hex, 'hex'))

test.for([
  ['a short length', '0401ff', true],
  ['a long length', `048180${'00'.repeat(128)}`, true],
  ['two octets of length', `04820100${'00'.repeat(256)}`, true],
  ['nothing', '', false],
  ['a tag alone', '04', false],
  ['more than is there', '0402ff', false],
  ['something left over', '0401ff00', false],
  ['a long length that could be short', `04817f${'00'.repeat(127)}`, false],
  ['a length with a leading zero', `04820080${'00'.repeat(128)}`, false],
  ['an indefinite length', '30800000', false],
  ['a length of five octets', '04850000000001ff', false],
  ['a length that is cut', '0482ff', false],
  ['a tag of several octets', '1f0101ff', false],
] as const)('an element with %s', ([, hex, valid]) => {
  expect(one(hex) !== undefined).toBe(valid)
})

test('elements that stand in a row are all good, or none', () => {
  expect(readAll(Buffer.from('0401ff0500', 'hex'))?.map(({ tag }) => tag)).toEqual([4, 5])
  expect(readAll(Buffer.from('0401ff05', 'hex'))).toBeUndefined()
})

test.for([
  ['06092a864886f70d01010b', '1.2.840.113549.1.1.11'],
  ['0603551d11', '2.5.29.17'],
  ['06032a0304', '1.2.3.4'],
  ['06022a80', undefined],
  ['06032a8001', undefined],
  ['0600', undefined],
  ['04022a03', undefined],
  ['060b2affffffffffffffffff7f', undefined],
] as const)('the object identifier %s', ([hex, text]) => expect(oidOf(one(hex))).toBe(text))

test.for([
  ['170d3439313233313233353935395a', '2049-12-31T23:59:59Z'],
  ['170d3530303130313030303030305a', '1950-01-01T00:00:00Z'],
  ['180f32303530303130313030303030305a', '2050-01-01T00:00:00Z'],
  ['170b343931323331323335395a', undefined],
  ['171134393132333132333539353930313030', undefined],
  ['180f32303530313330313030303030305a', undefined],
  ['180d3439313233313233353935395a', undefined],
] as const)('the time %s', ([hex, text]) =>
  expect(timeOf(one(hex))).toBe(text === undefined ? undefined : Date.parse(text)),
)

test.for([
  ['text', '0c0362c3bc', 'bü'],
  ['nothing', '0c00', ''],
  ['a byte order mark, which stays', '0c04efbbbf61', '\ufeffa'],
  ['octets that are not UTF-8', '0c0261ff', undefined],
  ['a character that is cut', '0c0261c3', undefined],
  ['a form that is longer than needed', '0c02c0ae', undefined],
  ['half of a surrogate pair', '0c03eda080', undefined],
  ['another type', '160161', undefined],
] as const)('a UTF8String with %s', ([, hex, text]) => expect(utf8Of(one(hex))).toBe(text))

test('booleans are 00 or FF, numbers are not negative, bits are counted from the left', () => {
  expect(['0101ff', '010100', '010101', '0102ffff'].map((hex) => booleanOf(one(hex)))).toEqual([
    true,
    false,
    undefined,
    undefined,
  ])
  expect(['020105', '02020100', '0201ff', '0200', '02050100000000'].map((hex) => countOf(one(hex)))).toEqual([
    5,
    256,
    undefined,
    undefined,
    undefined,
  ])
  expect([0, 1, 5, 8].map((bit) => bitOf(one('03020284'), bit))).toEqual([true, false, true, false])
})

test('whatever is done to a certificate, reading it gives a value', () => {
  const root = new Authority('Root')
  const { raw } = root.issue({
    commonName: 'leaf',
    dns: ['a.example'],
    uri: ['sip:a.example'],
    names: [xmppAddr('a.example'), srvName('_xmpp-server.a.example')],
  }).x509
  let read = 0
  fc.assert(
    fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(3), (at, mask, cut) => {
      const bytes = Buffer.concat([raw.subarray(0, at), raw.subarray(at + cut)])
      if (cut === 0) bytes[at] = (bytes[at] as number) ^ mask
      readAll(bytes)
      let x509: X509Certificate
      try {
        x509 = new X509Certificate(bytes)
      } catch {
        return
      }
      const certificate = readCertificate(x509)
      if (certificate.ok) presentedNames(certificate.value)
      read++
    }),
    { numRuns: 2000 },
  )
  expect(read).toBeGreaterThan(100)
})
