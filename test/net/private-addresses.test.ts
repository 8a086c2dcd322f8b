import { expect, test } from 'vitest'
import { isPrivate } from '../../src/net/private-addresses.ts'

test.for([
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.31.255.255', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['169.254.169.254', true],
  ['198.51.100.7', false],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:10.0.0.1', true],
  ['::ffff:198.51.100.7', false],
  ['fd12::1', true],
  ['fe80::1', true],
  ['2001:db8::1', false],
] as const)('%s is private: %s', ([address, expected]) => {
  expect(isPrivate(address)).toBe(expected)
})
