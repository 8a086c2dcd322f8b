import { expect, test } from 'vitest'
import { Admission, networkOf } from '../../src/net/admission.ts'

test('so many may be in, and so many from one address; who leaves makes room', () => {
  const admission = new Admission({ total: 3, perAddress: 2 })
  expect(admission.enter('192.0.2.1')).toBeUndefined()
  expect(admission.enter('192.0.2.1')).toBeUndefined()
  expect(admission.enter('192.0.2.1')).toBe('address')
  expect(admission.enter('192.0.2.2')).toBeUndefined()
  expect(admission.enter('192.0.2.3')).toBe('total')
  admission.leave('192.0.2.1')
  expect(admission.enter('192.0.2.1')).toBeUndefined()
  expect(admission.size).toBe(3)
})

test('the addresses of one IPv6 network count as one', () => {
  const admission = new Admission({ total: 9, perAddress: 1 })
  expect(admission.enter('2001:db8::1')).toBeUndefined()
  expect(admission.enter('2001:db8::2')).toBe('address')
  admission.leave('2001:db8::3')
  expect(admission.size).toBe(0)
})

test.for([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::', 'fe80:0:0:0::/64'],
] as const)('an IPv6 address counts with its network: %s', ([address, network]) => {
  expect(networkOf(address)).toBe(network)
})
