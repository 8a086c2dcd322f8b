import { describe, expect, test } from 'vitest'
import { locate, locateHost } from '../../../src/sip/locate/locate.ts'
import type { LocateDeps } from '../../../src/sip/locate/places.ts'
import type { Target, Transport } from '../../../src/sip/locate/target.ts'
import type { SipUri } from '../../../src/sip/uri.ts'
import { parseUri } from '../../../src/sip/uri-parse.ts'
import { dnsOf, type Known, randomOf } from '../../net/dns/dns-of.ts'

const ALL: readonly Transport[] = ['udp', 'tcp', 'tls']

const sipUri = (text: string): SipUri => {
  const uri = parseUri(text)
  if (!uri.ok) throw new Error(`${text}: ${uri.error}`)
  return uri.value as SipUri
}

/** `tls 192.0.2.1:5061`, or the kind of failure. */
const written = (targets: readonly Target[]): readonly string[] =>
  targets.map(({ transport, address, port }) => `${transport} ${address}:${port}`)

async function located(
  uri: string,
  table: Readonly<Record<string, Known>>,
  options: Partial<LocateDeps> = {},
): Promise<readonly string[] | string> {
  const { lookups } = dnsOf(table)
  const deps = { lookups, random: randomOf(0), transports: ALL, ...options }
  const found = await locate(sipUri(uri), deps)
  return found.ok ? written(found.value) : found.error.kind
}

const EXAMPLE: Readonly<Record<string, Known>> = {
  'example.com': {
    A: ['192.0.2.10'],
    NAPTR: [
      { order: 100, services: 'SIP+D2U', replacement: '_sip._udp.example.com' },
      { order: 50, services: 'SIPS+D2T', replacement: '_sips._tcp.example.com' },
      { order: 90, services: 'SIP+D2T', replacement: '_sip._tcp.example.com' },
    ],
  },
  '_sip._udp.example.com': { SRV: [{ target: 'u.example.com', port: 5062 }] },
  '_sip._tcp.example.com': { SRV: [{ target: 't.example.com', port: 5063 }] },
  '_sips._tcp.example.com': { SRV: [{ target: 's.example.com', port: 5064 }] },
  'u.example.com': { A: ['192.0.2.1'] },
  't.example.com': { A: ['192.0.2.2'] },
  's.example.com': { A: ['192.0.2.3'] },
}
const noNaptr = Object.fromEntries(Object.entries(EXAMPLE).filter(([name]) => name !== 'example.com'))
const onlyAddress = { 'example.com': { A: ['192.0.2.10'] } }

describe('selecting a transport protocol (RFC 3263 §4.1)', () => {
  test.for([
    // The transport parameter is used.
    ['transport=udp', 'sip:example.com;transport=udp', EXAMPLE, ['udp 192.0.2.1:5062']],
    ['transport=tcp', 'sip:example.com;transport=tcp', EXAMPLE, ['tcp 192.0.2.2:5063']],
    ['transport=TCP', 'sip:example.com;transport=TCP', EXAMPLE, ['tcp 192.0.2.2:5063']],
    ['transport=tls', 'sip:example.com;transport=tls', EXAMPLE, ['tls 192.0.2.3:5064']],
    ['sips, transport=tcp', 'sips:example.com;transport=tcp', EXAMPLE, ['tls 192.0.2.3:5064']],
    ['sips, transport=tls', 'sips:example.com;transport=tls', EXAMPLE, ['tls 192.0.2.3:5064']],
    ['sips, transport=udp: TLS does not run there', 'sips:example.com;transport=udp', EXAMPLE, 'not-found'],
    ['transport=sctp: not ours', 'sip:example.com;transport=sctp', EXAMPLE, 'not-found'],
    ['numeric, transport=tcp', 'sip:192.0.2.9;transport=tcp', {}, ['tcp 192.0.2.9:5060']],
    ['numeric, transport=tls', 'sip:192.0.2.9;transport=tls', {}, ['tls 192.0.2.9:5061']],
    ['port, transport=tcp', 'sip:example.com:5070;transport=tcp', EXAMPLE, ['tcp 192.0.2.10:5070']],
    // Numeric, no transport: UDP for sip, TLS over TCP for sips.
    ['numeric', 'sip:192.0.2.9', {}, ['udp 192.0.2.9:5060']],
    ['numeric with port', 'sip:192.0.2.9:5070', {}, ['udp 192.0.2.9:5070']],
    ['numeric, sips', 'sips:192.0.2.9', {}, ['tls 192.0.2.9:5061']],
    ['numeric with port, sips', 'sips:192.0.2.9:5070', {}, ['tls 192.0.2.9:5070']],
    ['numeric IPv6', 'sip:[2001:db8::9]', {}, ['udp 2001:db8::9:5060']],
    ['numeric IPv6 with port', 'sip:[2001:db8::9]:5070', {}, ['udp 2001:db8::9:5070']],
    // A name with a port, no transport: the same, and no SRV.
    ['name with port', 'sip:example.com:5070', EXAMPLE, ['udp 192.0.2.10:5070']],
    ['name with the default port', 'sip:example.com:5060', EXAMPLE, ['udp 192.0.2.10:5060']],
    ['name with port, sips', 'sips:example.com:5070', EXAMPLE, ['tls 192.0.2.10:5070']],
    // Neither: NAPTR.
    ['NAPTR', 'sip:example.com', EXAMPLE, ['tls 192.0.2.3:5064']],
    ['NAPTR, sips', 'sips:example.com', EXAMPLE, ['tls 192.0.2.3:5064']],
    // No NAPTR: SRV for each transport that is supported, in our own order.
    ['SRV', 'sip:example.com', noNaptr, ['udp 192.0.2.1:5062']],
    ['SRV, sips', 'sips:example.com', noNaptr, ['tls 192.0.2.3:5064']],
    // No SRV either: UDP for sip, TLS over TCP for sips.
    ['address', 'sip:example.com', onlyAddress, ['udp 192.0.2.10:5060']],
    ['address, sips', 'sips:example.com', onlyAddress, ['tls 192.0.2.10:5061']],
    ['address, transport=tcp', 'sip:example.com;transport=tcp', onlyAddress, ['tcp 192.0.2.10:5060']],
    ['address, transport=tls', 'sip:example.com;transport=tls', onlyAddress, ['tls 192.0.2.10:5061']],
    // TARGET is maddr where there is one.
    ['maddr, numeric', 'sip:example.com;maddr=192.0.2.9', EXAMPLE, ['udp 192.0.2.9:5060']],
    ['maddr, name', 'sip:other.example;maddr=example.com', EXAMPLE, ['tls 192.0.2.3:5064']],
    ['nothing at all', 'sip:nowhere.example', EXAMPLE, 'not-found'],
  ] as const)('%s', async ([, uri, table, expected]) => {
    expect(await located(uri, table)).toEqual(expected)
  })

  test('the RFC’s own example: a client without TLS takes TCP, by the order of the NAPTR records', async () => {
    expect(await located('sip:user@example.com', EXAMPLE, { transports: ['udp', 'tcp'] })).toEqual([
      'tcp 192.0.2.2:5063',
    ])
  })

  test('sips is never sent over anything but TLS, whatever DNS offers', async () => {
    expect(await located('sips:example.com', EXAMPLE, { transports: ['udp', 'tcp'] })).toBe('not-found')
    const bad = { 'example.com': { NAPTR: [{ services: 'SIP+D2T', replacement: '_sip._tcp.example.com' }] } }
    expect(await located('sips:example.com', { ...EXAMPLE, ...bad })).toEqual(['tls 192.0.2.3:5064'])
  })

  test('what is not supported is not used, though the URI names it', async () => {
    expect(await located('sip:example.com;transport=udp', EXAMPLE, { transports: ['tls'] })).toBe('not-found')
  })

  test('where UDP may not be used the next transport is, as for a request that is too large', async () => {
    const transports: readonly Transport[] = ['tcp', 'tls']
    expect(await located('sip:192.0.2.9', {}, { transports })).toEqual(['tcp 192.0.2.9:5060'])
    expect(await located('sip:example.com', noNaptr, { transports })).toEqual(['tcp 192.0.2.2:5063'])
    expect(await located('sip:example.com', onlyAddress, { transports })).toEqual(['tcp 192.0.2.10:5060'])
  })

  test('without NAPTR our own order of transports decides', async () => {
    expect(await located('sip:example.com', noNaptr, { transports: ['tls', 'udp'] })).toEqual([
      'tls 192.0.2.3:5064',
    ])
  })
})

describe('NAPTR', () => {
  const withNaptr = (...NAPTR: NonNullable<Known['NAPTR']>) => ({ ...noNaptr, 'example.com': { NAPTR } })
  const TCP = { services: 'SIP+D2T', replacement: '_sip._tcp.example.com' }
  const TLS = { services: 'SIPS+D2T', replacement: '_sips._tcp.example.com' }

  test.for([
    [
      'order before preference',
      [
        { ...TCP, order: 2, preference: 1 },
        { ...TLS, order: 1, preference: 9 },
      ],
      'tls',
    ],
    [
      'preference within an order',
      [
        { ...TCP, preference: 2 },
        { ...TLS, preference: 1 },
      ],
      'tls',
    ],
    ['services in any case', [{ ...TCP, services: 'sip+d2t' }], 'tcp'],
    ['flags in any case', [{ ...TCP, flags: 'S' }], 'tcp'],
    ['other flags are passed over', [{ ...TLS, flags: 'a', order: 1 }, TCP], 'tcp'],
    ['a regular expression is passed over', [{ ...TLS, regexp: '!^.*$!x!', order: 1 }, TCP], 'tcp'],
    ['a replacement of “.” is passed over', [{ ...TLS, replacement: '.', order: 1 }, TCP], 'tcp'],
    ['SIPS over UDP does not exist', [{ ...TLS, services: 'SIPS+D2U', order: 1 }, TCP], 'tcp'],
    ['SCTP is not ours', [{ ...TCP, services: 'SIP+D2S', order: 1 }, TCP], 'tcp'],
    ['other applications are passed over', [{ ...TCP, services: 'E2U+sip', order: 1 }, TCP], 'tcp'],
    ['nothing usable is no NAPTR at all', [{ ...TCP, services: 'E2U+sip' }], 'udp'],
  ] as const)('%s', async ([, records, expected]) => {
    const found = await located('sip:example.com', withNaptr(...records))
    expect(String(found[0]).split(' ')[0]).toBe(expected)
  })

  test('the replacement may be in another domain; the identity stays that of the URI', async () => {
    const { lookups } = dnsOf({
      'example.com': { NAPTR: [{ services: 'SIPS+D2T', replacement: '_sips._tcp.hoster.example' }] },
      '_sips._tcp.hoster.example': { SRV: [{ target: 'edge.hoster.example', port: 5061 }] },
      'edge.hoster.example': { A: ['192.0.2.7'] },
    })
    const deps = { lookups, random: randomOf(0), transports: ALL }
    expect(await locate(sipUri('sip:example.com'), deps)).toEqual({
      ok: true,
      value: [
        {
          transport: 'tls',
          address: '192.0.2.7',
          port: 5061,
          host: 'example.com',
          server: 'edge.hoster.example',
        },
      ],
    })
  })

  test('where its SRV records are missing the domain’s own address is used, with the transport it chose (§4.2)', async () => {
    const table = { 'example.com': { A: ['192.0.2.10'], NAPTR: [TLS] } }
    expect(await located('sip:example.com', table)).toEqual(['tls 192.0.2.10:5061'])
  })

  test('records of a higher order are no way round those that fail', async () => {
    const table = {
      ...noNaptr,
      'example.com': {
        NAPTR: [
          { ...TLS, order: 1 },
          { ...TCP, order: 2 },
        ],
      },
      '_sips._tcp.example.com': { SRV: [{ target: '.' }] },
    }
    expect(await located('sip:example.com', table)).toBe('not-found')
  })
})

describe('SRV (RFC 2782)', () => {
  const servers = (...SRV: NonNullable<Known['SRV']>) => ({
    '_sip._udp.example.com': { SRV },
    'a.example': { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8::1'] },
    'b.example': { A: ['192.0.2.3'] },
    'example.com': { A: ['192.0.2.10'] },
  })

  test('every address of every server, by priority', async () => {
    const table = servers(
      { target: 'b.example', priority: 2 },
      { target: 'a.example', priority: 1, port: 5070 },
    )
    expect(await located('sip:example.com', table)).toEqual([
      'udp 192.0.2.1:5070',
      'udp 192.0.2.2:5070',
      'udp 2001:db8::1:5070',
      'udp 192.0.2.3:5060',
    ])
  })

  test('a target of “.” means that there is decidedly no such service: not even the address is tried', async () => {
    expect(await located('sip:example.com', servers({ target: '.', port: 0 }))).toBe('not-found')
    expect(await located('sip:example.com;transport=udp', servers({ target: '.', port: 0 }))).toBe(
      'not-found',
    )
  })

  test('a transport that is denied leaves the others', async () => {
    const table = {
      ...servers({ target: '.', port: 0 }),
      '_sip._tcp.example.com': { SRV: [{ target: 'b.example' }] },
    }
    expect(await located('sip:example.com', table)).toEqual(['tcp 192.0.2.3:5060'])
  })

  test('a record without a port is none', async () => {
    expect(await located('sip:example.com', servers({ target: 'a.example', port: 0 }))).toBe('not-found')
  })

  test('a server without address is passed over', async () => {
    const table = servers({ target: 'gone.example' }, { target: 'b.example', priority: 1 })
    expect(await located('sip:example.com', table)).toEqual(['udp 192.0.2.3:5060'])
  })

  test('servers, but not one address: not-found', async () => {
    expect(await located('sip:example.com', servers({ target: 'gone.example' }))).toBe('not-found')
  })

  test('the same place is listed once', async () => {
    const table = servers({ target: 'b.example' }, { target: 'b.example', priority: 1 })
    expect(await located('sip:example.com', table)).toEqual(['udp 192.0.2.3:5060'])
  })

  test('no more servers are looked up, and no more places listed, than the limits say', async () => {
    const SRV = Array.from({ length: 100 }, (_, i) => ({ target: `n${i}.example`, priority: i }))
    const table: Record<string, Known> = { '_sip._udp.example.com': { SRV } }
    for (let i = 0; i < 100; i++) table[`n${i}.example`] = { A: [`192.0.2.${i}`, `198.51.100.${i}`] }
    const { lookups, asked } = dnsOf(table)
    const limits = { servers: 4, targets: 6 }
    const deps = { lookups, random: randomOf(0), transports: ALL, families: [4], limits } as const
    const found = await locate(sipUri('sip:example.com'), deps)
    expect(found.ok && written(found.value)).toEqual([
      'udp 192.0.2.0:5060',
      'udp 198.51.100.0:5060',
      'udp 192.0.2.1:5060',
      'udp 198.51.100.1:5060',
      'udp 192.0.2.2:5060',
      'udp 198.51.100.2:5060',
    ])
    expect(asked.filter((question) => question.startsWith('A ')).length).toBe(4)
  })
})

describe('addresses', () => {
  test('families in the order in which they are preferred, and no others', async () => {
    const table = { 'example.com': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] } }
    const ask = (families: readonly (4 | 6)[]) => located('sip:example.com:5060', table, { families })
    expect(await ask([6, 4])).toEqual(['udp 2001:db8::1:5060', 'udp 192.0.2.1:5060'])
    expect(await ask([4])).toEqual(['udp 192.0.2.1:5060'])
  })

  test('what can be no single host is left out: DNS belongs to strangers', async () => {
    const table = { 'example.com': { A: ['0.0.0.0', '224.0.0.1', '255.255.255.255', '192.0.2.1'] } }
    expect(await located('sip:example.com:5060', table)).toEqual(['udp 192.0.2.1:5060'])
    expect(await located('sip:224.0.0.1', {})).toBe('not-found')
  })

  test('so is what the caller does not want to reach', async () => {
    const table = { 'example.com': { A: ['127.0.0.1', '192.0.2.1'] } }
    const reachable = (address: string) => address !== '127.0.0.1'
    expect(await located('sip:example.com:5060', table, { reachable })).toEqual(['udp 192.0.2.1:5060'])
    expect(await located('sip:127.0.0.1', {}, { reachable })).toBe('not-found')
  })
})

describe('“there is none” and “could not look” (unavailable) are two things', () => {
  const failing = (name: string, ...failed: NonNullable<Known['failed']>) => ({
    ...EXAMPLE,
    [name]: { ...EXAMPLE[name], failed },
  })

  test.for([
    ['NAPTR', 'sip:example.com', failing('example.com', 'NAPTR')],
    ['SRV', 'sip:example.com', failing('_sips._tcp.example.com', 'SRV')],
    [
      'SRV of a transport that is named',
      'sip:example.com;transport=tcp',
      failing('_sip._tcp.example.com', 'SRV'),
    ],
    ['the addresses of the only server', 'sip:example.com', failing('s.example.com', 'A')],
    ['the address of a name with port', 'sip:example.com:5060', { 'example.com': { failed: ['A'] } }],
    ['AAAA, where there is no A', 'sip:example.com:5060', { 'example.com': { failed: ['AAAA'] } }],
  ] as const)('%s', async ([, uri, table]) => {
    expect(await located(uri, table)).toBe('unavailable')
  })

  test('TLS is not given up because its SRV query fails', async () => {
    const table: Record<string, Known> = { ...noNaptr, '_sips._tcp.example.com': { failed: ['SRV'] } }
    expect(await located('sip:example.com', table, { transports: ['tls', 'tcp'] })).toBe('unavailable')
    // A transport that we prefer less is no reason to wait.
    expect(await located('sip:example.com', table, { transports: ['tcp', 'tls'] })).toEqual([
      'tcp 192.0.2.2:5063',
    ])
  })

  test('AAAA that cannot be looked up does not matter where there is A', async () => {
    const table: Record<string, Known> = { 'example.com': { A: ['192.0.2.1'], failed: ['AAAA'] } }
    expect(await located('sip:example.com:5060', table)).toEqual(['udp 192.0.2.1:5060'])
  })

  test('one server that cannot be looked up does not matter where there are others', async () => {
    const table: Record<string, Known> = {
      '_sip._udp.example.com': { SRV: [{ target: 'x.example' }, { target: 'y.example', priority: 1 }] },
      'x.example': { failed: ['A', 'AAAA'] },
      'y.example': { A: ['192.0.2.1'] },
    }
    expect(await located('sip:example.com', table)).toEqual(['udp 192.0.2.1:5060'])
  })
})

describe('a configured place', () => {
  const atHost = async (place: Parameters<typeof locateHost>[0], table: Record<string, Known> = EXAMPLE) => {
    const { lookups, asked } = dnsOf(table)
    const found = await locateHost(place, { lookups, random: randomOf(0), transports: ALL })
    return { targets: found.ok ? written(found.value) : found.error.kind, asked, found }
  }

  test('an access edge over TLS: _sips._tcp, else its address at 5061; no NAPTR is asked for', async () => {
    const { targets, asked } = await atHost({ host: 'example.com', transport: 'tls' })
    expect(targets).toEqual(['tls 192.0.2.3:5064'])
    expect(asked).not.toContain('NAPTR example.com')
    expect((await atHost({ host: 'S.example.com.', transport: 'tls' })).targets).toEqual([
      'tls 192.0.2.3:5061',
    ])
  })

  test('with a port: its address', async () => {
    const { targets, asked, found } = await atHost({ host: 's.example.com', port: 5071, transport: 'tls' })
    expect(targets).toEqual(['tls 192.0.2.3:5071'])
    expect(asked).toEqual(['A s.example.com', 'AAAA s.example.com'])
    expect(found.ok && found.value[0]?.host).toBe('s.example.com')
  })

  test('without transport: as sip:<host> (§4)', async () => {
    expect((await atHost({ host: 'example.com' })).targets).toEqual(['tls 192.0.2.3:5064'])
  })

  test('an IP literal, IPv6 in brackets or not', async () => {
    for (const host of ['2001:db8::9', '[2001:DB8::9]'])
      expect((await atHost({ host, transport: 'tls' })).targets).toEqual(['tls 2001:db8::9:5061'])
  })

  test('over TLS alone where TLS is wanted', async () => {
    const { lookups } = dnsOf(EXAMPLE)
    const deps = { lookups, random: randomOf(0), transports: ['udp'] } as const
    const found = await locateHost({ host: 'example.com', transport: 'tls' }, deps)
    expect(found.ok ? undefined : found.error.kind).toBe('not-found')
  })
})

test('a URI whose host is no host name leads nowhere', async () => {
  expect(await located(`sip:${'a'.repeat(64)}.example`, EXAMPLE)).toBe('not-found')
})

test('maddr does not change whom the peer must prove to be', async () => {
  const { lookups } = dnsOf(EXAMPLE)
  const deps = { lookups, random: randomOf(0), transports: ALL }
  const found = await locate(sipUri('sips:bank.example;maddr=192.0.2.66'), deps)
  expect(found.ok && found.value).toMatchObject([{ address: '192.0.2.66', host: 'bank.example' }])
})
