import { expect, test } from 'vitest'
import { srvName } from '../../../src/sip/locate/srv.ts'

test('names of the records (RFC 3263 §4.1)', () => {
  expect((['udp', 'tcp', 'tls'] as const).map((transport) => srvName(transport, 'example.com'))).toEqual([
    '_sip._udp.example.com',
    '_sip._tcp.example.com',
    '_sips._tcp.example.com',
  ])
})
