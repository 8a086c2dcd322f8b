import { describe, expect, test } from 'vitest'
import type { Domain } from '../../../src/kernel/domain.ts'
import {
  type AddressDeps,
  type LocateDeps,
  locate,
  locateHost,
  namesServers,
} from '../../../src/xmpp/s2s/locate.ts'
import { greetingOf, type Located } from '../../../src/xmpp/s2s/place.ts'
import { dnsOf, type Known, randomOf } from '../../net/dns/dns-of.ts'

const DOMAIN = 'im.example' as Domain
const DIRECT = '_xmpps-server._tcp.im.example'
const STARTTLS = '_xmpp-server._tcp.im.example'

type Table = Readonly<Record<string, Known>>

/** `direct 192.0.2.1:5270`, or the kind of failure and its reason. */
const written = (found: Located): readonly string[] | string =>
  found.ok
    ? found.value.map(({ tls, address, port }) => `${tls} ${address}:${port}`)
    : `${found.error.kind}: ${found.error.reason}`

async function located(table: Table, options: Partial<LocateDeps> = {}) {
  const { lookups, asked } = dnsOf(table)
  const found = await locate(DOMAIN, { lookups, random: randomOf(0), directTls: true, ...options })
  return { places: written(found), asked, found }
}

const HOSTS: Table = {
  'a.example': { A: ['192.0.2.1'] },
  'b.example': { A: ['192.0.2.2'] },
  'c.example': { A: ['192.0.2.3'] },
  'im.example': { A: ['192.0.2.10'], AAAA: ['2001:db8::10'] },
}
const none = { SRV: [{ target: '.', port: 0 }] }
const failed = { failed: ['SRV'] } as const
const direct = { SRV: [{ target: 'a.example', port: 5270, priority: 5 }] }
const starttls = { SRV: [{ target: 'b.example', port: 5269, priority: 5 }] }
const OWN = ['starttls 192.0.2.10:5269', 'starttls 2001:db8::10:5269']

describe('both kinds of SRV records (RFC 6120 §3.2.1, XEP-0368 §3)', () => {
  test.for<
    readonly [what: string, direct: Known | undefined, starttls: Known | undefined, string[] | string]
  >([
    ['both', direct, starttls, ['direct 192.0.2.1:5270', 'starttls 192.0.2.2:5269']],
    ['STARTTLS alone', undefined, starttls, ['starttls 192.0.2.2:5269']],
    ['direct TLS alone', direct, undefined, ['direct 192.0.2.1:5270']],
    ['no direct TLS, says “.”', none, starttls, ['starttls 192.0.2.2:5269']],
    ['no STARTTLS, says “.”', direct, none, ['direct 192.0.2.1:5270']],
    ['neither, says “.” twice', none, none, 'not-offered: im.example says that it has no XMPP for servers'],
    [
      '“.” for STARTTLS, nothing for direct TLS',
      undefined,
      none,
      'not-offered: im.example says that it has no XMPP for servers',
    ],
    [
      '“.” for direct TLS, nothing for STARTTLS: no fallback',
      none,
      undefined,
      'not-offered: im.example says that it has no XMPP for servers',
    ],
    ['no records at all: the domain’s own addresses', undefined, undefined, OWN],
    ['direct TLS not known, STARTTLS there', failed, starttls, ['starttls 192.0.2.2:5269']],
    ['STARTTLS not known, direct TLS there', direct, failed, ['direct 192.0.2.1:5270']],
    [
      'direct TLS not known, no STARTTLS: no fallback',
      failed,
      undefined,
      `unknown: SRV of ${DIRECT}: servfail`,
    ],
    [
      'STARTTLS not known, no direct TLS: no fallback',
      undefined,
      failed,
      `unknown: SRV of ${STARTTLS}: servfail`,
    ],
    ['“.” for the one, the other not known', none, failed, `unknown: SRV of ${STARTTLS}: servfail`],
    ['neither known', failed, failed, `unknown: SRV of ${DIRECT}: servfail`],
    [
      'a port of 0 is no offer',
      { SRV: [{ target: 'a.example', port: 0 }] },
      undefined,
      'not-offered: im.example says that it has no XMPP for servers',
    ],
    [
      '“.” among others is passed over',
      undefined,
      { SRV: [...none.SRV, ...starttls.SRV] },
      ['starttls 192.0.2.2:5269'],
    ],
  ])('%s', async ([, xmpps, xmpp, expected]) => {
    const table = { ...HOSTS, ...(xmpps && { [DIRECT]: xmpps }), ...(xmpp && { [STARTTLS]: xmpp }) }
    expect((await located(table)).places).toEqual(expected)
  })

  test('records of the one kind that lead nowhere prove nothing where the other is not known', async () => {
    const { places } = await located({ [DIRECT]: failed, [STARTTLS]: starttls })
    expect(places).toBe(`unknown: SRV of ${DIRECT}: servfail`)
  })

  test('priorities are of one list, whatever the kind', async () => {
    const table = {
      ...HOSTS,
      [DIRECT]: { SRV: [{ target: 'b.example', port: 2, priority: 20 }] },
      [STARTTLS]: {
        SRV: [
          { target: 'c.example', port: 3, priority: 30 },
          { target: 'a.example', port: 1, priority: 10 },
        ],
      },
    }
    expect((await located(table)).places).toEqual([
      'starttls 192.0.2.1:1',
      'direct 192.0.2.2:2',
      'starttls 192.0.2.3:3',
    ])
  })

  test('weights are of one list too: 3 of 4 go to the heavier one', async () => {
    const table = {
      ...HOSTS,
      [DIRECT]: { SRV: [{ target: 'a.example', port: 5270, weight: 100 }] },
      [STARTTLS]: { SRV: [{ target: 'b.example', port: 5269, weight: 300 }] },
    }
    const first = { direct: 0, starttls: 0 }
    for (let i = 0; i < 401; i++) {
      const { found } = await located(table, { random: randomOf((i + 0.5) / 401, 0) })
      if (found.ok) first[found.value[0]?.tls as keyof typeof first]++
    }
    expect(first).toEqual({ direct: 101, starttls: 300 })
  })

  test('where nothing decides, direct TLS comes first', async () => {
    const table = {
      ...HOSTS,
      [STARTTLS]: { SRV: [{ target: 'b.example', port: 5269 }] },
      [DIRECT]: { SRV: [{ target: 'a.example', port: 5270 }] },
    }
    for (const fraction of [0, 0.5, 0.99])
      expect((await located(table, { random: randomOf(fraction) })).places[0]).toBe('direct 192.0.2.1:5270')
  })

  test('the same port for both is two places', async () => {
    const shared = { SRV: [{ target: 'a.example', port: 443 }] }
    const table = { ...HOSTS, [DIRECT]: shared, [STARTTLS]: shared }
    expect((await located(table)).places).toEqual(['direct 192.0.2.1:443', 'starttls 192.0.2.1:443'])
  })

  test('where TLS is not to be used, direct TLS is not asked for', async () => {
    const { places, asked } = await located(
      { ...HOSTS, [DIRECT]: direct, [STARTTLS]: starttls },
      { directTls: false },
    )
    expect(places).toEqual(['starttls 192.0.2.2:5269'])
    expect(asked).not.toContain(`SRV ${DIRECT}`)
  })

  test('the peer must prove the domain, whatever name SRV gave', async () => {
    const { found } = await located({ ...HOSTS, [DIRECT]: direct })
    expect(found).toEqual({
      ok: true,
      value: [{ tls: 'direct', address: '192.0.2.1', port: 5270, domain: DOMAIN, server: 'a.example' }],
    })
  })
})

describe('addresses', () => {
  const srv = (...targets: readonly string[]): Table => ({
    [STARTTLS]: { SRV: targets.map((target, priority) => ({ target, port: 5269, priority })) },
  })

  test('all of one server before the next (§3.2.1, 6 and 7), in the order of families that is wanted', async () => {
    const table = {
      ...srv('x.example', 'y.example'),
      'x.example': { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8::1'] },
      'y.example': { AAAA: ['2001:db8::2'] },
    }
    const addresses = async (families?: readonly (4 | 6)[]) => {
      const { found } = await located(table, families === undefined ? {} : { families })
      return found.ok ? found.value.map(({ address }) => address) : found.error
    }
    expect(await addresses()).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'])
    expect(await addresses([6, 4])).toEqual(['2001:db8::1', '192.0.2.1', '192.0.2.2', '2001:db8::2'])
    expect(await addresses([4])).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(await addresses([6])).toEqual(['2001:db8::1', '2001:db8::2'])
  })

  test.for<readonly [what: string, table: Table, expected: string]>([
    [
      'SRV targets without address: no fallback to the domain’s own',
      { ...HOSTS, ...srv('x.example', 'y.example') },
      'not-found: no address of x.example, y.example',
    ],
    [
      'SRV targets that cannot be looked up',
      { ...HOSTS, ...srv('x.example', 'y.example'), 'y.example': { failed: ['A', 'AAAA'] } },
      'unknown: addresses of y.example: servfail',
    ],
    [
      'one family not known, the other empty',
      { ...srv('x.example'), 'x.example': { failed: ['AAAA'] } },
      'unknown: addresses of x.example: servfail',
    ],
    ['a domain that does not exist', {}, 'not-found: no address of im.example, and no SRV'],
    [
      'the domain’s own addresses not known',
      { 'im.example': { failed: ['A'] } },
      'unknown: addresses of im.example: servfail',
    ],
    [
      'nothing but addresses of nobody',
      { 'im.example': { A: ['0.0.0.0', '224.0.0.1'], AAAA: ['::', 'ff02::1'] } },
      'not-found: no address of im.example can be connected to, and no SRV',
    ],
  ])('%s', async ([, table, expected]) => {
    expect((await located(table)).places).toBe(expected)
  })

  test('what cannot be looked up does not matter where there is something else', async () => {
    const table = {
      ...HOSTS,
      ...srv('x.example', 'b.example'),
      'x.example': { failed: ['A', 'AAAA'] as const },
    }
    expect((await located(table)).places).toEqual(['starttls 192.0.2.2:5269'])
    const half = { ...srv('x.example'), 'x.example': { A: ['192.0.2.1'], failed: ['AAAA'] as const } }
    expect((await located(half)).places).toEqual(['starttls 192.0.2.1:5269'])
  })

  test('each place once, and only those that may be connected to', async () => {
    const table = { ...HOSTS, ...srv('a.example', 'a.example', 'b.example') }
    expect((await located(table)).places).toEqual(['starttls 192.0.2.1:5269', 'starttls 192.0.2.2:5269'])
    const reachable = (address: string) => address !== '192.0.2.1'
    expect((await located(table, { reachable })).places).toEqual(['starttls 192.0.2.2:5269'])
  })

  test('a domain with hundreds of records costs no more than the limit', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `s${i}.example`)
    const table = {
      ...srv(...names),
      ...Object.fromEntries(names.map((name, i) => [name, { A: [`192.0.2.${i}`, `198.51.100.${i}`] }])),
    }
    const { places, asked } = await located(table, { limits: { servers: 3, places: 5 } })
    expect(places).toHaveLength(5)
    expect(asked.filter((question) => question.startsWith('A '))).toEqual([
      'A s0.example',
      'A s1.example',
      'A s2.example',
    ])
  })
})

describe('a fixed host (RFC 6120 §3.2.3)', () => {
  const atHost = async (place: Parameters<typeof locateHost>[1], options: Partial<AddressDeps> = {}) => {
    const { lookups, asked } = dnsOf({ ...HOSTS, [STARTTLS]: starttls })
    return { places: written(await locateHost(DOMAIN, place, { lookups, ...options })), asked }
  }

  test.for<readonly [what: string, place: Parameters<typeof locateHost>[1], string[] | string]>([
    ['a name', { host: 'A.example.' }, ['starttls 192.0.2.1:5269']],
    ['a name with a port', { host: 'a.example', port: 5299 }, ['starttls 192.0.2.1:5299']],
    ['over direct TLS', { host: 'a.example', port: 443, tls: 'direct' }, ['direct 192.0.2.1:443']],
    ['an address', { host: '192.0.2.7' }, ['starttls 192.0.2.7:5269']],
    ['an IPv6 address', { host: '2001:db8::7', port: 5270, tls: 'direct' }, ['direct 2001:db8::7:5270']],
    ['an address of nobody', { host: '224.0.0.1' }, 'not-found: 224.0.0.1 cannot be connected to'],
    ['a name without address', { host: 'x.example' }, 'not-found: no address of x.example'],
    ['no host name', { host: 'a b' }, 'not-found: the fixed host is no host name'],
  ])('%s', async ([, place, expected]) => {
    const { places, asked } = await atHost(place)
    expect(places).toEqual(expected)
    expect(asked.filter((question) => question.startsWith('SRV'))).toEqual([])
  })

  test('the peer must prove the domain all the same', async () => {
    const { lookups } = dnsOf(HOSTS)
    const found = await locateHost(DOMAIN, { host: 'a.example' }, { lookups })
    expect(found).toMatchObject({ ok: true, value: [{ domain: DOMAIN, server: 'a.example' }] })
  })
})

test('who gives up hears the reason of the signal, and no failure', async () => {
  const { lookups } = dnsOf(HOSTS)
  const gone = new AbortController()
  const reject = (_: string, signal?: AbortSignal): Promise<never> => Promise.reject(signal?.reason)
  gone.abort('stopped')
  const deps = { lookups: { ...lookups, srv: reject }, random: randomOf(0), directTls: true }
  await expect(locate(DOMAIN, deps, gone.signal)).rejects.toBe('stopped')
})

test('SNI asks for the domain, ALPN for XMPP between servers, where TLS begins at once (XEP-0368 §3)', () => {
  const place = { address: '192.0.2.1', port: 443, domain: DOMAIN, server: 'a.example' }
  expect(greetingOf({ ...place, tls: 'direct' })).toEqual({
    servername: 'im.example',
    ALPNProtocols: ['xmpp-server'],
  })
  expect(greetingOf({ ...place, tls: 'starttls' })).toEqual({ servername: 'im.example' })
})

describe('whether DNS names servers for a domain', () => {
  test.for<
    readonly [what: string, direct: Known | undefined, starttls: Known | undefined, boolean | undefined]
  >([
    ['by STARTTLS', undefined, starttls, true],
    ['by direct TLS', direct, none, true],
    ['“.” alone', none, none, false],
    ['no records: a bare address says nothing', undefined, undefined, false],
    ['one is not known, the other there', failed, starttls, true],
    ['one is not known, the other not there', failed, undefined, undefined],
  ])('%s', async ([, one, two, expected]) => {
    const table = { ...HOSTS, ...(one && { [DIRECT]: one }), ...(two && { [STARTTLS]: two }) }
    expect(await namesServers(DOMAIN, dnsOf(table))).toBe(expected)
  })
})
