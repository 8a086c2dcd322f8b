import { describe, expect, test } from 'vitest'
import { locateResponse, responseRoute } from '../../../src/sip/locate/response.ts'
import type { Transport } from '../../../src/sip/locate/target.ts'
import { parseOneVia } from '../../../src/sip/via.ts'
import { dnsOf, type Known, randomOf } from './dns-of.ts'

const ALL: readonly Transport[] = ['udp', 'tcp', 'tls']

const routeOf = (text: string) => {
  const via = parseOneVia(`SIP/2.0/${text}`)
  if (!via.ok) throw new Error(text)
  return responseRoute(via.value)
}

const placesOf = (text: string): readonly string[] | undefined =>
  routeOf(text)?.places.map((place) => {
    switch (place.kind) {
      case 'address':
        return `${place.address}:${place.port}`
      case 'host':
        return `A ${place.name}:${place.port}`
      default:
        return `SRV ${place.name}`
    }
  })

describe('where a response goes whose way back is gone (RFC 3261 §18.2.2, RFC 3263 §5, RFC 3581 §4)', () => {
  test.for([
    ['numeric, no port', 'UDP 192.0.2.1', ['192.0.2.1:5060']],
    ['numeric, no port, TLS', 'TLS 192.0.2.1', ['192.0.2.1:5061']],
    ['numeric with port', 'TCP 192.0.2.1:5070', ['192.0.2.1:5070']],
    ['numeric, IPv6', 'TCP [2001:db8::1]:5070', ['2001:db8::1:5070']],
    ['a name with port', 'TCP a.example:5070', ['A a.example:5070']],
    ['a name without port', 'TLS A.example', ['SRV a.example']],
    ['received first', 'TCP a.example;received=192.0.2.9', ['192.0.2.9:5060', 'SRV a.example']],
    [
      'received, with the port of sent-by',
      'TCP a.example:5070;received=192.0.2.9',
      ['192.0.2.9:5070', 'A a.example:5070'],
    ],
    ['received, TLS', 'TLS a.example;received=192.0.2.9', ['192.0.2.9:5061', 'SRV a.example']],
    [
      'rport over UDP',
      'UDP 10.0.0.1:5060;received=192.0.2.9;rport=40001',
      ['192.0.2.9:40001', '10.0.0.1:5060'],
    ],
    // The source port of a connection is no place to connect to.
    ['rport over TCP', 'TCP 10.0.0.1;received=192.0.2.9;rport=40001', ['192.0.2.9:5060', '10.0.0.1:5060']],
    [
      'rport that was only asked for',
      'UDP 10.0.0.1;received=192.0.2.9;rport',
      ['192.0.2.9:5060', '10.0.0.1:5060'],
    ],
    ['received is sent-by', 'TCP 192.0.2.1;received=192.0.2.1', ['192.0.2.1:5060']],
    [
      'received, IPv6 in brackets',
      'TCP a.example;received=[2001:db8::9]',
      ['2001:db8::9:5060', 'SRV a.example'],
    ],
    ['received is no address', 'TCP a.example;received=b.example', ['SRV a.example']],
    ['maddr is not followed', 'UDP 192.0.2.1;maddr=198.51.100.1', ['192.0.2.1:5060']],
    ['no host name', `TCP ${'a'.repeat(64)}.example`, []],
    ['another transport', 'SCTP 192.0.2.1', undefined],
  ] as const)('%s', ([, text, places]) => {
    expect(placesOf(text)).toEqual(places)
  })
})

describe('looking it up', () => {
  const table: Readonly<Record<string, Known>> = {
    '_sips._tcp.a.example': { SRV: [{ target: 'edge.a.example', port: 5062 }] },
    '_sip._udp.a.example': { SRV: [{ target: '.' }] },
    'edge.a.example': { A: ['192.0.2.1'] },
    'a.example': { A: ['192.0.2.2', '192.0.2.3'], AAAA: ['2001:db8::2'] },
    'broken.example': { failed: ['A'] },
  }
  const found = async (text: string): Promise<readonly string[] | string> => {
    const route = routeOf(text)
    if (route === undefined) throw new Error(text)
    const deps = { lookups: dnsOf(table).lookups, random: randomOf(0), transports: ALL }
    const located = await locateResponse(route, deps)
    return located.ok
      ? located.value.map(({ transport, address, port }) => `${transport} ${address}:${port}`)
      : located.error.kind
  }

  test.for([
    ['TLS means _sips._tcp', 'TLS a.example', ['tls 192.0.2.1:5062']],
    [
      'no SRV: the addresses of the name (RFC 2782)',
      'TCP a.example',
      ['tcp 192.0.2.2:5060', 'tcp 192.0.2.3:5060', 'tcp 2001:db8::2:5060'],
    ],
    ['SRV says “.”', 'UDP a.example', 'not-found'],
    ['a name with port', 'TCP edge.a.example:5070', ['tcp 192.0.2.1:5070']],
    [
      'received stays, though the name is not found',
      'TCP x.example;received=192.0.2.9',
      ['tcp 192.0.2.9:5060'],
    ],
    ['a name that cannot be looked up', 'TCP broken.example:5070', 'unavailable'],
    ['the same place once', 'TCP edge.a.example:5060;received=192.0.2.1', ['tcp 192.0.2.1:5060']],
    ['an address nobody may be sent to', 'TCP 224.0.0.1', 'not-found'],
  ] as const)('%s', async ([, text, expected]) => {
    expect(await found(text)).toEqual(expected)
  })
})
