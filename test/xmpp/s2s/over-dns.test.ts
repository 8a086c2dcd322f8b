import { expect, test } from 'vitest'
import type { Domain } from '../../../src/kernel/domain.ts'
import { Resolver } from '../../../src/net/dns/resolver.ts'
import { locate } from '../../../src/xmpp/s2s/locate.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { randomOf } from '../../net/dns/dns-of.ts'
import { startDnsServer } from '../../support/dns-server.ts'

test('over DNS: both kinds; then DNS fails, and that is not taken for “none”; then “.”; then nothing', async () => {
  await using dns = await startDnsServer({
    '_xmpps-server._tcp.im.example': { SRV: [{ port: 5270, target: 'x.im.example' }], ttl: 100 },
    '_xmpp-server._tcp.im.example': { SRV: [{ port: 5269, target: 'x.im.example' }], ttl: 100 },
    'x.im.example': { A: ['127.0.0.1'], AAAA: ['::1'], ttl: 100 },
    'im.example': { A: ['127.0.0.2'], ttl: 100 },
  })
  const time = fakeTime()
  const lookups = new Resolver({ servers: [dns], hosts: false, timers: time.timers, clock: time.clock })
  const find = () => locate('im.example' as Domain, { lookups, random: randomOf(0), directTls: true })

  expect(await find()).toMatchObject({
    value: [
      { tls: 'direct', address: '127.0.0.1', port: 5270 },
      { tls: 'direct', address: '::1', port: 5270 },
      { tls: 'starttls', address: '127.0.0.1', port: 5269 },
      { tls: 'starttls', address: '::1', port: 5269 },
    ],
  })
  // Two of SRV, A, AAAA: the one server of both is asked for once.
  expect(dns.queries.length).toBe(4)

  dns.manner = 'servfail'
  time.pass(100_000)
  expect(await find()).toMatchObject({ error: { kind: 'unknown' } })

  dns.manner = 'answer'
  dns.set('_xmpps-server._tcp.im.example', undefined)
  dns.set('_xmpp-server._tcp.im.example', { SRV: [{ port: 0, target: '.' }], ttl: 100 })
  time.pass(5_000)
  expect(await find()).toMatchObject({ error: { kind: 'not-offered' } })

  dns.set('_xmpp-server._tcp.im.example', undefined)
  time.pass(1_000_000)
  expect(await find()).toMatchObject({ value: [{ tls: 'starttls', address: '127.0.0.2', port: 5269 }] })
  lookups.close()
})
