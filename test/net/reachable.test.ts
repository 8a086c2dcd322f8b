import { expect, test } from 'vitest'
import { isReachable } from '../../src/net/reachable.ts'

test.for([
  ['a host', '192.0.2.1', 5269, true],
  ['an IPv6 host', '2001:db8::1', 5269, true],
  ['loopback, which tests and tunnels need', '127.0.0.1', 65_535, true],
  ['“this” network', '0.0.0.0', 5269, false],
  ['the IPv6 wildcard', '::', 5269, false],
  ['multicast', '224.0.0.1', 5269, false],
  ['broadcast', '255.255.255.255', 5269, false],
  ['IPv6 multicast', 'FF02::1', 5269, false],
  ['a name', 'example.com', 5269, false],
  ['brackets', '[2001:db8::1]', 5269, false],
  ['no port', '192.0.2.1', 0, false],
  ['a port that is too high', '192.0.2.1', 65_536, false],
  ['a broken port', '192.0.2.1', 1.5, false],
] as const)('%s: %s port %s', ([, address, port, expected]) => {
  expect(isReachable(address, port)).toBe(expected)
})
