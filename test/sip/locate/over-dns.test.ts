import { expect, test } from 'vitest'
import { Resolver } from '../../../src/net/dns/resolver.ts'
import { locateHost } from '../../../src/sip/locate/locate.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { randomOf } from '../../net/dns/dns-of.ts'
import { startDnsServer } from '../../support/dns-server.ts'

const PLACE = { host: 'example.com' }

test('NAPTR, SRV and addresses over DNS; then DNS fails, what is known stays, and is not taken for “none”', async () => {
  await using dns = await startDnsServer({
    'example.com': { NAPTR: [{ services: 'SIPS+D2T', replacement: '_sips._tcp.example.com' }], ttl: 100 },
    '_sips._tcp.example.com': { SRV: [{ port: 5061, target: 'edge.example.com' }], ttl: 100 },
    'edge.example.com': { A: ['127.0.0.1'], ttl: 100 },
  })
  const time = fakeTime()
  const lookups = new Resolver({ servers: [dns], hosts: false, timers: time.timers, clock: time.clock })
  const deps = { lookups, random: randomOf(0), transports: ['tls', 'udp'] } as const

  const found = await locateHost(PLACE, deps)
  expect(found).toMatchObject({ value: [{ transport: 'tls', address: '127.0.0.1', host: 'example.com' }] })
  // NAPTR, SRV, A, AAAA.
  expect(dns.queries.length).toBe(4)

  dns.manner = 'servfail'
  expect(await locateHost(PLACE, deps)).toEqual(found)
  expect(dns.queries.length).toBe(4)

  time.pass(100_000)
  expect(await locateHost(PLACE, deps)).toMatchObject({ error: { kind: 'unavailable' } })
  dns.manner = 'answer'
  for (const name of ['example.com', '_sips._tcp.example.com', 'edge.example.com']) dns.set(name, undefined)
  time.pass(5_000)
  expect(await locateHost(PLACE, deps)).toMatchObject({ error: { kind: 'not-found' } })
  lookups.close()
})

test('who gives up hears the reason of the signal, and no failure', async () => {
  await using dns = await startDnsServer({ 'example.com': { manner: 'silent' } })
  const time = fakeTime()
  const lookups = new Resolver({ servers: [dns], hosts: false, timers: time.timers, clock: time.clock })
  const giveUp = new AbortController()
  const deps = { lookups, random: randomOf(0), transports: ['udp'] } as const
  const found = locateHost(PLACE, deps, giveUp.signal)
  await dns.asked(1)
  const reason = new Error('enough')
  giveUp.abort(reason)
  await expect(found).rejects.toBe(reason)
  lookups.close()
})
